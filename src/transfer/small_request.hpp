// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/curl_multi.hpp"
#include "net/small_request.hpp"
#include "transfer/header_block.hpp"
#include "transfer/limits.hpp"
#include "worker/messages.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::transfer {

/// One small request of the account: asks where its host is, sends it on a connection of its own, takes the
/// head of the answer and as much of the body as is wanted. Nothing is followed; another address is tried
/// only where the one before gave no connection. Made by the engine at Ask and dropped after `finished`;
/// lives on the loop's thread.
class SmallRequestRun final : private net::CurlEvents {
public:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Ways {
    std::function<void(worker::ToServer)> send;
    std::function<std::unique_ptr<net::CurlHandle>(const net::CurlOptions&, net::CurlEvents&)> start;
    std::function<int(int family, int socktype, const sockaddr* address, socklen_t length)> open_socket;
  };
  SmallRequestRun(const Limits& limits, std::uint32_t id, net::SmallRequest request, Ways ways);
  ~SmallRequestRun() override;

  void begin();
  void on_resolved(worker::Resolved answer);
  void stop();
  void on_tick(TimePoint now);
  bool finished() const { return phase_ == Phase::finished; }

private:
  enum class Phase { fresh, resolving, running, finished };

  int open_socket(int family, int socktype, const sockaddr* address, socklen_t length) override;
  Taken on_header(std::string_view line) override;
  Taken on_body(std::string_view bytes) override;
  void on_end(const net::CurlEnd& end) override;

  void send();
  net::SmallAnswer answer() const;
  Error no_answer(const net::CurlEnd& end) const;
  void finish(Result<net::SmallAnswer> result);

  const Limits& limits_;
  const std::uint32_t id_;
  net::SmallRequest request_;
  Ways ways_;
  net::HttpUrl url_;
  Phase phase_ = Phase::fresh;
  TimePoint end_;                  ///< of its time
  std::optional<TimePoint> head_;  ///< when the answer's head was there
  std::vector<std::string> addresses_;
  std::size_t address_ = 0;
  HeaderReader reader_;
  bool malformed_ = false;
  std::string body_;
  std::size_t body_bytes_ = 0;  ///< seen, kept or not
  std::unique_ptr<net::CurlHandle> handle_;
};

}  // namespace restante::transfer
