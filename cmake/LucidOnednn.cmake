# SPDX-License-Identifier: Apache-2.0
# Whether lucid asks oneDNN for convolutions itself (diffusion/onednn.h): where libtorch uses a shared oneDNN, as Debian's
# does. pip's libtorch has a copy inside, and a second one would bring threads of its own. Sets LUCID_WITH_ONEDNN.
# Found by hand: Debian's own CMake package of it wants OpenCL's headers, which nothing here uses.

set(LUCID_WITH_ONEDNN FALSE)
find_path(LUCID_ONEDNN_INCLUDE oneapi/dnnl/dnnl_version.h)
find_library(LUCID_ONEDNN_LIBRARY dnnl)
if(LUCID_ONEDNN_INCLUDE AND LUCID_ONEDNN_LIBRARY AND CMAKE_OBJDUMP)
  file(STRINGS ${LUCID_ONEDNN_INCLUDE}/oneapi/dnnl/dnnl_version.h is_version_2 REGEX "define DNNL_VERSION_MAJOR +2$")
  # Of the target: TORCH_LIBRARY may name Debian's libtorch where CMAKE_PREFIX_PATH names another.
  get_target_property(configurations torch_cpu IMPORTED_CONFIGURATIONS)
  list(GET configurations 0 configuration)
  get_target_property(torch_file torch_cpu IMPORTED_LOCATION_${configuration})
  execute_process(COMMAND ${CMAKE_OBJDUMP} -p ${torch_file} OUTPUT_VARIABLE torch_needs ERROR_QUIET)
  if(is_version_2 AND torch_needs MATCHES "NEEDED +libdnnl\\.so")
    set(LUCID_WITH_ONEDNN TRUE)
  endif()
endif()
if(LUCID_WITH_ONEDNN)
  message(STATUS "oneDNN: ${LUCID_ONEDNN_LIBRARY}, libtorch's own")
else()
  message(STATUS "oneDNN: through libtorch alone (no oneDNN 2 that libtorch shares was found)")
endif()
