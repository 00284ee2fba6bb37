// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/message.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace restante::http {

/// Why a request head was refused: a status and words for the problem document.
struct Refusal {
  int status = 400;
  std::string message;
};

/// Parses one request after another from a growing buffer (RFC 9112), strictly: what two parsers could read
/// differently is refused. Not for reuse after a refusal. One thread.
class RequestParser {
public:
  RequestParser(std::size_t header_bytes, std::size_t header_count);
  ~RequestParser();

  enum class Progress { need_more, ready, refused };

  /// Begins the next request.
  void reset();

  /// `input` is everything unread; `used` says how much of it is done with. Ready: the head is in `request`
  /// (without `peer`).
  Progress head(std::string_view input, std::size_t& used);
  /// After head(), for a chunked body: appends to request.body, refusing with 413 beyond `limit`.
  Progress chunked(std::string_view input, std::size_t& used, std::uint64_t limit);

  Request& request();
  const Refusal& refusal() const;
  bool is_chunked() const;
  std::uint64_t content_length() const;  ///< 0 if none was sent
  bool expects_continue() const;
  bool keep_alive() const;
  bool http_1_0() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace restante::http
