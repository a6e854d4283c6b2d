#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# For the runner's own test: passes, but leaves what a kernel's warning looks like in its log.
echo 'WARNING: CPU: 0 PID: 1 at vm-tests/selftest (on purpose)' >/dev/kmsg
