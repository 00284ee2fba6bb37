// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/ports.hpp"
#include "net/curl_multi.hpp"
#include "transfer/body_writer.hpp"
#include "transfer/content_watch.hpp"
#include "transfer/header_block.hpp"
#include "transfer/http_versions.hpp"
#include "transfer/limits.hpp"
#include "transfer/look.hpp"
#include "transfer/pace.hpp"
#include "transfer/redirects.hpp"
#include "transfer/sign_in.hpp"
#include "transfer/tls_words.hpp"
#include "transfer/token_renewal.hpp"
#include "transfer/validator.hpp"
#include "transfer/web_page.hpp"
#include "worker/messages.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace restante::transfer {

class Segments;

/// What a transfer needs from the engine around it.
class Surroundings {
public:
  virtual ~Surroundings() = default;
  virtual void send(worker::ToServer message) = 0;
  virtual int open_socket(std::uint32_t transfer, std::uint32_t part, int family, int socktype,
                          const sockaddr* address, socklen_t length) = 0;
  /// A request in the connection pool of that credential domain.
  virtual std::unique_ptr<net::CurlHandle> start_request(const std::string& domain,
                                                         const net::CurlOptions& options,
                                                         net::CurlEvents& events) = 0;
  virtual BufferPool& buffers() = 0;
  virtual NonceMemory& nonces() = 0;
  virtual HttpVersions& http_versions() = 0;
  /// Addresses that gave bytes to a mix which its digest did not prove; they are asked alone or not at all.
  virtual std::set<std::string>& doubted() = 0;
  virtual bool crowded() const = 0;  ///< many transfers: small buffers
  /// Between two reports of progress; the more transfers, the rarer each of them.
  virtual std::chrono::milliseconds tells_every() const = 0;
  virtual bool alone() const = 0;  ///< one transfer: nobody else waits for it
  virtual ClockWitness& clock_witness() = 0;
};

/// One order from its first hop to its last word: asks where a hop leads, waits for a slot at that origin,
/// sends the request, has the answer judged, writes the body, asks for the rest, follows redirects. Made by
/// the engine at Start and dropped after `finished`; lives on the loop's thread.
class Transfer final : private net::CurlEvents {
public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// A Browse order (`looks`) brings no file: what its address offers is told before its end.
  enum class Purpose { brings, looks };
  Transfer(Surroundings& around, const Limits& limits, std::uint32_t id, jobs::TransferOrder order,
           Purpose purpose = Purpose::brings);
  ~Transfer() override;

  void begin();
  void on_resolved(worker::Resolved answer);
  void on_kept(worker::Kept answer);
  void set_pace(std::optional<std::uint64_t> bytes_per_s);  ///< from now on
  void on_slot();                                           ///< its turn at `origin()` has come
  void stop();
  /// Several times a second: stalls, bytes that are in memory for too long, progress.
  void on_tick(TimePoint now);
  /// After every turn of the loop. `wants_turn`: the next one must not wait.
  void on_turn(TimePoint now);
  bool wants_turn() const;

  bool finished() const { return phase_ == Phase::finished; }
  bool wants_slot() const { return phase_ == Phase::queued; }
  bool holds_slot() const { return phase_ == Phase::running; }
  const std::string& origin() const { return hop_.url.origin; }
  const std::string& domain() const { return domain_; }

private:
  /// joining: its own connection is done, others are not.
  enum class Phase { fresh, resolving, queued, running, joining, renewing, finished };

  // net::CurlEvents
  int open_socket(int family, int socktype, const sockaddr* address, socklen_t length) override;
  Taken on_header(std::string_view line) override;
  Taken on_body(std::string_view bytes) override;
  void on_end(const net::CurlEnd& end) override;

  Result<void> check_order();
  bool provable() const;
  void read_held();
  void ask_where();
  void request();
  std::optional<std::string> range_validator() const;
  Asked asked() const;
  bool headers_only() const { return order_.probe && !(look_ && look_->reads()); }
  Taken on_head();
  void plan_body(const HeaderBlock& head);
  // segmented.cpp: several connections
  bool may_part() const;
  bool begin_segments(const HeaderBlock& head);
  void keep_before_stretch(std::string_view& bytes);
  void join();
  bool goes_on_without(const Verdict& verdict);
  void report(TimePoint now);
  bool keeps_running(TimePoint now);
  bool take_overlap(std::string_view& bytes);
  jobs::ResponseFacts facts_of(const HeaderBlock& head) const;
  bool holds_page() const;
  PageWish page_wish_of(const HeaderBlock& head) const;
  std::optional<Verdict> judge_page_here() const;
  bool asks_source_again(const HeaderBlock& head);
  void on_no_answer(const net::CurlEnd& end);
  bool asks_by_http2();
  void end_body(BodyEnd how, const net::CurlEnd& end);
  void end_look(BodyEnd how);
  void go_on_at_pace(TimePoint now);
  DigestState judge_digest();
  void ask_for_rest();
  void follow(const std::string& location);
  // access.cpp: signing in
  /// False: the request must not be sent now, something else is under way or over.
  bool has_token();
  void renew();
  void on_renewed(Result<jobs::RenewedTokens> tokens);
  bool sign_in_again();
  Error no_secure_connection(const net::CurlEnd& end) const;
  void finish_refused();
  void fail_with(const Error& error);
  void finish(Verdict verdict);

  Surroundings& around_;
  const Limits& limits_;
  const std::uint32_t id_;
  jobs::TransferOrder order_;
  const std::string domain_;

  Phase phase_ = Phase::fresh;
  net::HttpUrl source_;
  Hop hop_;
  RedirectTrail trail_;
  std::uint32_t hop_number_ = 0;
  int rounds_ = 0;
  bool without_cache_ = false;
  std::vector<std::string> addresses_;
  std::size_t address_ = 0;

  // of the request under way
  std::unique_ptr<net::CurlHandle> handle_;
  std::optional<HeaderReader> reader_;
  std::optional<HeadVerdict> head_;
  bool fresh_ = false;           ///< the next request takes a new connection
  std::optional<Error> broken_;  ///< why we aborted it
  bool paused_ = false;          ///< by `pace_`
  bool held_back_ = false;       ///< by it, and that was not told yet
  bool credentials_sent_ = false;
  const proxy::Credential* certificate_ = nullptr;  ///< of this hop, in `order_`
  std::uint64_t asked_from_ = 0;                    ///< of its Range; 0: none
  std::size_t compared_ = 0;                        ///< of `held_`
  bool differs_ = false;                            ///< from what is held
  std::uint64_t received_bytes_ = 0;                ///< of this answer's body
  bool counted_out_ = false;  ///< all that was announced is here, and we ended the request
  TimePoint last_byte_, phase_since_;
  Pace pace_;  ///< over all its requests

  // of the sign-in
  SignIn sign_in_;
  std::unique_ptr<TokenRenewal> renewal_;
  std::optional<jobs::RenewedTokens> unkept_;  ///< told to the server, which has not stored them yet
  bool renewed_ = false;
  bool stop_wanted_ = false;  ///< when the new tokens are safe

  // of the content
  std::optional<Look> look_;
  std::optional<BodyWriter> writer_;
  std::unique_ptr<Segments> segments_;  ///< dropped before the writer, whose file they write into
  bool shared_ = false;                 ///< the file, with them, at the moment
  bool spread_ = false;                 ///< it
  bool reached_stretch_ = false;        ///< by the answer under way
  std::optional<Verdict> given_up_;     ///< of its own connection, while others go on
  std::uint64_t came_before_ = 0;       ///< there was more than one connection
  std::optional<ContentWatch> watch_;
  PageWish page_wish_ = PageWish::possible;
  bool page_judged_ = false;
  bool old_way_ = false;  ///< the redirects of an earlier request of this transfer were not followed anew
  std::optional<BodyWriter::Options::Bound> room_;
  std::uint64_t offset_ = 0;  ///< from which the next request asks
  std::optional<std::uint64_t> known_size_;
  std::string validator_;
  bool without_validator_ = false;  ///< size, date and overlap decide (M22)
  std::string held_;                ///< what lies in front of `offset_`, to be compared (M18)
  jobs::ResponseFacts facts_;
  bool responded_ = false;
  std::string digest_hex_;
  std::uint64_t reported_bytes_ = 0;
  TimePoint reported_at_;
  double bytes_per_s_ = 0;
};

}  // namespace restante::transfer
