// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "request/place.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Requests as files: what `make`, `inspect` and `transmit` have in common.
namespace restante::cli {

/// Bare, signed or sealed.
struct Document {
  std::string text;
  std::string origin;  ///< "https://HOST[:PORT]" of the link that it came in; empty: of no link
};
/// The document in a file, or in what stands on stdin ("-"). Errors: usage (it cannot be read, or is too
/// large).
Result<Document> read_document(const std::string& path);

/// What can be known of a document without opening it.
struct Label {
  enum class Form { bare, signed_only, sealed };
  Form form = Form::bare;
  std::string media_type;
  const request::Place* place = nullptr;  ///< for which it is, among those that this device knows
  std::string kid;                        ///< sealed: of the place's key; signed: of the device
  std::string id;                         ///< of the request, unless it is sealed
  std::optional<std::int64_t> exp;        ///< seconds since 1970, where it says so
  std::string content;                    ///< of a bare or signed one, without its secrets
};
/// Errors: malformed, seal-refused, and what a bare document is refused for.
Result<Label> label_of(std::string_view document, const std::vector<request::Place>& places);

}  // namespace restante::cli
