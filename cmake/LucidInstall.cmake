# SPDX-License-Identifier: Apache-2.0
# `cmake --install BUILD --prefix DIR` installs all of: the component `program` (lucid, its data, manual page, completions and
# documents), and two libraries for other projects, both without libtorch: `render`, the rasteriser, and `kernels`, the CPU
# kernels of the networks. find_package(lucid REQUIRED COMPONENTS render), then link lucid::render; `kernels` in the same way.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/lucid)

# install_component(name TARGETS target… HEADERS file…): the component lucid::name; headers are relative to src/lucid.
function(install_component name)
  cmake_parse_arguments(arg "" "" "TARGETS;HEADERS" ${ARGN})
  install(TARGETS ${arg_TARGETS} EXPORT lucid-${name}-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${name})
  install(EXPORT lucid-${name}-targets NAMESPACE lucid:: DESTINATION ${package} COMPONENT ${name})
  foreach(header ${arg_HEADERS})
    get_filename_component(folder ${header} DIRECTORY)
    install(FILES src/lucid/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lucid/${folder} COMPONENT ${name})
  endforeach()
endfunction()

install_component(render TARGETS lucid_camera lucid_render HEADERS render/rasterize.h camera/camera.h)
install_component(kernels TARGETS lucid_kernels HEADERS
                  base/inline.h nn/kernels/attention_kernel.h nn/kernels/kernel_range.h nn/kernels/kernels.h
                  nn/kernels/linear_kernel.h nn/kernels/norm_geglu.h nn/kernels/stored_weights.h
                  nn/kernels/winograd_kernel.h)

# What both need. CMake lets other export sets depend on a target only if one component installs it. So these files are a
# component of their own, which the installation of each of the others installs as well.
set_target_properties(lucid_flags PROPERTIES EXPORT_NAME flags)
install_component(shared TARGETS lucid_flags lucid_base lucid_math)
configure_package_config_file(cmake/lucid-config.cmake.in lucid-config.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(lucid-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lucid-config.cmake ${PROJECT_BINARY_DIR}/lucid-config-version.cmake
        DESTINATION ${package} COMPONENT shared)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT shared)
foreach(component render kernels)
  install(CODE "execute_process(COMMAND \"${CMAKE_COMMAND}\" --install \"${PROJECT_BINARY_DIR}\" --component shared
                                --config \"\${CMAKE_INSTALL_CONFIG_NAME}\" --prefix \"\${CMAKE_INSTALL_PREFIX}\"
                                COMMAND_ERROR_IS_FATAL ANY)" COMPONENT ${component})
endforeach()

# The program. It finds its data in ../share/lucid of its own folder, so that an installation can be moved.
install(TARGETS lucid lucid_engine RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
set(data ${CMAKE_INSTALL_DATADIR}/lucid)
install(DIRECTORY models/mini models/clip models/judge models/shape models/upscale models/body DESTINATION ${data}/models COMPONENT program)
install(DIRECTORY configs/ DESTINATION ${data}/configs COMPONENT program)
# The page, where it was built (`make web`): without it `lucid serve` has the API alone.
install(DIRECTORY build/web/ DESTINATION ${data}/web COMPONENT program OPTIONAL)
set_target_properties(lucid PROPERTIES INSTALL_RPATH "")  # it links no BLAS
install(FILES README.md THIRD_PARTY.md CHANGELOG.md packaging/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
install(DIRECTORY docs/guide docs/images DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
install(DIRECTORY examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT program)

# What the program says of itself, for man(1) and shells.
set(generated ${PROJECT_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${generated})
find_program(GZIP gzip REQUIRED)
add_custom_command(OUTPUT ${generated}/lucid.1.gz ${generated}/lucid.bash ${generated}/_lucid ${generated}/lucid.fish
                   COMMAND lucid info manual > ${generated}/lucid.1
                   COMMAND ${GZIP} -9nf ${generated}/lucid.1
                   COMMAND lucid info completion bash > ${generated}/lucid.bash
                   COMMAND lucid info completion zsh > ${generated}/_lucid
                   COMMAND lucid info completion fish > ${generated}/lucid.fish
                   DEPENDS lucid VERBATIM)
set(CPACK_PACKAGE_CONTACT "The lucid developers <lucid@lucid.invalid>")
configure_file(packaging/changelog.in ${generated}/changelog @ONLY)
add_custom_command(OUTPUT ${generated}/changelog.gz COMMAND ${GZIP} -9nc ${generated}/changelog > ${generated}/changelog.gz
                   DEPENDS packaging/changelog.in VERBATIM)
add_custom_target(lucid_generated ALL DEPENDS ${generated}/lucid.1.gz ${generated}/changelog.gz)
install(FILES ${generated}/lucid.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
install(FILES ${generated}/lucid.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 RENAME lucid-engine.1.gz COMPONENT program)
install(FILES ${generated}/changelog.gz DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
install(FILES packaging/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME lucid COMPONENT program)
install(FILES ${generated}/lucid.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME lucid
        COMPONENT program)
install(FILES ${generated}/_lucid DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT program)
install(FILES ${generated}/lucid.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT program)
