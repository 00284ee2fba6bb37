// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/ports.hpp"
#include "net/curl_multi.hpp"
#include "transfer/body_writer.hpp"
#include "transfer/content_watch.hpp"
#include "transfer/header_block.hpp"
#include "transfer/limits.hpp"
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
#include <string>
#include <string_view>
#include <vector>

namespace restante::transfer {

/// What a transfer needs from the engine around it.
class Surroundings {
public:
  virtual ~Surroundings() = default;
  virtual void send(worker::ToServer message) = 0;
  virtual int open_socket(std::uint32_t transfer, int family, int socktype, const sockaddr* address,
                          socklen_t length) = 0;
  /// A request in the connection pool of that credential domain.
  virtual std::unique_ptr<net::CurlHandle> start_request(const std::string& domain,
                                                         const net::CurlOptions& options,
                                                         net::CurlEvents& events) = 0;
  virtual BufferPool& buffers() = 0;
  virtual NonceMemory& nonces() = 0;
  virtual bool crowded() const = 0;  ///< many transfers: small buffers
  virtual ClockWitness& clock_witness() = 0;
};

/// One order from its first hop to its last word: asks where a hop leads, waits for a slot at that origin,
/// sends the request, has the answer judged, writes the body, asks for the rest, follows redirects. Made by
/// the engine at Start and dropped after `finished`; lives on the loop's thread.
class Transfer final : private net::CurlEvents {
public:
  using TimePoint = std::chrono::steady_clock::time_point;

  Transfer(Surroundings& around, const Limits& limits, std::uint32_t id, jobs::TransferOrder order);

  void begin();
  void on_resolved(worker::Resolved answer);
  void on_kept(worker::Kept answer);
  void on_slot();  ///< its turn at `origin()` has come
  void stop();
  /// Several times a second: stalls, bytes that are in memory for too long, progress.
  void on_tick(TimePoint now);

  bool finished() const { return phase_ == Phase::finished; }
  bool wants_slot() const { return phase_ == Phase::queued; }
  bool holds_slot() const { return phase_ == Phase::running; }
  const std::string& origin() const { return hop_.url.origin; }
  const std::string& domain() const { return domain_; }

private:
  enum class Phase { fresh, resolving, queued, running, renewing, finished };

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
  Taken on_head();
  void plan_body(const HeaderBlock& head);
  bool take_overlap(std::string_view& bytes);
  jobs::ResponseFacts facts_of(const HeaderBlock& head) const;
  bool holds_page() const;
  PageWish page_wish_of(const HeaderBlock& head) const;
  std::optional<Verdict> judge_page_here() const;
  bool asks_source_again(const HeaderBlock& head);
  void on_no_answer(const net::CurlEnd& end);
  void end_body(BodyEnd how, const net::CurlEnd& end);
  bool over_rate(TimePoint now) const;  ///< more came than the order's rate permits
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
  bool paused_ = false;          ///< by the order's rate
  bool credentials_sent_ = false;
  const proxy::Credential* certificate_ = nullptr;  ///< of this hop, in `order_`
  std::uint64_t asked_from_ = 0;                    ///< of its Range; 0: none
  std::size_t compared_ = 0;                        ///< of `held_`
  bool differs_ = false;                            ///< from what is held
  std::uint64_t received_bytes_ = 0;                ///< of this answer's body
  bool counted_out_ = false;  ///< all that was announced is here, and we ended the request
  TimePoint last_byte_, phase_since_;

  // of the sign-in
  SignIn sign_in_;
  std::unique_ptr<TokenRenewal> renewal_;
  std::optional<jobs::RenewedTokens> unkept_;  ///< told to the server, which has not stored them yet
  bool renewed_ = false;
  bool stop_wanted_ = false;  ///< when the new tokens are safe

  // of the content
  std::optional<BodyWriter> writer_;
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
