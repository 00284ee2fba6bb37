// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "net/curl_poller.hpp"
#include "net/curl_tls.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

// libcurl for the worker: one request at a time a handle, many handles on one thread. Redirects, credentials,
// names and verdicts are not its business; src/transfer decides them.
namespace restante::net {

/// How libcurl ended a request.
enum class CurlEnding {
  finished,         ///< by its own rules; the validator has more of them
  not_connected,    ///< no TCP connection
  connect_timeout,  ///< no TCP or TLS connection in time
  tls_untrusted,    ///< certificate or host name refused
  tls_failed,       ///< handshake failed otherwise
  tls_refused_us,   ///< the server wants a client certificate, or another one
  no_protocol,  ///< none that we offered is spoken there: ALPN (RFC 7301 §3.2), or SSH's ways (RFC 4253 §7.1)
  bad_certificate,  ///< our client certificate cannot be used
  login_refused,    ///< FTP, SFTP: the user or the password
  host_refused,     ///< SFTP: by CurlEvents::on_host_key
  not_there,        ///< FTP, SFTP: no such file or folder, or not for us
  not_done,         ///< FTP: the command was refused, see CurlEnd::reply
  nothing,          ///< closed without an answer
  cut,              ///< closed or reset before the body's end
  stale,      ///< a kept connection had bytes that nobody asked for, or ended instead of answering (M51); ask
              ///< again with `fresh`
  malformed,  ///< status line, header or chunk that cannot be understood
  aborted,    ///< by CurlEvents
  other
};

struct CurlEnd {
  CurlEnding ending = CurlEnding::other;
  std::string text;  ///< libcurl's words, may name host and port
  int os_errno = 0;  ///< of the failed connect, as the connector answered it
  bool tls = false;
  bool clean_tls_close = false;  ///< the peer said close_notify
  bool excess = false;           ///< bytes behind the announced end
  TlsClose certificate;          ///< tls_untrusted: why, and from when to when it is valid
  int reply = 0;                 ///< FTP: the last one
  /// FTP, SFTP: what the server says of the file.
  std::optional<std::uint64_t> size_bytes;
  std::optional<std::int64_t> modified;  ///< seconds since 1970
};

/// Called by a request, on the loop's thread. Must not start or drop requests except in `on_end`.
class CurlEvents {
public:
  enum class Taken { all, later, abort };  ///< later: the same bytes again after `go_on`
  virtual ~CurlEvents() = default;
  /// A socket that connects to `address`, or the negative errno of why not.
  virtual int open_socket(int family, int socktype, const sockaddr* address, socklen_t length) = 0;
  /// One raw line of the header or of a trailer, with its line end; also of 1xx answers.
  virtual Taken on_header(std::string_view line) = 0;
  virtual Taken on_body(std::string_view bytes) = 0;
  /// SFTP: whether this is the server that is meant, before anything is said to it. `key`: as in RFC 4253
  /// §6.6.
  virtual bool on_host_key(std::string_view key) {
    static_cast<void>(key);
    return false;
  }
  /// The request is over; its handle may be dropped here.
  virtual void on_end(const CurlEnd& end) = 0;
};

/// What a request needs at a file server (ftp, ftps, sftp). A URL that ends with a slash is a folder, whose
/// body is its listing.
struct FtpOptions {
  std::string user, password;  ///< no user: "anonymous" (RFC 1635); SFTP: nobody
  std::string list_command;    ///< FTP: instead of LIST
  /// ftp: nothing is said before the connection is encrypted if the server offers that (RFC 4217).
  bool encrypt = true;
  bool only_look = false;  ///< at a file: no content
  /// Of the file's bytes. Only from 0 on everything is taken that comes, whatever size the server says that
  /// the file has.
  std::uint64_t from = 0;
};

struct CurlOptions {
  std::string url;  ///< canonical, from parse_url or, with `ftp`, parse_ftp_url
  std::string method = "GET";
  std::vector<std::string> header_lines;  ///< "Name: value"
  const std::string* body = nullptr;      ///< outlives the request
  std::string connect_address;            ///< numeric, the only one that is tried
  std::uint16_t connect_port = 0;
  std::size_t buffer_bytes = 16 * 1024;  ///< of libcurl for this request
  std::chrono::milliseconds connect_time{20000};
  bool fresh = false;  ///< on a new connection
  bool http2 = false;  ///< https: HTTP/2 if the server chooses it, else HTTP/1.1 alone
  /// PEM, for a server that asks who we are: the chain, and the key, not encrypted; nullptr: none.
  const std::string* certificate = nullptr;
  const std::string* certificate_key = nullptr;
  const FtpOptions* ftp = nullptr;  ///< needed until the request has begun
};

/// One request under way; dropping it ends the request and, if unfinished, its connection.
class CurlHandle {
public:
  virtual ~CurlHandle() = default;
  /// To be called in on_body when the announced end is reached: notes whether more bytes wait
  /// (CurlEnd::excess), or come within `patience`, for which the loop stands still.
  virtual void look_behind_end(std::chrono::milliseconds patience) = 0;
  /// After Taken::later; calls on_body at once. Not to be called in a callback.
  virtual void go_on() = 0;
  /// The connection is not used again after this request.
  virtual void forbid_reuse() = 0;
};

/// The connections of one credential domain: they are reused inside it and never outside.
class CurlMulti {
public:
  struct Limits {
    long connections = 64;
    long kept_connections = 64;  ///< busy ones included
    /// For file servers: libcurl 7.88 forgets the handshake of an FTP data connection unless it is asked
    /// again and again.
    bool ask_again = false;
  };
  virtual ~CurlMulti() = default;
  virtual std::unique_ptr<CurlHandle> start(const CurlOptions& options, CurlEvents& events) = 0;
  /// When `on_time` wants to be called; none: not until a socket is ready.
  virtual std::optional<std::chrono::steady_clock::time_point> deadline() const = 0;
  virtual void on_time(std::chrono::steady_clock::time_point now) = 0;
};

/// Everything that opens files or starts state in libcurl and OpenSSL, once, before the worker is locked.
void warm_up_curl();

/// `poller` and `trust` outlive it.
std::unique_ptr<CurlMulti> make_curl_multi(Poller& poller, const TrustStore& trust, CurlMulti::Limits limits);

}  // namespace restante::net
