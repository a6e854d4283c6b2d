#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The dispatcher's cases under a libxdp from 1.5.5 on (run with the loader and libraries it came with),
# and what the libxdp of this Debian gets.
test=$BUILD/vm-tests/dispatcher
LIBXDP_OBJECT_PATH=/myc/libxdp /myc/libxdp/ld-linux-x86-64.so.2 \
	--library-path /myc/libxdp:/usr/lib/x86_64-linux-gnu "$test"
new=$?
"$test" --as-it-is
old=$?
[ $new -eq 0 ] && [ $old -eq 0 ]
