#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Schemas by chance, messages by chance, cut at every byte and spoilt: never a read outside the buffer.
# MYC_SEED: the first schema (1); MYC_SCHEMAS: how many (12).
set -eu
build=${BUILD:-build}
. tests/sbe/functions.sh
first=${MYC_SEED:-1}
list=
for seed in $(seq "$first" $((first + ${MYC_SCHEMAS:-12} - 1))); do
	"$build/tests/sbe/sbe-driver" --random "$seed" >"$dir/r$seed.xml"
	"$build/bin/myc-gen" -o "$dir/r$seed.h" "$dir/r$seed.xml" || failed "seed $seed: not compiled"
	list="$list $dir/r$seed.xml"
done
# shellcheck disable=SC2086
"$build/tests/sbe/sbe-driver" $list >"$dir/driver.c" || failed "no driver, seeds from $first"
warnings gcc
warnings clang
driver clang -O0
"$dir/driver" 4 >"$dir/messages" || failed "driver, seeds from $first"
echo "$(wc -l <"$dir/messages") messages of ${MYC_SCHEMAS:-12} schemas"
