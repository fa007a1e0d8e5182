#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Kills a tiny run 1000 times and more: before, in the middle of and after each system call that changes a file, and at
# random instants; fails its system calls; resumes each, and compares it with an unbroken run byte for byte. Prints its
# counts. About half an hour of one core.
# usage: tools/kill_runs.sh [BUILD]
set -eu
build=${1:-build/release}
LUCID_KILLS=1000 exec "$build/bin/lucid_kills_test" --gtest_filter='Kills.*'
