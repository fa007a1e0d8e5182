# SPDX-License-Identifier: Apache-2.0
# lucid_module(name [TORCH] [PUBLIC lib…] [PRIVATE lib…] [TEST lib…]): one folder of src/lucid becomes the library lucid::name from
# its *.cpp files, and its *_test.cpp files become the program lucid_name_test. TORCH links libtorch and shares its
# precompiled header. Test suites whose name contains "Golden" get the ctest label `golden`.

function(lucid_module name)
  cmake_parse_arguments(arg "TORCH" "" "PUBLIC;PRIVATE;TEST" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  file(GLOB nested CONFIGURE_DEPENDS */*.cpp)
  list(APPEND sources ${nested})
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")

  if(sources)
    add_library(lucid_${name} STATIC ${sources})
    target_link_libraries(lucid_${name} PUBLIC lucid_flags ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
    if(arg_TORCH)
      lucid_use_torch(lucid_${name})
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

  if(LUCID_TESTS AND tests)
    add_executable(lucid_${name}_test ${tests})
    target_link_libraries(lucid_${name}_test PRIVATE lucid_${name} ${arg_PRIVATE} ${arg_TEST} lucid_test_support)
    if(arg_TORCH)
      lucid_use_torch(lucid_${name}_test)
    endif()
    lucid_discover_tests(lucid_${name}_test)
  endif()
endfunction()

# One precompiled header for everything that includes torch, and few compiler runs: each takes ten seconds before the
# first line of ours, so that a dozen files at once take little longer than two.
function(lucid_use_torch target)
  target_link_libraries(${target} PUBLIC torch)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${LUCID_UNITY} UNITY_BUILD_BATCH_SIZE 12)
  if(LUCID_UNITY)
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)  # a file's own types look as if a header had them
  endif()
  if(NOT TARGET lucid_torch_pch)
    file(WRITE ${PROJECT_BINARY_DIR}/torch_pch.cpp "")
    add_library(lucid_torch_pch OBJECT ${PROJECT_BINARY_DIR}/torch_pch.cpp)
    target_link_libraries(lucid_torch_pch PRIVATE lucid_flags torch OpenMP::OpenMP_CXX)
    target_precompile_headers(lucid_torch_pch PRIVATE <torch/torch.h>)
  endif()
  target_link_libraries(${target} PUBLIC OpenMP::OpenMP_CXX)
  target_precompile_headers(${target} REUSE_FROM lucid_torch_pch)
endfunction()

# ctest's tests of a program (AddSuites.cmake): one a suite; with EACH one a test, for programs of few and long ones.
function(lucid_discover_tests target)
  cmake_parse_arguments(arg "EACH" "" "" ${ARGN})
  set(file ${CMAKE_CURRENT_BINARY_DIR}/${target}_suites)
  file(GENERATE OUTPUT ${file}.cmake CONTENT
"set(program \"$<TARGET_FILE:${target}>\")
set(list \"${file}.txt\")
set(folder \"${CMAKE_CURRENT_BINARY_DIR}\")
set(each ${arg_EACH})
include(\"${PROJECT_SOURCE_DIR}/cmake/AddSuites.cmake\")
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${file}.cmake)
endfunction()
