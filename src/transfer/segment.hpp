// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/ports.hpp"
#include "net/curl_multi.hpp"
#include "transfer/body_writer.hpp"
#include "transfer/header_block.hpp"
#include "transfer/limits.hpp"
#include "transfer/pace.hpp"
#include "transfer/redirects.hpp"
#include "transfer/segment_plan.hpp"
#include "transfer/validator.hpp"
#include "worker/messages.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::transfer {

class Surroundings;

/// One place that has the content, as the connections to it know it.
struct SegmentSource {
  /// Of it are used: source, credentials.
  const jobs::TransferOrder* order = nullptr;
  std::unique_ptr<jobs::TransferOrder> kept;  ///< of another source than the transfer's own
  net::HttpUrl source;
  Hop hop;  ///< where a connection begins to ask
  std::string domain;
  std::string validator;  ///< strong; another source's is known with its first answer
  std::string last_modified;
  bool own = true;
  bool gave = false;  ///< bytes
  int most = 1000;    ///< connections at once that it has borne
};

/// What the connections of one transfer have in common.
struct SegmentContent {
  Surroundings& around;
  const Limits& limits;
  std::uint32_t transfer = 0;
  const jobs::TransferOrder& order;
  Pace& pace;
  int file = -1;
  std::uint64_t total_bytes = 0;
  bool proven = false;  ///< a digest will say whether the whole is right
};

/// A connection that brings [begin, end) of a content beside the transfer's first one. It judges its answer
/// as strictly, and has no say about the transfer: what goes wrong ends the segment alone.
class Segment final : private net::CurlEvents {
public:
  using TimePoint = std::chrono::steady_clock::time_point;
  enum class State {
    resolving,
    asking,
    receiving,
    reached,  ///< the end
    cut,      ///< what came so far is good
    refused   ///< nothing came, and nothing will at this place while others ask it
  };

  /// `number`: of the connection, 1 to 15. `hop`: the last hop number that it has used.
  Segment(const SegmentContent& content, SegmentSource& source, std::uint32_t number, std::uint32_t hop,
          ByteRange range);

  void on_resolved(worker::Resolved answer);
  void on_tick(TimePoint now);
  void go_on_at_pace(TimePoint now);
  /// The range ends nearer now. Not to be called in a callback.
  void end_at(std::uint64_t end);
  /// What came so far goes into the file, nothing more comes.
  void stop();

  State state() const { return state_; }
  bool over() const { return state_ >= State::reached; }
  std::uint32_t number() const { return number_; }
  std::uint32_t hop_number() const { return hop_number_; }
  bool awaits_addresses() const { return awaits_addresses_; }
  SegmentSource& source() const { return source_; }
  BodyWriter& writer() { return *writer_; }
  std::unique_ptr<BodyWriter> take_writer() { return std::move(writer_); }
  std::uint64_t received_bytes() const { return received_; }
  /// While it receives; none: too short a time.
  std::optional<double> bytes_per_s() const { return bytes_per_s_; }
  const std::optional<Error>& disk_error() const { return disk_error_; }

private:
  // net::CurlEvents
  int open_socket(int family, int socktype, const sockaddr* address, socklen_t length) override;
  Taken on_header(std::string_view line) override;
  Taken on_body(std::string_view bytes) override;
  void on_end(const net::CurlEnd& end) override;

  void ask_where();
  void request();
  Asked asked() const;
  Taken on_head();
  void end_as(State state);

  const SegmentContent& content_;
  SegmentSource& source_;
  const std::uint32_t number_;
  std::uint32_t hop_number_;
  ByteRange range_;
  State state_ = State::resolving;
  Hop hop_;
  RedirectTrail trail_;
  std::vector<std::string> addresses_;
  std::size_t address_ = 0;
  std::unique_ptr<net::CurlHandle> handle_;
  std::optional<HeaderReader> reader_;
  std::optional<HeadVerdict> head_;
  std::unique_ptr<BodyWriter> writer_;
  std::uint64_t received_ = 0;  ///< of the content
  bool awaits_addresses_ = false;
  bool credentials_sent_ = false, paused_ = false, reached_ = false;
  std::optional<Error> disk_error_;
  TimePoint since_, last_byte_, rated_at_;
  std::uint64_t rated_bytes_ = 0;
  std::optional<double> bytes_per_s_;
};

}  // namespace restante::transfer
