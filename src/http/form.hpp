// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::http {

/// What one body of a form may have; the size of the whole is the body's own limit.
struct FormLimits {
  std::size_t parts = 64;
  std::size_t head_bytes = 4096;  ///< the header lines of one part
};

/// A field of a form, or a file that came with it. `content` is a view into the body.
struct FormPart {
  std::string name;
  std::optional<std::string> file_name;  ///< there: it is a file. From strangers: never a path
  std::string media_type;                ///< as given, lower case, without parameters; may be empty
  std::string_view content;
};

/// The parts of a multipart/form-data body (RFC 7578, RFC 2046 §5.1.1), in their order. Only what browsers
/// and programs send is taken: nothing before the first boundary, lines that end in CRLF, no transfer
/// encoding, the closing boundary at the end. What comes back lives as long as `body`. Errors: malformed,
/// too-large.
Result<std::vector<FormPart>> read_multipart(std::string_view content_type, std::string_view body,
                                             const FormLimits& limits = {});

/// The fields of an application/x-www-form-urlencoded body, decoded, in their order; there are no files in
/// one.
struct FormField {
  std::string name, value;
};
/// Errors: malformed, too-large.
Result<std::vector<FormField>> read_urlencoded(std::string_view body, const FormLimits& limits = {});

}  // namespace restante::http
