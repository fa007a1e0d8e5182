# SPDX-License-Identifier: Apache-2.0
# Cross-compiles for 64-bit ARM against the Debian folder tree LUCID_SYSROOT. tools/build_arm.sh makes that tree, and uses this file.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LUCID_SYSROOT)

set(CMAKE_SYSROOT ${LUCID_SYSROOT})
set(CMAKE_FIND_ROOT_PATH ${LUCID_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${LUCID_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${LUCID_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${LUCID_SYSROOT}/usr/share/pkgconfig)

# Debian's alternatives are links that only a package's set-up makes. Libraries of libraries are found when programs run.
string(APPEND CMAKE_EXE_LINKER_FLAGS_INIT " -Wl,--allow-shlib-undefined")
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64;-L;${LUCID_SYSROOT})
