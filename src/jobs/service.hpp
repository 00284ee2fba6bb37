// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/wall_timer.hpp"
#include "jobs/browsing.hpp"
#include "jobs/ports.hpp"
#include "jobs/rate_rules.hpp"
#include "jobs/records.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace restante::jobs {

struct Submission {
  AccountId account;
  DeviceId device;
  proxy::Document document;
  std::string core;  ///< the bytes as they came: what is compared at a replay
};

struct Accepted {
  Job job;
  bool replayed = false;
};

/// What is happening right now; not stored.
struct Live {
  std::uint64_t received_bytes = 0;
  std::uint64_t bytes_per_s = 0;
};

/// What its document asks for, as far as people see it.
struct Asked {
  struct Source {
    int file = 0;
    std::string url;  ///< without user information; "…" for its query
    bool in_use = false;
  };
  struct Check {
    int file = 0;
    std::string algorithm, hex;  ///< empty: no digest was given
  };
  std::string folder, origin;
  proxy::When when;
  std::optional<std::uint64_t> rate_bytes_per_s;
  std::vector<Source> sources;  ///< only of one that was asked for alone
  std::vector<Check> checks;    ///< the same
};

/// How much of a job is known and here.
struct Amounts {
  std::optional<std::uint64_t> size_bytes;
  std::uint64_t received_bytes = 0;
};

struct JobView {
  Job job;
  std::vector<FileRow> files;      ///< one for each file of the document, defaults filled in
  std::optional<Amounts> amounts;  ///< in a list: instead of `files`
  std::optional<Live> live;
  std::string plan = "on-time";  ///< on-time | tight | cannot
  std::string plan_reason;
  std::optional<Asked> asked;  ///< none: the document cannot be read
};

/// Newest first; without files, sources and checks.
struct JobViews {
  std::vector<JobView> views;
  std::string next_cursor;  ///< empty: the last page
};

/// How fast bytes came while a job ran.
struct Rates {
  Seconds interval{1};
  std::optional<Instant> begin;            ///< of the first sample
  std::vector<std::uint64_t> bytes_per_s;  ///< one each interval
};

enum class Action { pause, resume, retry, now, cancel };

/// An edit of a job that has not ended (PATCH). nullopt leaves a field alone; an inner nullopt removes it.
struct Change {
  std::optional<std::optional<std::string>> start, by;  ///< ixdtf text
  std::optional<std::vector<proxy::Window>> windows;
  std::optional<std::string> tz;
  std::optional<std::string> name, folder;
  std::optional<std::optional<std::uint64_t>> rate_bytes_per_s;
  /// New links to the same content, instead of all sources before; also for a job that failed. Bytes that
  /// are here are kept if the content proves to be the same.
  std::optional<std::vector<std::string>> sources;
};

/// One event for those who watch. State changes have the history's seq; progress has none.
struct Event {
  std::optional<std::int64_t> seq;
  std::string kind;  ///< "job.state" | "job.progress" | "job.gone" | "jobs.changed" | "file.done"
  AccountId account;
  JobId job;
  std::string data;  ///< JSON object
};

/// A bounded queue of events for one watcher; an overflow ends it (the watcher reads again from its last
/// seq). Control loop only.
class Subscription {
public:
  virtual ~Subscription() = default;
  /// nullopt: nothing for `limit` (time for a heartbeat). Error busy: overflowed or the server stops.
  virtual Task<Result<std::optional<Event>>> next(Millis limit) = 0;
};

struct ServiceLimits {
  int running_at_once = 32;  ///< transfers of the whole server
  int connections_per_download = 4;
  int running_per_account = 16;
  int running_per_origin = 6;
  int default_attempts = 20;
  Millis first_retry{1000};  ///< doubles with jitter up to the longest
  Millis longest_retry{600000};
  Seconds longest_retry_after{86400};
  /// After 429 or 503 without Retry-After; doubles with each refusal that follows.
  Millis first_rest{1000};
  Millis longest_rest{600000};
  std::size_t hosts_at_rest = 10000;  ///< remembered; beyond, the rest that ends first is forgotten
  int probes_waiting = 64;            ///< a look-first beyond that is left out
  Millis probe_time{15000};
  std::size_t preview_files = 16;        ///< of one document that is only looked at; others are not
  int previews = 32;                     ///< such documents under way at once
  int previews_of_account = 4;           ///< of one account; one more is refused
  Millis preview_time{8000};             ///< for all of a document's files
  std::size_t waiting_for_looks = 1000;  ///< calls of find_looked_at; beyond, they do not wait
  /// A download that has been slower for so long begins anew where it stopped, if the content server can do
  /// that (CONTENT_SERVERS.md M49); none: slow is better than nothing.
  std::optional<std::uint64_t> low_speed;
  Seconds low_speed_time{60};
  Seconds default_keep{30 * 86400};
  Millis room_asked_again{5000};  ///< waiting for room on the disk or in the quota
  Millis room_seen_every{250};    ///< while bytes come
  std::uint64_t sync_every_bytes = 64ull << 20;
  Millis sync_every{5000};
  std::size_t planned_in_memory =
      100000;  ///< due times within the horizon; more are read when these are used up
  /// A failed download keeps its sealed credentials so long, for `retry`.
  Seconds failed_secrets_kept{7 * 86400};
  Millis forgets_every{3600000};                     ///< credentials and documents that are over their time
  std::size_t forgotten_at_once = 256;               ///< of each, a transaction
  std::size_t early_cancels = 10000;                 ///< of one account: cancelled requests that are not here
  std::uint64_t listed_document_bytes = 8ull << 20;  ///< read for one page of a list; it is shorter then
  std::size_t rates_of_jobs = 200;                   ///< running ones and those that ended last
  std::size_t logins_of_account = 100;               ///< stored logins
  std::size_t samples_of_job = 600;                  ///< beyond, two become one
  Seconds longest_stop{3};        ///< transfers that do not end within it are abandoned by stop()
  Millis horizon{3600000};        ///< how far ahead due times are held in memory
  std::string time_zone = "UTC";  ///< the place's
  BrowseLimits browse;            ///< of what looks into addresses
  RateRules rates;
};

class Logins;

/// The proxy host (patent: storage 413, scheduler 417) as the API sees it. Lives on the control loop. Every
/// method answers only what belongs to `account`; a foreign id is not-found, exactly like an unknown one.
class Service {
public:
  virtual ~Service() = default;

  /// Completes what a crash interrupted, then schedules. Call once before anything else.
  virtual Task<Result<void>> start() = 0;
  /// Checkpoints and stops all transfers; nothing runs afterwards.
  virtual Task<void> stop() = 0;

  /// Durable when it returns. Errors: conflict (same id and rev, other content; or an older rev), cap-denied,
  /// deadline (exp passed), address is never judged here.
  virtual Task<Result<Accepted>> submit(Submission submission) = 0;
  /// In one transaction; one result each, in order.
  virtual Task<std::vector<Result<Accepted>>> submit_all(std::vector<Submission> submissions) = 0;

  /// What the content servers say of the document's first files, one Probe each. Nothing is stored. Errors:
  /// busy (too many such looks at once).
  virtual Task<Result<std::vector<Probe>>> look(AccountId account, proxy::Document document) = 0;
  /// What the address of the document's first file offers, and the folders below it. Nothing is stored.
  /// Errors: busy (too many such looks at once), timeout, and what the content server's answer means.
  virtual Task<Result<Browsed>> browse(AccountId account, proxy::Document document, BrowseWish wish) = 0;

  virtual Task<Result<JobView>> find(AccountId account, JobId job) = 0;
  /// Like find, but waits up to `limit` until the probe or the first answer of the content server is known or
  /// the job has ended ("look first").
  virtual Task<Result<JobView>> find_looked_at(AccountId account, JobId job, Millis limit) = 0;
  virtual Task<Result<std::vector<HistoryRow>>> history(AccountId account, JobId job) = 0;
  virtual Task<Result<JobPage>> list(AccountId account, JobFilter filter) = 0;
  /// A page of them as people see them, in one reading.
  virtual Task<Result<JobViews>> list_views(AccountId account, JobFilter filter) = 0;
  virtual std::optional<Live> live(JobId job) const = 0;
  virtual Task<Result<Rates>> rates(AccountId account, JobId job) = 0;
  /// Error conflict when the state forbids it.
  virtual Task<Result<JobView>> act(AccountId account, JobId job, Action action) = 0;
  /// Error precondition when `if_version` is not the job's.
  virtual Task<Result<JobView>> change(AccountId account, JobId job, Change change,
                                       std::int64_t if_version) = 0;
  /// Cancels a live job; erases the record of an ended one (its published files stay).
  virtual Task<Result<void>> remove(AccountId account, JobId job) = 0;

  /// Events of one account after `after_seq` (stored ones first), optionally of one job.
  virtual Task<Result<std::unique_ptr<Subscription>>> subscribe(AccountId account, std::optional<JobId> job,
                                                                std::optional<std::int64_t> after_seq) = 0;
  /// Tells whoever watches the account's events that its files changed. Control loop.
  virtual void files_changed(AccountId account) = 0;
  /// One sentence: when it will run and why.
  virtual std::string why(const JobView& view) const = 0;

  /// The sign-ins for content servers that accounts have stored.
  virtual Logins& logins() = 0;
};

/// All collaborators outlive the service. `timer`: what wakes the scheduler; none: the machine's wall clock.
/// Tests with a ManualClock give one that they poke. `witness`: none: nobody is told.
std::unique_ptr<Service> make_service(Executor loop, Database& database, Vault& vault, Transfers& transfers,
                                      Shelf& shelf, const AccountRules& accounts, const Clock& clock,
                                      ServiceLimits limits, std::unique_ptr<WallTimer> timer = nullptr,
                                      Witness* witness = nullptr);

}  // namespace restante::jobs
