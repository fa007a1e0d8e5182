# SPDX-License-Identifier: Apache-2.0
# Packages of the program: `cpack -G DEB` and `cpack -G TXZ` in the build folder, or `make package`.
set(CPACK_PACKAGE_NAME lucid)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "make a 3D asset from a sentence")
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION
"3D Gaussians are optimised so that their pictures please a text-to-image
diffusion model (Interval Score Matching). A small model is included; any
Stable Diffusion 1.x or 2.x can be used. Results are splats, meshes, pictures
and videos. A local page shows an asset while it is made.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL program)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME lucid)
set(CPACK_DEBIAN_PACKAGE_SECTION graphics)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)  # dpkg-shlibdeps finds the libraries' packages
set(CPACK_DEBIAN_PACKAGE_DEPENDS libopenblas0-openmp)  # the run path names it (LucidOptions.cmake)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
