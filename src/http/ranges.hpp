// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/message.hpp"

namespace restante::http {

/// What a file answer needs to know of the file.
struct Representation {
  std::shared_ptr<UniqueFd> fd;
  std::uint64_t size_bytes = 0;
  std::string etag;  ///< strong, with quotes
  std::int64_t modified_s = 0;
  std::string name;  ///< last segment, for Content-Disposition
  std::string media_type;
  std::string sha256_hex;  ///< Repr-Digest, if known
};

/// GET or HEAD of a file by RFC 9110 §13, §14: If-Match, If-None-Match, If-(Un)Modified-Since, If-Range, one
/// or several ranges, 304, 412, 416; safe headers (CSP sandbox, nosniff, attachment unless the type is safe
/// to show).
Response file_response(const Request& request, const Representation& file);

/// RFC 6266 and 8187: attachment; filename="ascii"; filename*=UTF-8''...
std::string content_disposition(std::string_view kind, std::string_view name);

}  // namespace restante::http
