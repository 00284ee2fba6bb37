// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ids.hpp"
#include "jobs/service.hpp"

#include <list>
#include <map>

namespace restante::jobs {

/// How fast bytes came, for the jobs that ran last; in memory. One sample a second at first; whenever a job
/// has too many, two become one. Control loop.
class RateLog {
public:
  /// The limits' rates_of_jobs and samples_of_job, at least 1 and 2.
  RateLog(std::size_t most_jobs, std::size_t most_samples);

  /// `received_bytes` are here now, of the job's all; less than before counts as nothing fetched (a new
  /// beginning). A clock that goes back adds to the last sample.
  void note(JobId job, std::uint64_t received_bytes, Instant now);
  /// The transfer begins with what is here already: those bytes did not come now.
  void begin(JobId job, std::uint64_t received_bytes, Instant now);
  void forget(JobId job);
  /// Empty if nothing is known.
  Rates of(JobId job) const;

private:
  struct Series {
    Instant begin{};
    std::int64_t interval_s = 1;
    std::vector<std::uint64_t> bytes;  ///< fetched in each interval
    std::uint64_t received_bytes = 0;
    std::list<JobId>::iterator place;
  };
  Series& series(JobId job, Instant now);
  std::uint64_t& sample(Series& series, Instant now) const;

  std::size_t most_jobs_, most_samples_;
  std::map<JobId, Series> jobs_;
  std::list<JobId> newest_first_;
};

}  // namespace restante::jobs
