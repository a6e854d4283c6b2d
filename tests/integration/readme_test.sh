#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The README's first C example compiles against the library as a stranger would build it, and runs.
set -eu
build=${BUILD:-build}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
awk '/^```c$/ && !n++ {on=1; next} /^```$/ {on=0} on' README.md >"$dir/ping.c"
[ -s "$dir/ping.c" ] || { echo "README.md has no C example"; exit 1; }
flags=
case $build in *san-address*) flags=-fsanitize=address,undefined ;; *san-thread*) flags=-fsanitize=thread ;; esac
# shellcheck disable=SC2046,SC2086
${CC:-gcc} -std=gnu11 -Wall -Wextra -Werror $flags -Iinclude "$dir/ping.c" "$build/lib/libmycelium.a" \
	$(pkg-config --libs libbpf libxdp libnl-3.0 libnl-route-3.0 yaml-0.1 libpcap libcap libseccomp) \
	-lelf -lz -ldl -lm -pthread -o "$dir/ping"
out=$("$dir/ping")
echo "$out"
[ "$out" = "$(printf 'right: 1000 rallies')" ] || [ "$out" = "left: 1000 rallies" ] || { echo "not what the README promises"; exit 1; }
