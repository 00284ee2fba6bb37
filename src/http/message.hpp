// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/task.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace restante::http {

/// Where a request came in; behind a trusted reverse proxy: who asks it (forwarded.hpp).
struct Peer {
  std::string address;  ///< numeric; "" for a Unix socket
  bool tls = false;
  bool both_loopback = false;  ///< both ends of the connection are loopback addresses, and nothing is between
  bool open_door = false;      ///< over a listener for people who cannot trust us yet (Listen)
  bool unix_socket = false;
  bool submits = false;   ///< over a Unix socket for documents alone
  std::uint32_t uid = 0;  ///< of the peer of a Unix socket
};

/// A parsed request. Header names are compared without case.
struct Request {
  std::string method;
  std::string target;  ///< as received
  std::string path;    ///< percent-decoded segments are in `segments`; this is the raw path
  std::vector<std::string>
      segments;  ///< decoded; a path with an encoded slash, NUL or dot segment is refused earlier
  std::vector<std::pair<std::string, std::string>> query;  ///< decoded
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Peer peer;

  std::string_view header(std::string_view name) const;  ///< "" if absent
  std::optional<std::string_view> query_value(std::string_view name) const;
  std::string bearer_token() const;  ///< of Authorization: Bearer, else ""
};

/// A part of an open file; several make multipart/byteranges (the headers between them are `before`).
struct FilePart {
  std::string before;
  std::uint64_t offset = 0, length = 0;
};
struct FileBody {
  std::shared_ptr<UniqueFd> fd;
  std::vector<FilePart> parts;
  std::string after;
  std::uint64_t length() const;
};

/// A body made while it is sent (events). nullopt ends it; "" is not sent. Runs on the connection's loop.
struct StreamBody {
  std::function<Task<std::optional<std::string>>()> next;
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  ///< without Content-Length, Date, Connection
  std::variant<std::string, FileBody, StreamBody> body;
  bool close = false;
  /// Whether a body that is under way may go on: a right can be taken away meanwhile. Asked several times a
  /// second on the connection's loop while a file or a stream is sent; "no" ends the connection at once.
  std::function<bool()> may_go_on;
  /// Told once, on the connection's loop, how many bytes of a file went out, also where the end was not
  /// reached.
  std::function<void(std::uint64_t)> on_file_sent;

  void set(std::string name, std::string value);
};

/// RFC 9457. `instance` is the request's path. Content-Type application/problem+json, type
/// "/problems/<code>".
Response problem(const Error& error, std::string_view instance = {});
Response json_response(int status, std::string body);

/// Answers requests; called on the connection's loop, many at a time.
class Handler {
public:
  virtual ~Handler() = default;
  /// How large a body this request may have, decided from the headers alone.
  virtual std::uint64_t body_limit(const Request& head) const = 0;
  virtual Task<Response> handle(Request request) = 0;
};

}  // namespace restante::http
