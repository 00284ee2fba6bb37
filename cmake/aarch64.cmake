# SPDX-License-Identifier: Apache-2.0
# Toolchain file: programs for arm64 on another Debian 12, with clang and Debian's arm64 libraries (multiarch):
# dpkg --add-architecture arm64, the libraries of scripts/setup.sh as NAME:arm64, libstdc++-12-dev:arm64, qemu-user.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_CXX_COMPILER_TARGET aarch64-linux-gnu)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig)
# Runs what was built: the man pages are made from what the programs say.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64)
