#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every schema of tests/schemas/good compiles; the headers, all in one program, build without a warning
# under gcc and clang; messages by chance go through encoders and decoders of every version, are cut at
# every byte and spoilt, under AddressSanitizer; the bytes of counted messages are those of golden.txt
# (MYC_UPDATE=1 writes it: check each byte by hand).
set -eu
build=${BUILD:-build}
. tests/sbe/functions.sh
list=
for schema in tests/schemas/good/*.xml; do
	name=$(basename "$schema" .xml)
	[ "$name" != common ] || continue
	list="$list $schema"
	"$build/bin/myc-gen" -o "$dir/$name.h" "$schema" 2>"$dir/log" || failed "$schema: $(cat "$dir/log")"
	[ ! -s "$dir/log" ] || failed "$schema: $(cat "$dir/log")"
	"$build/bin/myc-gen" -o "$dir/again/$name.h" "$schema"
	cmp "$dir/$name.h" "$dir/again/$name.h" || failed "$schema: another output the second time"
done
# shellcheck disable=SC2086
"$build/tests/sbe/sbe-driver" $list >"$dir/driver.c" || failed "no driver"
warnings gcc
warnings clang
# As C++, too.
grep '^#include "[a-z0-9_]*.h"' "$dir/driver.c" >"$dir/all.cc"
[ "$(wc -l <"$dir/all.cc")" -ge 60 ] || failed "the driver does not include all headers"
for compiler in g++ clang++; do
	command -v $compiler >"$dir/log" || continue
	$compiler -std=c++17 -Wall -Wextra -Wpedantic -Wconversion -Werror -Iinclude -iquote "$dir" -fsyntax-only "$dir/all.cc" \
		>"$dir/log" 2>&1 || failed "$compiler: $(head -n 30 "$dir/log")"
done
driver clang -O0
"$dir/driver" 3 >"$dir/golden.txt" || failed "driver"
[ -z "${MYC_UPDATE:-}" ] || cp "$dir/golden.txt" tests/schemas/good/golden.txt
diff tests/schemas/good/golden.txt "$dir/golden.txt" || failed "other bytes than golden.txt has"
set -- $list
[ $# -ge 60 ] || failed "only $# schemas"
echo "$# schemas, $(wc -l <"$dir/golden.txt") messages"
