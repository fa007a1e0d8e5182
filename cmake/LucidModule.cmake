# SPDX-License-Identifier: Apache-2.0
# lucid_module(name [TORCH [HOT] | UNITY] [NESTED folder…] [PUBLIC lib…] [PRIVATE lib…] [TEST lib…]): one folder of src/lucid
# becomes the library lucid::name from its *.cpp files and those of the nested folders, and their *_test.cpp files become
# the program lucid_name_test. TORCH links libtorch and shares its precompiled header. HOT: it has loops of its own that take
# time. All else that includes libtorch spends its time there, and is compiled with -O1, which takes half as long as -O3.
# UNITY: several files are compiled at once, as those of TORCH are, because their headers take long (Beast, JSON, CLI11).
# Test suites whose name contains "Golden" get the ctest label `golden`.

function(lucid_module name)
  cmake_parse_arguments(arg "TORCH;HOT;UNITY" "" "NESTED;PUBLIC;PRIVATE;TEST" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  foreach(folder ${arg_NESTED})
    file(GLOB nested CONFIGURE_DEPENDS ${folder}/*.cpp)
    list(APPEND sources ${nested})
  endforeach()
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")

  if(sources)
    add_library(lucid_${name} STATIC ${sources})
    target_link_libraries(lucid_${name} PUBLIC lucid_flags ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
    if(arg_HOT)
      lucid_use_torch(lucid_${name} HOT)
    elseif(arg_TORCH)
      lucid_use_torch(lucid_${name})
    elseif(arg_UNITY)
      lucid_compile_at_once(lucid_${name})
    endif()
  else()
    add_library(lucid_${name} INTERFACE)
    target_link_libraries(lucid_${name} INTERFACE lucid_flags ${arg_PUBLIC} ${arg_PRIVATE})
    if(arg_TORCH)
      target_link_libraries(lucid_${name} INTERFACE torch)
    endif()
  endif()
  add_library(lucid::${name} ALIAS lucid_${name})
  set_target_properties(lucid_${name} PROPERTIES EXPORT_NAME ${name})

  if(LUCID_TESTS AND tests AND (arg_TORCH OR NOT LUCID_TORCH_CHECK))
    add_executable(lucid_${name}_test ${tests})
    target_link_libraries(lucid_${name}_test PRIVATE lucid_${name} ${arg_PRIVATE} ${arg_TEST} lucid_test_support)
    if(arg_TORCH)
      lucid_use_torch(lucid_${name}_test)
    elseif(arg_UNITY)
      lucid_compile_at_once(lucid_${name}_test)
    endif()
    lucid_discover_tests(lucid_${name}_test)
  endif()
endfunction()

# A dozen files of a target form one compiler run, since headers take most of its time.
function(lucid_compile_at_once target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${LUCID_UNITY} UNITY_BUILD_BATCH_SIZE 12)
  if(LUCID_UNITY)
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)  # a file's own types look as if a header had them
  endif()
endfunction()

# A precompiled header for everything that includes torch, one for each way of optimising, and few compiler runs: each
# takes ten seconds before the first line of ours, so that a dozen files at once take little longer than two.
function(lucid_use_torch target)
  cmake_parse_arguments(arg "HOT" "" "" ${ARGN})
  target_link_libraries(${target} PUBLIC torch OpenMP::OpenMP_CXX)
  lucid_compile_at_once(${target})
  set(header lucid_torch_pch)
  set(quick "")
  if((LUCID_TORCH_CHECK OR NOT arg_HOT) AND CMAKE_BUILD_TYPE STREQUAL "Release" AND CMAKE_CXX_FLAGS_RELEASE MATCHES "-O3")
    set(header lucid_torch_pch_quick)
    set(quick -O1)
  endif()
  if(NOT TARGET ${header})
    file(WRITE ${PROJECT_BINARY_DIR}/torch_pch.cpp "")
    add_library(${header} OBJECT ${PROJECT_BINARY_DIR}/torch_pch.cpp)
    target_link_libraries(${header} PRIVATE lucid_flags torch OpenMP::OpenMP_CXX)
    target_compile_options(${header} PRIVATE ${quick})
    target_precompile_headers(${header} PRIVATE <torch/torch.h>)
  endif()
  # LucidOptions.cmake. At -O1 GCC 12 warns of uninitialised values in its own AVX-512 header.
  set_target_properties(${target} ${header} PROPERTIES LUCID_WARNINGS_PASS ${LUCID_TORCH_CHECK})
  target_compile_options(${target} PRIVATE ${quick})
  target_precompile_headers(${target} REUSE_FROM ${header})
endfunction()

# ctest's tests of a program (AddSuites.cmake): one a suite; with EACH one a test, for programs of few and long ones.
function(lucid_discover_tests target)
  cmake_parse_arguments(arg "EACH" "" "" ${ARGN})
  set(file ${CMAKE_CURRENT_BINARY_DIR}/${target}_suites)
  file(GENERATE OUTPUT ${file}.cmake CONTENT
"set(program \"$<TARGET_FILE:${target}>\")
set(list \"${file}.txt\")
set(folder \"${CMAKE_CURRENT_BINARY_DIR}\")
set(results \"${PROJECT_BINARY_DIR}/test-results\")
set(each ${arg_EACH})
include(\"${PROJECT_SOURCE_DIR}/cmake/AddSuites.cmake\")
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${file}.cmake)
endfunction()
