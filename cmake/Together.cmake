# SPDX-License-Identifier: Apache-2.0
# Most of a build from nothing is spent on the same headers and the same templates, once for each source. So what most
# sources include of others' libraries is read once, and a few sources of a module are compiled as one.
# What that hides (a source that forgot an include) the builds without it show: tidy, tsan, fuzz.
option(RESTANTE_TOGETHER "Read others' headers once, and compile a few sources of a module at a time" OFF)
set(sources_at_once 6)

function(_restante_targets out folder)
  get_directory_property(targets DIRECTORY ${folder} BUILDSYSTEM_TARGETS)
  get_directory_property(folders DIRECTORY ${folder} SUBDIRECTORIES)
  foreach(one ${folders})
    _restante_targets(below ${one})
    list(APPEND targets ${below})
  endforeach()
  set(${out} ${targets} PARENT_SCOPE)
endfunction()

# Called when all targets are known. The flags of a target must be those of the one whose header it uses, or more.
function(restante_build_together)
  if(NOT RESTANTE_TOGETHER)
    return()
  endif()
  target_precompile_headers(restante_base PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled.hpp)
  if(RESTANTE_TESTS)
    target_precompile_headers(base_tests PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled_tests.hpp)
  endif()
  _restante_targets(targets ${CMAKE_SOURCE_DIR})
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    get_target_property(libraries ${target} LINK_LIBRARIES)
    get_target_property(own ${target} PRECOMPILE_HEADERS)
    if(own OR NOT type MATCHES "^(STATIC_LIBRARY|EXECUTABLE)$" OR NOT "${target};${libraries}" MATCHES "restante_")
      continue()
    elseif(libraries MATCHES "GTest::")
      target_precompile_headers(${target} REUSE_FROM base_tests)
    else()
      target_precompile_headers(${target} REUSE_FROM restante_base)
    endif()
    if(type STREQUAL "STATIC_LIBRARY")  # the sources of a program may call their things what others of it call theirs
      set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${sources_at_once})
    endif()
  endforeach()
endfunction()
