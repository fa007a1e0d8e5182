# SPDX-License-Identifier: Apache-2.0
# The rasteriser for other projects: `cmake --install BUILD --component render --prefix DIR`, then
# find_package(lucid REQUIRED COMPONENTS render) and link lucid::render. It needs neither libtorch nor the rest.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/lucid)

set_target_properties(lucid_flags PROPERTIES EXPORT_NAME flags)
install(TARGETS lucid_flags lucid_base lucid_math lucid_camera lucid_render EXPORT lucid-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT render)
install(EXPORT lucid-targets NAMESPACE lucid:: DESTINATION ${package} COMPONENT render)
install(FILES src/lucid/render/rasterize.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lucid/render COMPONENT render)
install(FILES src/lucid/camera/camera.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lucid/camera COMPONENT render)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT render)

configure_package_config_file(cmake/lucid-config.cmake.in lucid-config.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(lucid-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lucid-config.cmake ${PROJECT_BINARY_DIR}/lucid-config-version.cmake
        DESTINATION ${package} COMPONENT render)
