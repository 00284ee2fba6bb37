// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/sparse_file.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

// Which connection fetches which bytes of one content, and how many connections are worth their while. Pure:
// values in, values out.
namespace restante::transfer {

/// [begin, end) of a content.
struct ByteRange {
  std::uint64_t begin = 0, end = 0;
};

struct SegmentLimits {
  std::uint64_t split_bytes = 1024 * 1024;          ///< a range of less is not shared,
  std::uint64_t least_bytes = 128 * 1024;           ///< but a smaller one of slow connections, down to this,
  std::chrono::milliseconds split{500};             ///< if one would take so long for it
  std::uint64_t align_bytes = stretch_align_bytes;  ///< where a range is parted
  std::size_t spans = 16;                           ///< that lie apart from the beginning (base/pieces.hpp)
  std::chrono::milliseconds look{200};              ///< between two looks at the rate
  double rising = 1.3;                      ///< from look to look: it has not shown yet what it can do
  std::chrono::milliseconds shown{400};     ///< at least so long before anything is added
  std::chrono::milliseconds watched{1000};  ///< so long for those that were added to show their worth
  std::chrono::milliseconds worth{2000};    ///< what ends sooner needs no second connection
  /// What takes longer gets as many as would end it in this time, at most three for each.
  std::chrono::milliseconds soon{1000};
  std::chrono::milliseconds bearable{5000};  ///< what ends sooner keeps those of no use, and tries no more
  double gain = 0.3;                         ///< by which another connection has to speed things up
  std::chrono::seconds rest{15};             ///< after one that was of no use; twice as long each time
  /// A stretch is taken from its connection when an idle one would end it that much sooner.
  double faster = 2;
  std::chrono::milliseconds sooner{500};
};

/// A content as its beginning, which grows in order, and stretches behind it. Connection 0 feeds the
/// beginning, up to the first stretch; every other one feeds a stretch of its own.
class SegmentPlan {
public:
  static constexpr std::uint32_t nobody = 0xFFFFFFFF;

  SegmentPlan(SegmentLimits limits, std::uint64_t total_bytes, std::uint64_t beginning)
      : limits_(limits), total_(total_bytes), beginning_(beginning), split_bytes_(limits.split_bytes) {}

  /// Bytes that lie on the disk already; false: not behind what is known, or too many.
  bool have(ByteRange span);

  std::uint64_t beginning() const { return beginning_; }
  void beginning_reached(std::uint64_t at) { beginning_ = at; }
  /// Where the beginning ends to be connection 0's.
  std::uint64_t until() const;
  /// Whether connection 0 feeds the beginning; if not, its range is anybody's.
  void feed_beginning(bool by_first) { first_feeds_ = by_first; }

  struct Stretch {
    std::uint64_t begin = 0, at = 0, end = 0;  ///< [begin, at) is here
    std::uint32_t by = nobody;
    std::optional<double> bytes_per_s;  ///< none: it has not been seen long enough
    bool whole() const { return at == end; }
  };
  const std::map<std::uint64_t, Stretch>& stretches() const { return stretches_; }
  /// Of that connection; nullptr: it has none.
  Stretch* of(std::uint32_t connection);
  /// The beginning has reached it; nullptr: none.
  const Stretch* touched() const;
  /// What of it is here has become the beginning's, up to `at`.
  void took_in(std::uint64_t at);
  /// It fetches no more: what is missing of its stretch is anybody's.
  void let_go(std::uint32_t connection);

  /// How fast each connection is: how small a range is worth another one.
  void rated(double bytes_per_s_each);
  std::uint64_t split_bytes() const { return split_bytes_; }

  /// A stretch for an idle connection: the largest range that nobody fetches, else the second half of the
  /// largest that somebody does. nullopt: there is nothing to share.
  std::optional<ByteRange> assign(std::uint32_t connection);
  /// The connection whose stretch an idle one that fast should take over; nullopt: none.
  std::optional<std::uint32_t> slowest_for(double bytes_per_s) const;

  std::uint64_t missing_bytes() const;
  /// What is not here yet, in order.
  std::vector<ByteRange> gaps() const;
  bool has_gap() const;  ///< a range that nobody fetches

private:
  struct Range {
    std::uint64_t begin = 0, end = 0;
    std::uint32_t by = nobody;
    std::uint64_t bytes() const { return end - begin; }
  };
  std::vector<Range> missing() const;

  SegmentLimits limits_;
  std::uint64_t total_, beginning_;
  std::uint64_t split_bytes_;
  bool first_feeds_ = true;
  std::map<std::uint64_t, Stretch> stretches_;  ///< by their begin
};

/// How many connections: begins with one, adds once it has shown what it can do and while that helps, never
/// again where one was refused. That one was of no use counts no more once things have
/// become slower.
class SegmentGrowth {
public:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Advice {
    int add = 0, drop = 0;  ///< drop: the latest ones
  };

  SegmentGrowth(SegmentLimits limits, int most) : limits_(limits), most_(most) {}

  /// `received_bytes`: since the transfer began, by all of them. `running`: connections that receive.
  /// `split_bytes`: less is not shared.
  Advice judge(TimePoint now, std::uint64_t received_bytes, int running, std::uint64_t missing_bytes,
               std::uint64_t split_bytes);
  /// Whether `judge` has anything to say: it need not be asked before.
  bool due(TimePoint now) const { return most_ > 1 && (!since_ || now - looked_ >= limits_.look); }
  /// The ones that were added receive: what they are worth shows from here on.
  void begin_watch(TimePoint now, std::uint64_t received_bytes);
  void refused() { closed_ = true; }
  double bytes_per_s() const { return recent_; }  ///< of the last two looks; 0: not known yet

private:
  SegmentLimits limits_;
  int most_;
  std::optional<TimePoint> since_;  ///< these connections run
  TimePoint looked_;
  std::uint64_t bytes_ = 0, looked_bytes_ = 0;
  double last_ = 0, recent_ = 0;  ///< bytes a second at the last look; at the last two
  double before_ = 0;             ///< without the ones that were added
  double judged_ = 0;             ///< with some that were found to be of no use; 0: it counts no more
  int added_ = 0;
  bool closed_ = false;
  std::optional<TimePoint> not_before_;
};

}  // namespace restante::transfer
