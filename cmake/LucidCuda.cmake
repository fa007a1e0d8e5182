# SPDX-License-Identifier: Apache-2.0
# Whether the CUDA rasteriser, and with a CUDA libtorch the networks' kernels, are built: LUCID_CUDA is AUTO (where nvcc is
# found), ON (an error where it is not) or OFF.
# Sets LUCID_WITH_CUDA; lucid_add_cuda(target files…) adds .cu files to a target.

set(LUCID_CUDA AUTO CACHE STRING "Build the CUDA rasteriser: AUTO (where nvcc is found), ON or OFF")
set_property(CACHE LUCID_CUDA PROPERTY STRINGS AUTO ON OFF)
option(LUCID_SHARED_CUDART "Take CUDA's runtime from libtorch's libraries: for a tarball, which then holds no code of NVIDIA's" OFF)
set(LUCID_WITH_CUDA FALSE)

if(NOT LUCID_CUDA STREQUAL "OFF")
  # A100, RTX 30 and 40 series, H100: what every nvcc 12 knows; later cards compile the newest one's PTX. tools/setup_gpu.sh
  # gives the cards that are there. Must be known before the language is enabled.
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES "80;86;89;90" CACHE STRING "Compute capabilities that CUDA code is compiled for")
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
  endif()
  if(CMAKE_CUDA_COMPILER AND CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 12)  # the first with C++20
    set(LUCID_WITH_CUDA TRUE)
    set(CMAKE_CUDA_STANDARD 20)
    if(LUCID_SHARED_CUDART)
      set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
    endif()
    if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc has C++20
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
    endif()
  elseif(NOT LUCID_CUDA STREQUAL "AUTO")
    message(FATAL_ERROR "LUCID_CUDA is ${LUCID_CUDA}, but there is no nvcc 12 or later; CMAKE_CUDA_COMPILER names it")
  endif()
endif()
if(LUCID_WITH_CUDA)
  # libtorch's CMake files ignore CMAKE_CUDA_ARCHITECTURES for every target, and have a list of their own: 80;90 is 8.0;9.0.
  if(CMAKE_CUDA_ARCHITECTURES MATCHES "^[0-9;]+$" AND NOT DEFINED TORCH_CUDA_ARCH_LIST AND NOT DEFINED ENV{TORCH_CUDA_ARCH_LIST})
    string(REGEX REPLACE "([0-9]+)([0-9])(;|$)" "\\1.\\2\\3" TORCH_CUDA_ARCH_LIST "${CMAKE_CUDA_ARCHITECTURES}")
    string(APPEND TORCH_CUDA_ARCH_LIST "+PTX")  # the newest one's
  endif()
  message(STATUS "CUDA rasteriser: nvcc ${CMAKE_CUDA_COMPILER_VERSION} for ${CMAKE_CUDA_ARCHITECTURES}")
else()
  message(STATUS "CUDA rasteriser: not built (LUCID_CUDA is ${LUCID_CUDA})")
endif()

# Multiplications and additions are fused only where the source says fmaf: the passes that must repeat each other's
# arithmetic then do, and the projection rounds as the host's. A float division may be 2 ulp off (one a pixel and splat).
function(lucid_add_cuda target)
  # From 3.25 on, CMake 3.25.1's module (Debian 12's) sets a property of CUDA::nvToolsExt, which CUDA 13 has no more.
  set(CMAKE_MINIMUM_REQUIRED_VERSION 3.24)
  find_package(CUDAToolkit REQUIRED)
  target_sources(${target} PRIVATE ${ARGN})
  target_link_libraries(${target} PRIVATE $<IF:$<BOOL:${LUCID_SHARED_CUDART}>,CUDA::cudart,CUDA::cudart_static>)
  target_compile_definitions(${target} PRIVATE LUCID_WITH_CUDA)
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:--fmad=false;--prec-div=false>")
endfunction()
