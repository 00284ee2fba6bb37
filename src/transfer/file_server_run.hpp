// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/ports.hpp"
#include "net/curl_multi.hpp"
#include "net/curl_url.hpp"
#include "transfer/limits.hpp"
#include "worker/messages.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::transfer {

/// What a folder look and a file fetch have in common: where the file server (ftp, ftps, sftp) is, signing
/// in, other addresses, and what went wrong. ftp:// is encrypted where the server can do that; only who has
/// no password to lose goes on without when its certificate is not good. SFTP servers are told nothing unless
/// they have the key that the sign-in names. Made by the engine and dropped after `finished`; lives on the
/// loop's thread.
class FileServerRun : private net::CurlEvents {
public:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Ways {
    std::function<void(worker::ToServer)> send;
    std::function<std::unique_ptr<net::CurlHandle>(const net::CurlOptions&, net::CurlEvents&)> start;
    std::function<int(int family, int socktype, const sockaddr* address, socklen_t length)> open_socket;
  };
  ~FileServerRun() override;

  void begin();
  void on_resolved(worker::Resolved answer);
  void on_slot();  ///< its turn at `origin()` has come
  void stop();
  void on_tick(TimePoint now);
  virtual void set_pace(std::optional<std::uint64_t> bytes_per_s) { static_cast<void>(bytes_per_s); }

  bool finished() const { return phase_ == Phase::finished; }
  bool wants_slot() const { return phase_ == Phase::queued; }
  bool holds_slot() const { return phase_ == Phase::running; }
  const std::string& origin() const { return url_.origin; }

protected:
  using Taken = net::CurlEvents::Taken;

  FileServerRun(const Limits& limits, std::uint32_t id, jobs::TransferOrder order, Ways ways);

  /// Begins the requests; called once the server's addresses are known and there is a slot.
  virtual void run() = 0;
  virtual Taken take(std::string_view bytes) = 0;
  /// A request is over. Not called for what `ask` tries once more by itself.
  virtual void on_answer(const net::CurlEnd& end) = 0;
  virtual void while_running(TimePoint now) = 0;
  /// The last word before `result` is sent.
  virtual void complete(jobs::TransferResult& result) { static_cast<void>(result); }

  struct Request {
    bool folder = false;       ///< of the address, else the file
    std::string list_command;  ///< FTP, instead of LIST
    bool only_look = false;
    std::uint64_t from = 0;  ///< of the file's bytes
    std::size_t buffer_bytes = 16 * 1024;
  };
  void ask(const Request& request);
  void drop_request() { handle_.reset(); }
  void go_on() { handle_->go_on(); }
  std::string file_url() const;
  /// In words for people.
  Error why_not(const net::CurlEnd& end) const;
  void finish(jobs::TransferResult result);
  void fail_with(const Error& error);
  void send(worker::ToServer message) { ways_.send(std::move(message)); }

  const Limits& limits() const { return limits_; }
  std::uint32_t id() const { return id_; }
  const net::HttpUrl& url() const { return url_; }
  jobs::TransferOrder& order() { return order_; }
  const jobs::TransferOrder& order() const { return order_; }
  bool secure_shell() const { return url_.scheme == "sftp"; }
  bool knows_host() const { return !shown_key_.empty(); }

private:
  enum class Phase { fresh, resolving, queued, running, finished };

  int open_socket(int family, int socktype, const sockaddr* address, socklen_t length) override;
  Taken on_header(std::string_view line) override;
  Taken on_body(std::string_view bytes) override;
  bool on_host_key(std::string_view key) override;
  void on_end(const net::CurlEnd& end) override;

  bool tries_again(const net::CurlEnd& end);
  Error why_not_this_host() const;

  const Limits& limits_;
  const std::uint32_t id_;
  jobs::TransferOrder order_;
  Ways ways_;
  net::HttpUrl url_;
  const proxy::Credential* sign_in_ = nullptr;  ///< in `order_`
  Phase phase_ = Phase::fresh;
  TimePoint phase_since_;
  std::vector<std::string> addresses_;
  std::size_t address_ = 0;
  Request request_;
  bool content_came_ = false;
  bool fresh_ = false;          ///< on a new connection
  bool plain_ = false;          ///< without encryption
  std::string shown_key_;       ///< of the host
  std::size_t said_bytes_ = 0;  ///< on the control connection
  std::unique_ptr<net::CurlHandle> handle_;
};

/// The fingerprint of a host key, as OpenSSH shows it: "SHA256:" and 43 characters.
std::string host_fingerprint(std::string_view key);

}  // namespace restante::transfer
