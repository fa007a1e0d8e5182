# SPDX-License-Identifier: Apache-2.0
# Compiler settings that hold for every target of ours: language, warnings, sanitizers, compiler cache, run paths.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

# Another libtorch than the system's (tools/setup_debian.sh).
if(DEFINED ENV{LUCID_TORCH2_PREFIX})
  list(PREPEND CMAKE_PREFIX_PATH $ENV{LUCID_TORCH2_PREFIX})
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # Precompiled headers carry time stamps; without this sloppiness ccache would never hit. BASEDIR: a clone in another folder
  # hits too, since paths inside the source tree are relative for the compiler (ABSSTDERR: not so in its messages).
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_ABSSTDERR=1 ${CCACHE})
endif()

add_library(lucid_flags INTERFACE)
target_include_directories(lucid_flags INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src> $<INSTALL_INTERFACE:include>)
set(LUCID_WARNINGS -Wall -Wextra -Wno-unknown-pragmas
    $<$<AND:$<BOOL:${LUCID_WERROR}>,$<NOT:$<BOOL:$<TARGET_PROPERTY:LUCID_WARNINGS_PASS>>>>:-Werror>)
# __FILE__ is a path inside the source tree, whichever folder that tree is in and however the compiler was called.
file(RELATIVE_PATH source_from_build ${PROJECT_BINARY_DIR} ${PROJECT_SOURCE_DIR})
set(LUCID_FILE_NAMES -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/= -fmacro-prefix-map=${source_from_build}/=)
# Ours alone: whoever links an installed copy has settings of their own.
target_compile_options(lucid_flags INTERFACE
  "$<BUILD_INTERFACE:$<$<COMPILE_LANGUAGE:CXX>:${LUCID_WARNINGS};${LUCID_FILE_NAMES};$<$<BOOL:${CCACHE}>:-fpch-preprocess>>>"
  "$<BUILD_INTERFACE:$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra;$<$<BOOL:${LUCID_WERROR}>:--Werror=all-warnings>>>")
if(LUCID_SANITIZE)
  # GCC 12's sanitizers make it take libtorch's optional values for uninitialised ones, and those of its own intrinsics.
  target_compile_options(
    lucid_flags
    INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${LUCID_SANITIZE};-fno-omit-frame-pointer;-Wno-maybe-uninitialized;-Wno-uninitialized>")
  target_link_options(lucid_flags INTERFACE -fsanitize=${LUCID_SANITIZE})
endif()
if(LUCID_FUZZ)
  target_compile_options(lucid_flags INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-fsanitize-coverage=trace-pc,trace-cmp>")
endif()

# Debian lets several BLAS flavours stand side by side and prefers the pthread one, whose threads fight libtorch's OpenMP
# pool (half the speed on two cores). A classic RPATH also steers the libraries that libtorch itself asks for.
find_path(LUCID_OPENBLAS_DIR libblas.so.3 PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp NO_DEFAULT_PATH)
if(LUCID_OPENBLAS_DIR)
  set(CMAKE_BUILD_RPATH ${LUCID_OPENBLAS_DIR})
  set(CMAKE_INSTALL_RPATH ${LUCID_OPENBLAS_DIR})
  add_link_options(-Wl,--disable-new-dtags)
endif()

# pip's libtorch exports functions of the C++ library (std::filesystem::remove_all) that call others which this machine's
# version of it need not have. Named first, that library answers itself. (A sanitizer's own library must be the first.)
if(NOT LUCID_SANITIZE)
  add_link_options("LINKER:--push-state,--no-as-needed" -lstdc++ "LINKER:--pop-state")
endif()

# libtorch 2.x brings the headers of another fmt than the one that we and spdlog link. Ours must be found first.
function(lucid_find_own_fmt_first)
  get_target_property(ours fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
  list(GET ours 0 ours)
  foreach(folder ${TORCH_INCLUDE_DIRS})
    if(EXISTS ${folder}/fmt AND NOT folder STREQUAL ours)
      file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/include)
      file(CREATE_LINK ${ours}/fmt ${PROJECT_BINARY_DIR}/include/fmt SYMBOLIC)
      target_include_directories(torch BEFORE INTERFACE ${PROJECT_BINARY_DIR}/include)
    endif()
  endforeach()
endfunction()
