#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The schema and the program of docs/MESSAGES.md: they compile under both compilers, and say what the guide says.
set -eu
build=${BUILD:-build}
. tests/sbe/functions.sh
block() { # LANGUAGE FILE: the first block of that language
	awk -v start="^\`\`\`$1\$" '$0 ~ start && !n++ {on=1; next} /^```$/ {on=0} on' docs/MESSAGES.md >"$2"
	[ -s "$2" ] || failed "docs/MESSAGES.md has no $1"
}
block xml "$dir/desk.xml"
block c "$dir/driver.c"
block text "$dir/expected"
"$build/bin/myc-gen" -o "$dir/desk.h" "$dir/desk.xml" || failed "the schema"
for compiler in gcc clang; do
	driver $compiler -O2
	"$dir/driver" >"$dir/said" || failed "$compiler: the example ends with $?"
	diff "$dir/expected" "$dir/said" || failed "$compiler: the example says something else"
done
