// SPDX-License-Identifier: Apache-2.0
#include "base/own_memory.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RESTANTE_IS_TRACED_BY_ITSELF
#endif
#endif

namespace restante {

void keep_memory_to_ourselves() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
#ifndef RESTANTE_IS_TRACED_BY_ITSELF
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

}  // namespace restante
