#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The program of docs/FEEDS.md compiles under both compilers, and says what the guide says.
set -eu
build=${BUILD:-build}
. tests/sbe/functions.sh
block() { # LANGUAGE FILE: the first block of that language
	awk -v start="^\`\`\`$1\$" '$0 ~ start && !n++ {on=1; next} /^```$/ {on=0} on' docs/FEEDS.md >"$2"
	[ -s "$2" ] || failed "docs/FEEDS.md has no $1"
}
block c "$dir/driver.c"
block text "$dir/expected"
"$build/bin/myc-gen" -p mdp3 -o "$dir/mdp3.h" tests/schemas/good/feed_mdp3.xml || failed "the schema"
for compiler in gcc clang; do
	driver $compiler -O2
	"$dir/driver" >"$dir/said" || failed "$compiler: the example ends with $?"
	diff "$dir/expected" "$dir/said" || failed "$compiler: the example says something else"
done
