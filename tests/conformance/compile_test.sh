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
flags="-std=gnu11 -Iinclude -iquote $dir -iquote tests/compile"
warnings="-Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wmissing-variable-declarations -Werror"
[ -z "$(gcc -Wmissing-variable-declarations -x c -fsyntax-only /dev/null 2>&1)" ] ||
	warnings=$(echo "$warnings" | sed 's/-Wmissing-variable-declarations//')
# What all of them include is read once by each compiler.
cp tests/compile/prelude.h "$dir"
# shellcheck disable=SC2086
for compiler in gcc clang; do
	[ $compiler = gcc ] && made=$dir/prelude.h.gch || made=$dir/prelude.pch
	$compiler $flags $warnings -x c-header "$dir/prelude.h" -o "$made" >"$dir/log" 2>&1 ||
		failed "the prelude under $compiler: $(head -n 20 "$dir/log")"
done
# shellcheck disable=SC2086
programs() ( # COMPILER OPTION...: all of them under one compiler
	compiler=$1 log=$dir/log.$1 errors=$dir/errors.$1
	shift
	for program in tests/compile/*.c; do
		reason=$(sed -n "s/^ \* $compiler: \(.*\)/\1/p" "$program" | sed 's: *\*/$::')
		[ -n "$reason" ] || failed "$program: states no reason for $compiler"
		$compiler $flags $warnings "$@" -fsyntax-only "$program" >"$log" 2>&1 ||
			failed "$program, mended, under $compiler: $(head -n 20 "$log")"
		! $compiler $flags -w "$@" -fsyntax-only -DWRONG "$program" >"$log" 2>&1 || failed "$program compiles under $compiler"
		grep 'error: ' "$log" >"$errors" || failed "$program, $compiler: no error: $(cat "$log")"
		head -n 1 "$errors" | grep -qE "$reason" ||
			failed "$program under $compiler: not for the stated reason: $(cat "$errors")"
	done
)
export LC_ALL=C
programs gcc -Winvalid-pch -include "$dir/prelude.h" &
gcc=$!
programs clang -include-pch "$dir/prelude.pch" || { wait; exit 1; }
wait $gcc
count=$(find tests/compile -name '*.c' | wc -l)
[ "$count" -ge 20 ] || failed "only $count programs"
echo "$count programs"
