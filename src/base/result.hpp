// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/reason.hpp"

#include <tl/expected.hpp>

#include <string>
#include <utility>

namespace restante {

/// An outcome that the caller can expect and that a person may read.
struct Error {
  Reason reason = Reason::internal;
  std::string message;  ///< what and where, one line, no secrets
  std::string hint;     ///< how to mend it; empty: the reason's own remedy
  std::string pointer;  ///< RFC 6901 pointer into the refused document, without the leading '#'; may be empty
  bool transient = false;  ///< worth another try without anybody's doing

  std::string_view remedy() const { return hint.empty() ? info(reason).remedy : std::string_view(hint); }
};

template <class T>
using Result = tl::expected<T, Error>;

/// `return fail(Reason::not_found, path);` Transient as the reason's class says.
inline tl::unexpected<Error> fail(Reason reason, std::string message, std::string hint = {},
                                  std::string pointer = {}) {
  return tl::unexpected<Error>(Error{reason, std::move(message), std::move(hint), std::move(pointer),
                                     info(reason).kind == ReasonClass::transient});
}

inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

/// The text of an errno value, for messages ("No space left on device").
std::string errno_text(int error_number);

/// `return fail_errno(Reason::storage, "open incoming/1.0", errno);` ENOSPC and EDQUOT become disk-full.
tl::unexpected<Error> fail_errno(Reason reason, std::string what, int error_number, std::string hint = {});

/// What must be true of our own code; stays on in release and never judges input. Ends the process.
[[noreturn]] void require_failed(const char* expression, const char* file, int line);

}  // namespace restante

#define RESTANTE_REQUIRE(expression) \
  ((expression) ? static_cast<void>(0) : ::restante::require_failed(#expression, __FILE__, __LINE__))
