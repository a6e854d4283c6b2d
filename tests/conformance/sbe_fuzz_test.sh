#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A short run of the fuzzers of the schema compiler and of generated decoders; `make fuzz` runs them longer.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# The flags of the make around this test are its own affair, and so are its sanitizers.
env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory SAN= BUILD=build build/tests/fuzz/sbe_schema_fuzz \
	build/tests/fuzz/sbe_message_fuzz >"$dir/log" 2>&1 || { tail -n 30 "$dir/log"; echo "failed: build"; exit 1; }
run() { # NAME
	name=$1
	tests/fuzz/seeds "$name" "$dir/$name"
	"build/tests/fuzz/$name" -seed=1 -runs=20000 -max_total_time=15 -artifact_prefix="$dir/" "$dir/$name" >"$dir/$name.log" 2>&1 || {
		tail -n 40 "$dir/$name.log"
		echo "failed: $name"
		exit 1
	}
	tail -n 1 "$dir/$name.log"
}
(run sbe_message_fuzz) &
other=$!
(run sbe_schema_fuzz) || { wait; exit 1; }
wait $other
