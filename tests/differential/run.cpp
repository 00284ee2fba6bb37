// SPDX-License-Identifier: Apache-2.0
#include "run.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "driver.hpp"
#include "jobs/resume.hpp"

#include <cstdio>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <unistd.h>

namespace restante::test {

namespace {

constexpr int attempts = 6;
constexpr std::size_t host_count = 24;
constexpr std::string_view boot = "one boot";

std::vector<std::string> host_names() {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < host_count; ++i) out.push_back("h" + std::to_string(i) + ".content.test");
  return out;
}

/// Cases that are under way, for the server's threads.
class Table {
public:
  void put(const std::shared_ptr<const Case>& made) {
    const std::lock_guard lock(mutex_);
    cases_[made->number] = made;
  }
  void drop(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    cases_.erase(number);
  }
  std::shared_ptr<const Case> find(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    const auto found = cases_.find(number);
    return found == cases_.end() ? nullptr : found->second;
  }

private:
  std::mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<const Case>> cases_;
};

/// One download with its attempts, as src/jobs does it.
struct Job {
  std::shared_ptr<const Case> made;
  std::string file;
  jobs::Checkpoint checkpoint;
  int attempt = 0;
  bool at_mirror = false;
};

Instant now() {
  return SystemClock().now();
}

std::string url_of(const Case& made, const Origins& origins, bool at_mirror) {
  return (made.tls ? "https://" : "http://") + (at_mirror ? made.mirror_host : made.host) + ":" +
         std::to_string(made.tls ? origins.https : origins.http) + made.path;
}

void start_over(Job& job) {
  job.file.clear();
  job.checkpoint = {};
}

Job begin(std::shared_ptr<const Case> made) {
  Job job;
  job.made = std::move(made);
  if (!job.made->held.empty()) {
    job.file = job.made->held;
    const bool tag = job.made->if_range.starts_with('"');
    (tag ? job.checkpoint.etag : job.checkpoint.last_modified) = job.made->if_range;
    job.checkpoint.boot_id = boot;
  }
  return job;
}

WorkerDriver::Wanted order_of(Job& job, std::size_t tag, const Origins& origins) {
  const Case& made = *job.made;
  const auto digest = made.digest_hex.empty() ? jobs::DigestGiven::no : jobs::DigestGiven::yes;
  job.file.resize(
      static_cast<std::size_t>(jobs::resume_offset(job.checkpoint, job.file.size(), boot, digest)));
  if (job.file.empty()) job.checkpoint = {};
  WorkerDriver::Wanted wanted;
  wanted.tag = tag;
  wanted.held = job.file;
  jobs::TransferOrder& order = wanted.order;
  order.source.url = url_of(made, origins, job.at_mirror);
  order.known_size = made.known_size    ? made.known_size
                     : job.file.empty() ? std::nullopt
                                        : job.checkpoint.total_bytes;
  order.max_bytes = made.max_bytes;
  order.allow_empty = made.allow_empty;
  if (!made.digest_hex.empty()) order.digest_algorithm = "sha-256";
  order.digest_hex = made.digest_hex;
  order.stall = Millis(20000);
  if (!job.file.empty()) {
    order.if_range = jobs::strong_validator(job.checkpoint);
    order.last_modified = job.checkpoint.last_modified;
  }
  return wanted;
}

/// What the place does with the result: published, refused for good, or once more.
struct Next {
  bool again = false;
  std::optional<Published> published;
};

Next after(Job& job, Fetched fetched) {
  const Case& made = *job.made;
  const std::uint64_t offset = job.file.size();
  const jobs::TransferResult& result = fetched.result;
  if (!fetched.responded.empty() && fetched.responded.front().offset == offset) {
    const jobs::ResponseFacts& heard = fetched.responded.front();
    job.checkpoint = offset == 0 ? jobs::begin_checkpoint(heard, boot, now())
                                 : jobs::continued(job.checkpoint, heard, offset, boot, now());
  }
  switch (result.outcome) {
    case jobs::Outcome::complete:
    case jobs::Outcome::unverified: {
      fetched.file.resize(std::min<std::size_t>(fetched.file.size(), result.received_bytes));
      if (made.max_bytes && fetched.file.size() > *made.max_bytes) return {};
      if (made.known_size && fetched.file.size() != *made.known_size) return {};
      if (!made.digest_hex.empty() && to_hex(sha256(fetched.file)) != made.digest_hex) return {};
      return {false, Published{std::move(fetched.file),
                               result.outcome == jobs::Outcome::unverified && !made.known_size}};
    }
    case jobs::Outcome::restart:
      start_over(job);
      return {true, std::nullopt};
    default:
      break;
  }
  if (!result.transient) {
    if (made.mirror_host.empty() || job.at_mirror) return {};
    job.at_mirror = true;
    start_over(job);
    return {true, std::nullopt};
  }
  fetched.file.resize(
      std::min<std::size_t>(fetched.file.size(), std::max<std::uint64_t>(offset, result.received_bytes)));
  job.file = std::move(fetched.file);
  return {true, std::nullopt};
}

}  // namespace

void Findings::judge(const Case& made, const std::optional<Published>& published, const std::string& why) {
  ++cases;
  Of& kind = kinds[made.kind];
  ++kind.cases;
  kind.published += published ? 1 : 0;
  bool known = false;
  if (published)
    for (const std::string& bytes : made.contents) known = known || bytes == published->bytes;
  std::string fault;
  if (published && !known) fault = "published other bytes";
  if (published && made.truth == Truth::must_not) fault = "published what is not the content";
  if (published && known && made.unproven && !published->marked) fault = "published without the mark";
  if (!fault.empty()) {
    ++wrong_published;
    ++kind.wrong;
  } else if (!published && made.truth == Truth::must) {
    fault = "refused the content";
    ++right_refused;
    ++kind.refused;
  }
  if (!fault.empty() && examples.size() < 40)
    examples.push_back("case " + std::to_string(made.number) + " (" + made.kind + (made.tls ? ", TLS" : "") +
                       "): " + fault + (why.empty() ? "" : ": " + why));
}

Findings run_worker(const Plan& plan) {
  Table table;
  CaseServer server(plan.seed, [&table](std::uint64_t number) { return table.find(number); });
  const Origins origins{server.http(), server.https(), host_names()};
  const std::filesystem::path ca =
      std::filesystem::temp_directory_path() / ("restante-differential-" + std::to_string(::getpid()));
  std::ofstream(ca) << server.ca_pem();
  Findings out;
  {
    WorkerDriver worker(ca.string());
    for (const std::string& host : origins.hosts) worker.hosts[host] = {"127.0.0.1"};
    worker.hosts[poisoned_host] = {"127.0.0.1"};
    std::map<std::size_t, Job> under_way;
    std::deque<std::size_t> ready;  ///< tags whose next attempt is due
    std::uint64_t next_number = plan.first;
    worker.flow(
        plan.parallel,
        [&]() -> std::optional<WorkerDriver::Wanted> {
          if (ready.empty()) {
            if (next_number == plan.first + plan.cases) return std::nullopt;
            const auto made = std::make_shared<const Case>(make_case(plan.seed, next_number, origins));
            table.put(made);
            under_way[static_cast<std::size_t>(next_number)] = begin(made);
            ready.push_back(static_cast<std::size_t>(next_number++));
          }
          const std::size_t tag = ready.front();
          ready.pop_front();
          return order_of(under_way.at(tag), tag, origins);
        },
        [&](std::size_t tag, Fetched fetched) {
          Job& job = under_way.at(tag);
          std::string why = std::string(code(fetched.result.reason)) + ", " + fetched.result.message;
          if (plan.verbose)
            std::printf("case %zu (%s) attempt %d: outcome %d, %s, file %zu\n", tag, job.made->kind.c_str(),
                        job.attempt, static_cast<int>(fetched.result.outcome), why.c_str(),
                        fetched.file.size());
          Next next = after(job, std::move(fetched));
          if (next.again && ++job.attempt < attempts) return ready.push_back(tag);
          out.judge(*job.made, next.published, why);
          table.drop(tag);
          server.forget(tag);
          under_way.erase(tag);
        });
  }
  std::filesystem::remove(ca);
  return out;
}

}  // namespace restante::test
