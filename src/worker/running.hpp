// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/task.hpp"
#include "jobs/ports.hpp"
#include "net/address_guard.hpp"
#include "worker/claims.hpp"
#include "worker/messages.hpp"
#include "worker/offered.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace restante::worker {

using Clock = std::chrono::steady_clock;

struct Lane;

/// What a worker does under a number of its own: a transfer or a small request. Private to the pool; control
/// loop.
struct Work {
  explicit Work(Executor loop) : changed(std::move(loop)) {}
  virtual ~Work() = default;

  std::uint32_t number = 0;
  AccountId account;
  net::Lan lan = net::Lan::refused;
  std::weak_ptr<Lane> lane;  ///< empty: in the queue
  bool stopping = false;
  Signal changed;  ///< for the one who waits

  virtual bool over() const = 0;
  virtual bool takes_seats() const { return false; }  ///< among the connections of its content servers
  virtual bool stays_home() const { return false; }   ///< public addresses are not for it
  /// Whether its worker may ask for these addresses; malformed: an honest worker does not.
  virtual Result<void> may_resolve(const Resolve& asked) = 0;
  virtual void resolved(std::uint32_t part) = 0;
};
using WorkPtr = std::shared_ptr<Work>;

/// One call of `Transfers::run` or `browse`, from the pool's queue to its result.
struct Running final : Work {
  using Work::Work;

  jobs::TransferOrder order;  ///< emptied once it is sent
  std::string what;           ///< "job 0011.. file 0", for the log
  UniqueFd file;              ///< the worker's description once more, to see the file's length
  jobs::TransferObserver* observer = nullptr;  ///< only while `run` is pending
  bool browses = false;
  jobs::OfferObserver* offers = nullptr;  ///< only while `browse` is pending
  OfferClaims offered;
  std::optional<Claims> claims;      ///< once it is sent
  std::uint64_t received_bytes = 0;  ///< in the file, as the worker said
  std::optional<Clock::time_point> progress_at;
  bool held_back = false;  ///< not told yet
  bool apart = false;      ///< the observer knows of some
  jobs::ResponseFacts facts;
  std::optional<jobs::TransferResult> result;

  bool over() const override { return result.has_value(); }
  bool takes_seats() const override { return true; }
  Result<void> may_resolve(const Resolve& asked) override { return claims->resolve(asked); }
  void resolved(std::uint32_t part) override { claims->resolved(part); }

  std::uint64_t file_bytes() const;
  bool overdrawn() const { return file && claims && claims->overdrawn(file_bytes()); }
  /// malformed: digests of bytes that the file has not.
  Result<void> tell_pieces(const PieceReport& report);
  /// After the claims were judged.
  void tell_apart(const std::vector<SpanReport>& spans);
  /// What became of it when its worker is no more; what was written behind the place's room is given back.
  jobs::TransferResult dead(const std::string& message) const;
};
using RunningPtr = std::shared_ptr<Running>;

jobs::TransferResult stopped(std::uint64_t received_bytes);
jobs::TransferResult failed(const Error& error, std::uint64_t received_bytes);

}  // namespace restante::worker
