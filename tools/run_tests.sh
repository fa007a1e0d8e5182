#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/run_tests.sh BUILD [ctest's options…]: runs all tests of a build folder, then lists every skipped test with its reason and
# closes with one line, "N passed, N failed, N skipped". It counts GoogleTest's tests, which are several in one of ctest's. The exit
# code is not 0 if ctest's is not, if no test ran, or if a test program did not come to its end.
set -euo pipefail

build=$(realpath "$1")
shift
results=$build/test-results  # cmake/LucidModule.cmake has each test program write what became of its tests there
junit=$build/test-results.xml
rm -rf "$results" "$junit"

code=0
ctest --test-dir "$build" --output-on-failure --no-tests=error --output-junit "$junit" "$@" || code=$?
if [ ! -s "$junit" ]; then
  echo "ctest ran no test (exit code $code)"
  echo "0 passed, 0 failed, 0 skipped"
  [ $code -ne 0 ] || code=1
  exit $code
fi

# ctest's own word on each of its tests: name, tab, passed, failed or skipped. Names of tests hold no quotes.
said=$(awk '
  /^\t<testcase name="/ {
    split($0, part, "\""); name = part[2]
    what = "failed"
    if ($0 ~ / status="run"/) what = "passed"
    waits = $0 ~ / status="notrun"/  # the reason is on a line of its own
    if (!waits) print name "\t" what
  }
  waits && /^\t\t<skipped message="/ { print name "\t" ($0 ~ /"SKIP_RETURN_CODE=77"/ ? "skipped" : "failed"); waits = 0 }
  waits && /^\t<\/testcase>/ { print name "\tfailed"; waits = 0 }
' "$junit")

passed=0 failed=0 skipped=0
failures=() skips=()
fail() { failed=$((failed + 1)); failures+=("$1"); }
while IFS=$'\t' read -r name what; do
  file=$results/$name.txt
  if [ ! -e "$file" ]; then  # no program of GoogleTest's: one test
    case $what in
      passed) passed=$((passed + 1)) ;;
      skipped) skipped=$((skipped + 1)) skips+=("$name: its exit code says so") ;;
      *) fail "$name" ;;
    esac
    continue
  fi
  ended=no before=$failed
  while IFS=$'\t' read -r outcome test reason; do
    case $outcome in
      passed) passed=$((passed + 1)) ;;
      skipped) skipped=$((skipped + 1)) skips+=("$test: $reason") ;;
      failed) fail "$test" ;;
      ended) ended=yes ;;
    esac
  done <"$file"
  if [ $ended = no ]; then
    fail "$name: its program did not come to its end"
  elif [ "$what" = failed ] && [ "$failed" -eq "$before" ]; then
    fail "$name: ctest says so"
  fi
done <<<"$said"

echo
[ ${#skips[@]} -eq 0 ] || printf 'skipped  %s\n' "${skips[@]}"
[ ${#failures[@]} -eq 0 ] || printf 'FAILED   %s\n' "${failures[@]}"
if [ $((passed + failed)) -eq 0 ]; then
  echo "no test ran"
  [ $code -ne 0 ] || code=1
fi
[ "$failed" -eq 0 ] || [ $code -ne 0 ] || code=1
echo "$passed passed, $failed failed, $skipped skipped"
exit $code
