#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A short run of the fuzzer of frames, from the test vectors of docs/FRAME.md; `make fuzz` runs it longer.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# The flags of the make around this test are its own affair, and so are its sanitizers.
env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory SAN= BUILD=build build/tests/fuzz/frame_fuzz >"$dir/log" 2>&1 ||
	{ tail -n 30 "$dir/log"; echo "failed: build"; exit 1; }
tests/fuzz/seeds frame_fuzz "$dir/vectors"
build/tests/fuzz/frame_fuzz -seed=1 -runs=100000 -max_total_time=15 -artifact_prefix="$dir/" "$dir/vectors" >"$dir/log" 2>&1 ||
	{ tail -n 40 "$dir/log"; echo "failed: frame_fuzz"; exit 1; }
tail -n 1 "$dir/log"
