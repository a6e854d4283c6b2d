#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# For the runner's own test: an object that cannot load counts as one of ours.
exec "$BUILD/vm-tests/bpf_objects" --broken
