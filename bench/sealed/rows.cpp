// SPDX-License-Identifier: Apache-2.0
#include "rows.hpp"

#include "accounts/records.hpp"
#include "jobs/acceptance.hpp"
#include "store/store.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <stdexcept>

namespace restante::bench {

namespace {

using Steady = std::chrono::steady_clock;

struct Run {
  store::Store& store;
  AccountId account;
  std::string document;
  Steady::time_point end;
  long made = 0;
};

jobs::Job job_number(const Run& run, long number) {
  jobs::Job job;
  job.proxy_id = "row-" + std::to_string(number);
  job.device = {std::string(43, 'D')};
  job.id = jobs::job_id(job.device, job.proxy_id);
  job.account = run.account;
  job.name = "lecture.mp4";
  job.state = jobs::State::scheduled;
  job.created = job.changed = Instant(Seconds(1'795'335'600));
  job.next_run = job.start = Instant(Seconds(2'114'380'800));
  job.document = run.document;
  job.document_digest = sha256(job.document);
  return job;
}

Task<> insert_rows(Run& run) {
  while (Steady::now() < run.end) {
    const jobs::Job job = job_number(run, run.made++);
    Database::Work work = [&job](Tx& tx) -> Result<void> {
      auto made = tx.repo<jobs::JobRecords>().insert(job);
      if (!made) return fail(std::move(made.error()));
      return {};
    };
    auto done = co_await run.store.write(std::move(work));
    if (!done) throw std::runtime_error(done.error().message);
  }
}

Task<> add_account(Run& run) {
  std::function<Result<AccountId>(Tx&)> work = [](Tx& tx) {
    accounts::Account account;
    account.name = "ana";
    return tx.repo<accounts::AccountRecords>().insert(account);
  };
  auto made = co_await run.store.write_value<AccountId>(std::move(work));
  if (!made) throw std::runtime_error(made.error().message);
  run.account = *made;
}

}  // namespace

double durable_rows_per_s(const std::string& folder, int callers, double seconds) {
  auto store = store::open_store({folder + "/rows.db", std::string(32, 'k'), {}});
  if (!store) throw std::runtime_error(store.error().message);
  asio::io_context loop;
  Run run{**store, {}, std::string(300, 'x'), {}};
  const auto rethrow = [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  };
  asio::co_spawn(loop, add_account(run), rethrow);
  loop.run();
  loop.restart();
  const auto begin = Steady::now();
  run.end = begin + std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(seconds));
  for (int i = 0; i < callers; ++i) asio::co_spawn(loop, insert_rows(run), rethrow);
  loop.run();
  const double took = std::chrono::duration<double>(Steady::now() - begin).count();
  (*store)->close();
  return static_cast<double>(run.made) / took;
}

}  // namespace restante::bench
