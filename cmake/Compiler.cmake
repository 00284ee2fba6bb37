# SPDX-License-Identifier: Apache-2.0
# Flags that every target shares: warnings are errors, the linker is lld, sanitizers come from the preset.
find_program(CCACHE ccache)
if(CCACHE)
  # Sources with a precompiled header are found again if its own content is the same (ccache(1), PRECOMPILED HEADERS).
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough -Werror
                    -fno-omit-frame-pointer -fstack-protector-strong
                    "-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp")  # or each clone would have headers of its own for ccache
endif()
add_compile_definitions(BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
                        SPDLOG_FMT_EXTERNAL RESTANTE_VERSION="${PROJECT_VERSION}")
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_link_options(-fuse-ld=lld)
endif()
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
if(RESTANTE_SANITIZE)
  # Boost.JSON's and other libraries' type information is hidden, so the vptr check cannot link.
  add_compile_options(-fsanitize=${RESTANTE_SANITIZE})
  add_link_options(-fsanitize=${RESTANTE_SANITIZE})
  if(RESTANTE_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize=vptr -fno-sanitize-recover=undefined)
    add_link_options(-fno-sanitize=vptr)
  endif()
  if(RESTANTE_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)
  endif()
endif()
