#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# examples/desk runs a day, loses its gateway to kill -9, and every order is in the journal.
set -eu
examples/desk/run
