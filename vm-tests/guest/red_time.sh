#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# For the runner's own test: longer than any limit it is run with.
sleep 1000
