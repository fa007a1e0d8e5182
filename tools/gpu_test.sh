#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/gpu_test.sh BUILD: runs the tests of a build folder that want an NVIDIA card. A skipped one among them counts as failed,
# since `make gpu-test` has asked for the card before. Ends with "N passed, N failed".
set -euo pipefail
build=$1
# The suites with such tests; TrainStep and PriorTraining also have some for the CPU.
tests=(lucid_render_test:'*/on_device' lucid_diffusion_test:'Gpu.*' lucid_train_test:'*Gpu*' lucid_pretrain_test:'*Gpu*')

passed=0 failed=()
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
for each in "${tests[@]}"; do
  program=${each%%:*} file=$results/$program
  code=0
  LUCID_TEST_RESULTS=$file "$build/bin/$program" --gtest_filter="${each#*:}" || code=$?
  before=$((passed + ${#failed[@]}))
  while IFS=$'\t' read -r outcome test reason; do
    case $outcome in
      passed) passed=$((passed + 1)) ;;
      skipped) failed+=("$test: skipped: $reason") ;;
      failed) failed+=("$test") ;;
    esac
  done <"$file"
  if [ $((passed + ${#failed[@]})) -eq $before ]; then
    failed+=("$program: no test matches ${each#*:}")
  elif [ $code -ne 0 ] && [ $code -ne 77 ] && [ ${#failed[@]} -eq 0 ]; then
    failed+=("$program: exit code $code")
  fi
done
[ ${#failed[@]} -eq 0 ] || printf 'FAILED   %s\n' "${failed[@]}"
echo "$passed passed, ${#failed[@]} failed"
[ ${#failed[@]} -eq 0 ]
