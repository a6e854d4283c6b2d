#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `myc frame` prints the test vectors of docs/FRAME.md as that says, passes over what can be passed over, and tells
# where a file is cut.
set -eu
myc=${BUILD:-build}/bin/myc
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed() { echo "failed: $*"; exit 1; }

bytes() { for byte in "$@"; do printf '%b' "\\0$(printf %o "0x$byte")"; done; }
# The vectors of a kind after each other: those of which the second line has this pattern.
vectors() { # PATTERN
	awk -v pattern="$1" '/^```vector$/ {inside=1; on=0; next} /^```$/ {inside=0} inside && $0 ~ "^" pattern {on=1; next}
		inside && on' docs/FRAME.md | while read -r hex; do
		# shellcheck disable=SC2086 # a word a byte
		bytes $hex
	done
}
vectors '(is|reads) ' >"$dir/good"
sed -n 's/^\(is\|reads\) {/{/p' docs/FRAME.md >"$dir/said"
[ "$(wc -l <"$dir/said")" -ge 7 ] || failed "docs/FRAME.md has no vectors"
"$myc" frame --json "$dir/good" >"$dir/printed" || failed "exit $? for good frames"
cmp "$dir/said" "$dir/printed" || failed "it prints something else"
"$myc" frame - <"$dir/good" >"$dir/text" || failed "exit $? for standard input"
grep -q '^from="0040200003000004" .* priority=7 ' "$dir/text" || failed "no text"

{ vectors 'refused (EILSEQ|EOPNOTSUPP)'; cat "$dir/good"; } >"$dir/mixed"
"$myc" frame "$dir/good" >/dev/full 2>"$dir/told" && failed "what could not be printed is a success"
grep -q 'standard output: No space left' "$dir/told" || failed "no word about what could not be printed"

code=0
"$myc" frame --json "$dir/mixed" >"$dir/printed" 2>"$dir/told" || code=$?
[ $code -eq 1 ] || failed "exit $code for damaged frames"
cmp "$dir/said" "$dir/printed" || failed "a frame that can be passed over costs others"
[ "$(grep -c 'passed over' "$dir/told")" -eq 3 ] || failed "what was passed over is not told"

size=$(wc -c <"$dir/good")
head -c $((size - 1)) "$dir/good" >"$dir/cut"
code=0
"$myc" frame --json "$dir/cut" >"$dir/printed" 2>"$dir/told" || code=$?
[ $code -eq 1 ] || failed "exit $code for a file that is cut"
sed '$d' "$dir/said" | cmp - "$dir/printed" || failed "what is whole is printed"
grep -q "byte $((size - 64)): the stream ends within a frame" "$dir/told" || failed "where it is cut is not told"
code=0
"$myc" frame README.md >"$dir/printed" 2>"$dir/told" || code=$?
[ $code -eq 1 ] && [ ! -s "$dir/printed" ] || failed "exit $code for what is no file of frames"
echo "$(wc -l <"$dir/said") frames printed"
