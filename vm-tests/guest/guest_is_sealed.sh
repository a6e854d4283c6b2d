#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The guest cannot write to the machine's files, whatever it mounts: each share is tried, also after it
# was mounted again for writing. In a guest from an initramfs there is no share at all.
failed=0
grep -E ' (virtiofs|9p) ' /proc/mounts | while read -r device path type _; do
	mount -o remount,rw "$path" 2>/dev/null
	if touch "$path/written-by-a-guest" 2>/dev/null; then
		echo "FAILED: $device on $path ($type) can be written to"
		exit 1
	fi
	echo "$device on $path ($type): read-only"
done || failed=1
for tag in virtme.cache ROOTFS; do
	mkdir -p /tmp/again
	for type in virtiofs 9p; do
		mount -t $type -o rw $tag /tmp/again 2>/dev/null || continue
		touch /tmp/again/written-by-a-guest 2>/dev/null && echo "FAILED: $tag by $type can be written to" && failed=1
		umount /tmp/again
	done
done
exit $failed
