// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/context.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace restante::api {

/// Who may use a route (docs/internals/access.md). open: anybody; submit: whoever belongs to an account, also
/// by a token that may only submit; account: a device, a session or an app password; person: the same without
/// app passwords, because programs make no further ways in; admin: a person who may look after this place.
enum class Rights { open, submit, account, person, admin };
/// How large: see ApiLimits. batch: a document, or many as application/jsonl; form: a document's size, and
/// forms are taken (check_form).
enum class Body { none, small, document, batch, form };
enum class Loop { control, connection };  ///< where the handler runs

/// One row of the table: contract/openapi.yaml has the same routes, and a test compares them.
struct Route {
  std::string_view method;
  std::string_view
      pattern;  ///< "/v1/jobs/{job}:pause"; a parameter is a segment or the beginning of the last one;
                ///< "{path}" at the end is all that is left
  Rights rights;
  Body body;
  Loop loop;
  HandlerFunction handler;
};

std::span<const Route> routes();

struct Match {
  const Route* route = nullptr;  ///< none: see `allowed`
  std::vector<std::string> parameters;
  std::string allowed;  ///< methods that the path knows, for 405; empty: no such path
};
Match match(std::string_view method, const std::vector<std::string>& segments);

}  // namespace restante::api
