// SPDX-License-Identifier: Apache-2.0
#include "base/result.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace restante {

std::string errno_text(int error_number) {
  return std::generic_category().message(error_number);
}

tl::unexpected<Error> fail_errno(Reason reason, std::string what, int error_number, std::string hint) {
  if (error_number == ENOSPC || error_number == EDQUOT) reason = Reason::disk_full;
  return fail(reason, std::move(what) + ": " + errno_text(error_number), std::move(hint));
}

void require_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "restante: a fault in the program at %s:%d: %s does not hold\n", file, line,
               expression);
  std::abort();
}

}  // namespace restante
