// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "transfer/segment.hpp"
#include "transfer/segment_plan.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace restante::transfer {

/// The connections of one transfer beside its first one, and what they brought. Lives with the transfer, on
/// the loop's thread; acts in `on_turn` only, never in a callback of libcurl.
class Segments {
public:
  using TimePoint = std::chrono::steady_clock::time_point;
  /// Takes bytes that lie in the file behind the beginning for the beginning's.
  using TakeIn = std::function<Result<void>(std::string_view bytes)>;

  Segments(SegmentContent content, SegmentSource own, std::uint64_t beginning);

  /// What lies on the disk already. False: it does not fit this content.
  bool have(const std::vector<jobs::Span>& spans);
  /// Where the first connection has to stop.
  std::uint64_t until() const { return plan_.until(); }

  void on_resolved(worker::Resolved answer);
  void on_tick(TimePoint now);
  void go_on_at_pace(TimePoint now);

  /// `beginning`: the first connection has come so far. `first_runs`: and goes on. Errors: of the disk.
  Result<void> on_turn(TimePoint now, std::uint64_t beginning, bool first_runs);
  /// Gives the beginning what it has reached, a little at a time, in order; `written`: all of the beginning
  /// is in the file. Errors: storage, and those of `take`.
  Result<void> take_in(const TakeIn& take);
  bool wants_turn() const;  ///< at once
  /// Makes the file one that tells what came into which place (base/sparse_file.hpp), before anything comes
  /// that is not the beginning's; `written`: of that, all in the file. Errors: storage.
  Result<void> spread(std::uint64_t written) const;
  /// The beginning was fed outside: what `take_in` will go on from.
  std::uint64_t beginning() const { return plan_.beginning(); }

  /// Other places than the transfer's own have given bytes.
  bool mixed() const;
  /// They are not asked again beside another one: the digest does not prove what came.
  void doubt();
  bool running() const { return !lanes_.empty(); }
  /// Nobody fetches what is missing, and no connection beside the first can.
  bool stuck() const { return lanes_.empty() && plan_.touched() == nullptr; }
  std::uint64_t received_bytes() const { return received_; }  ///< by all of them, ever
  /// What lies apart from a beginning of that length now, with digests that are new.
  std::vector<SpanReport> report(std::uint64_t beginning);
  void stop();

private:
  void reap();
  void end(std::size_t lane);
  void fill(bool first_runs);
  bool start();
  bool take_over();
  void judge(TimePoint now, bool first_runs);
  SegmentSource* next_source();
  int connections_at(const SegmentSource& source) const;
  BodyWriter* writer_at(std::uint64_t begin) const;

  SegmentContent content_;
  SegmentLimits limits_;
  SegmentPlan plan_;
  SegmentGrowth growth_;
  std::vector<std::unique_ptr<SegmentSource>> sources_;
  std::vector<std::unique_ptr<Segment>> lanes_;     ///< the latest last
  std::vector<std::unique_ptr<BodyWriter>> ended_;  ///< whose stretches lie apart still
  std::vector<ByteRange> had_;                      ///< on the disk from before
  std::array<std::uint32_t, 16> hops_{};            ///< the last hop number of each connection
  std::array<bool, 16> unanswered_{};               ///< a connection that is gone asked for addresses
  int wanted_ = 1;                                  ///< connections, the first one included
  bool first_runs_ = true, watching_ = true;
  int failures_ = 0;
  std::uint64_t received_ = 0, before_ = 0;  ///< bytes; by lanes that ended
  std::uint64_t first_received_ = 0;
  double best_bytes_per_s_ = 0;
  TimePoint took_in_;
  std::vector<char> buffer_;
};

}  // namespace restante::transfer
