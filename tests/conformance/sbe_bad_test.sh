#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every schema of tests/schemas/bad is refused with the lines of its .err, file and line first, and
# nothing is written. MYC_UPDATE=1 writes them: read each.
set -eu
build=$(cd "${BUILD:-build}" && pwd)
cd tests/schemas/bad
out=$(mktemp)
trap 'rm -f "$out" "$out.h"' EXIT
count=0
for schema in *.xml; do
	code=0
	"$build/bin/myc-gen" -o "$out.h" "$schema" 2>"$out" || code=$?
	[ -z "${MYC_UPDATE:-}" ] || cp "$out" "${schema%.xml}.err"
	[ $code -eq 2 ] || { echo "failed: $schema: exit status $code"; exit 1; }
	[ ! -e "$out.h" ] || { echo "failed: $schema: a header was written"; exit 1; }
	diff "${schema%.xml}.err" "$out" || { echo "failed: $schema: other errors than expected"; exit 1; }
	grep -q "^$schema:[0-9]*: <" "$out" || { echo "failed: $schema: no line"; exit 1; }
	count=$((count + 1))
done
[ $count -ge 60 ] || { echo "failed: only $count schemas"; exit 1; }
# what real schemas break without harm is a warning when asked for
for schema in field_semantic_mismatch field_id_elsewhere field_presence_mismatch; do
	"$build/bin/myc-gen" --lenient -o /dev/null $schema.xml 2>"$out" || { echo "failed: $schema, lenient"; exit 1; }
	grep -q ": warning: <" "$out" || { echo "failed: $schema: no warning"; exit 1; }
done
# what is written to and is no file is not taken away
full=$(mktemp -d)
trap 'rm -rf "$out" "$out.h" "$full"' EXIT
ln -s /dev/full "$full/full"
code=0
"$build/bin/myc-gen" -o "$full/full" ../good/order.xml 2>"$out" || code=$?
if [ $code -ne 1 ] || [ ! -L "$full/full" ] || ! grep -q 'No space left' "$out"; then
	echo "failed: exit status $code: $(cat "$out")"
	exit 1
fi
echo "$count schemas"
