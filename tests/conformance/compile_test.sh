#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Programs that must not compile, and why: each file of tests/compile is two. With -DWRONG it must be refused by gcc and
# clang for the reason that its head states, with all warnings switched off, so that it is an error of the language;
# without it must compile, with all warnings on, so that nothing else is the reason.
set -eu
build=${BUILD:-build}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed() { echo "failed: $*"; exit 1; }
"$build/bin/myc-gen" -o "$dir/desk.h" tests/schemas/actors/desk.xml || failed "the schema"
flags="-std=gnu11 -Iinclude -iquote $dir -iquote tests/compile -fsyntax-only"
warnings="-Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wmissing-variable-declarations -Werror"
[ -z "$(gcc -Wmissing-variable-declarations -x c -fsyntax-only /dev/null 2>&1)" ] ||
	warnings=$(echo "$warnings" | sed 's/-Wmissing-variable-declarations//')
count=0
for program in tests/compile/*.c; do
	for compiler in gcc clang; do
		reason=$(sed -n "s/^ \* $compiler: \(.*\)/\1/p" "$program" | sed 's: *\*/$::')
		[ -n "$reason" ] || failed "$program: states no reason for $compiler"
		# shellcheck disable=SC2086
		LC_ALL=C $compiler $flags $warnings "$program" >"$dir/log" 2>&1 ||
			failed "$program, mended, under $compiler: $(head -n 20 "$dir/log")"
		# shellcheck disable=SC2086
		! LC_ALL=C $compiler $flags -w -DWRONG "$program" >"$dir/log" 2>&1 || failed "$program compiles under $compiler"
		grep 'error: ' "$dir/log" >"$dir/errors" || failed "$program, $compiler: no error: $(cat "$dir/log")"
		head -n 1 "$dir/errors" | grep -qE "$reason" ||
			failed "$program under $compiler: not for the stated reason: $(cat "$dir/errors")"
	done
	count=$((count + 1))
done
[ $count -ge 20 ] || failed "only $count programs"
echo "$count programs"
