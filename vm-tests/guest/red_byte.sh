#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# For the runner's own test: one byte of what was sent is not what arrives.
MYC_WRONG_BYTE=1 exec "$BUILD/vm-tests/zero_copy" auto_takes_the_best_there_is_and_contents_are_right
