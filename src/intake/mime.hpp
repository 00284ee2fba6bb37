// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace restante::intake {

/// What a message of strangers may cost.
struct MimeLimits {
  std::size_t message_bytes = 4 * 1024 * 1024;
  std::size_t head_bytes = 64 * 1024;  ///< of one part
  std::size_t parts = 64;              ///< in the whole message, however nested
  std::size_t depth = 8;               ///< multipart in multipart, forwarded in forwarded
  std::size_t documents = 16;
};

/// The signed or sealed documents in a mail (RFC 5322, RFC 2045, RFC 2046), in their order, each once; or the
/// text itself if it is such a document, or a link that holds one. Looked for in parts of type
/// application/vnd.restante.sealed+json and application/jose, in files *.restante, in parts that are nothing
/// but a document, and in the links of texts, broken over lines or not. What is written wrongly is passed
/// over: a boundary that never comes ends with its part, a part that cannot be read holds nothing. Time and
/// memory grow with the message and stay below its limits. Errors: too-large; invalid (no document in it).
Result<std::vector<std::string>> documents_in(std::string_view message, const MimeLimits& limits = {});

}  // namespace restante::intake
