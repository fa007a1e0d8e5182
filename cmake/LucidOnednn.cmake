# SPDX-License-Identifier: Apache-2.0
# Whether lucid asks oneDNN for convolutions itself (diffusion/wide_convolution.h): where libtorch uses a shared oneDNN, as
# Debian's does. pip's libtorch has a copy inside, and a second one would bring threads of its own. Sets LUCID_WITH_ONEDNN.

set(LUCID_WITH_ONEDNN FALSE)
find_package(dnnl 2 CONFIG QUIET)
if(dnnl_FOUND AND CMAKE_OBJDUMP)
  get_filename_component(torch_folder "${TORCH_LIBRARY}" DIRECTORY)
  execute_process(COMMAND ${CMAKE_OBJDUMP} -p ${torch_folder}/libtorch_cpu.so OUTPUT_VARIABLE torch_needs ERROR_QUIET)
  if(torch_needs MATCHES "NEEDED +libdnnl\\.so")
    set(LUCID_WITH_ONEDNN TRUE)
  endif()
endif()
if(LUCID_WITH_ONEDNN)
  message(STATUS "oneDNN: ${dnnl_VERSION}, libtorch's own")
else()
  message(STATUS "oneDNN: through libtorch alone (no oneDNN 2 that libtorch shares was found)")
endif()
