# SPDX-License-Identifier: Apache-2.0
# Read by ctest, for `program`: a ctest test for each suite, since a process of its own for each of its tests spends most of
# its time on libtorch's start; for each test if `each` is set. What needs a GPU (…/on_device) is one by itself, and a
# test of which everything was skipped is shown as skipped.

cmake_policy(VERSION 3.25)
if(NOT EXISTS "${program}")
  add_test("${program}_IS_NOT_BUILT" "${program}")
  return()
endif()
if("${program}" IS_NEWER_THAN "${list}")  # or there is no list
  execute_process(COMMAND "${program}" --gtest_list_tests OUTPUT_VARIABLE output RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${program} does not list its tests: ${code}")
  endif()
  string(REGEX REPLACE "  # [^\n]*" "" output "${output}")  # types and parameters
  file(WRITE "${list}" "${output}")
endif()

macro(add_tests_of name filter)
  add_test(${name} "${program}" "--gtest_filter=${filter}")
  set_tests_properties(
    ${name} PROPERTIES WORKING_DIRECTORY "${folder}" ENVIRONMENT OMP_WAIT_POLICY=passive TIMEOUT 900
                       SKIP_REGULAR_EXPRESSION "PASSED  . 0 tests")
  if(each)
    set_tests_properties(${name} PROPERTIES COST 1)  # begins first
  endif()
  if(${name} MATCHES Golden)
    set_tests_properties(${name} PROPERTIES LABELS golden)
  endif()
endmacro()

file(STRINGS "${list}" lines)
foreach(line ${lines})
  if(line MATCHES "^([^ ]+)\\.$")
    set(suite ${CMAKE_MATCH_1})
    set(seen "")
  elseif(line MATCHES "^  ([^ ]+)$")
    set(test ${CMAKE_MATCH_1})
    if(each)
      add_tests_of(${suite}.${test} ${suite}.${test})
    elseif(test MATCHES "/on_device$" AND NOT "device" IN_LIST seen)
      list(APPEND seen device)
      add_tests_of(${suite}/on_device ${suite}.*/on_device)
    elseif(NOT test MATCHES "/on_device$" AND NOT "other" IN_LIST seen)
      list(APPEND seen other)
      add_tests_of(${suite} ${suite}.*-*/on_device)
    endif()
  endif()
endforeach()
