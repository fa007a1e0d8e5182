# SPDX-License-Identifier: Apache-2.0
# Read by ctest, for `program`: a ctest test for each suite, since a process of its own for each of its tests spends most of
# its time on libtorch's start; for each test if `each` is set. What needs a GPU (…/on_device) is one by itself. The exit
# code alone decides (tests/support/test_main.cpp): 0 passed, 77 every test was skipped, anything else failed. Each process
# writes what became of its tests into a file below `results`. tests/gate_test.cmake tests these rules.

cmake_policy(VERSION 3.25)

# A test that always fails, since there is no such program; its name says why.
macro(add_failure what)
  add_test("${program}_${what}" "${program}_${what}")
endmacro()

if(NOT EXISTS "${program}")
  add_failure(IS_NOT_BUILT)
  return()
endif()
if("${program}" IS_NEWER_THAN "${list}")  # or there is no list
  execute_process(COMMAND "${program}" --gtest_list_tests OUTPUT_VARIABLE output RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    file(REMOVE "${list}")
    add_failure(DOES_NOT_LIST_ITS_TESTS)
    return()
  endif()
  string(REGEX REPLACE "  # [^\n]*" "" output "${output}")  # types and parameters
  file(WRITE "${list}" "${output}")
endif()

macro(add_tests_of name filter)
  if("${name}" IN_LIST lucid_names_of_tests)  # ctest would take the one's properties for the other
    add_failure(HAS_A_NAME_OF_ANOTHER_PROGRAM_${name})
  endif()
  list(APPEND lucid_names_of_tests "${name}")
  add_test(${name} "${program}" "--gtest_filter=${filter}")
  set_tests_properties(
    ${name} PROPERTIES WORKING_DIRECTORY "${folder}" TIMEOUT 900 SKIP_RETURN_CODE 77
                       ENVIRONMENT "OMP_WAIT_POLICY=passive;LUCID_TEST_RESULTS=${results}/${name}.txt")
  if(each)
    set_tests_properties(${name} PROPERTIES COST 1)  # begins first
  endif()
  if(${name} MATCHES Golden)
    set_tests_properties(${name} PROPERTIES LABELS golden)
  endif()
endmacro()

file(STRINGS "${list}" lines)
set(suite "")
set(seen "")
foreach(line ${lines})
  if(line MATCHES "^([^ ]+)\\.$")
    set(suite ${CMAKE_MATCH_1})
    set(seen "")
  elseif(line MATCHES "^  ([^ ]+)$" AND NOT suite STREQUAL "")
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
  else()
    add_failure("LISTS_SOMETHING_ELSE_THAN_TESTS: ${line}")
  endif()
endforeach()
if(suite STREQUAL "")
  add_failure(HAS_NO_TESTS)
endif()
