// SPDX-License-Identifier: Apache-2.0
#include "shelf.hpp"

#include "accounts/records.hpp"
#include "jobs/records.hpp"

#include <boost/asio/post.hpp>

#include <fstream>
#include <iterator>
#include <unistd.h>

namespace restante::files::test {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::milliseconds asked_every{20};  ///< at least

}  // namespace

Folder::Folder() {
  std::string pattern = fs::temp_directory_path() / "restante-files-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path = pattern;
}
Folder::~Folder() {
  fs::remove_all(path);
}

Place::Place(const fs::path& data, AreasOptions options) : data_(data) {
  store::StoreOptions store_options;
  store_options.path = data / "restante.db";
  store_options.master_key = std::string(32, 'k');
  auto opened = store::open_store(std::move(store_options));
  if (!opened) throw std::runtime_error(opened.error().message);
  store_ = std::move(*opened);
  std::function<Result<std::vector<accounts::Account>>(Tx&)> ask = [](Tx& tx) {
    return tx.repo<accounts::AccountRecords>().accounts();
  };
  for (const auto& account : read<std::vector<accounts::Account>>(ask)) names_[account.id] = account.name;
  options.data_dir = data;
  options.account_name = [this](AccountId id) { return names_[id]; };
  options.quota_bytes = [this](AccountId id) -> std::optional<std::uint64_t> {
    const auto found = quotas.find(id);
    if (found == quotas.end()) return std::nullopt;
    return found->second;
  };
  options.accounts = [this] {
    std::vector<AccountId> out;
    for (const auto& [id, name] : names_) out.push_back(id);
    return out;
  };
  options.traffic_bytes = [this](AccountId id) -> std::optional<std::uint64_t> {
    const auto found = traffics.find(id);
    if (found == traffics.end()) return std::nullopt;
    return found->second;
  };
  auto made = make_areas(loop_.get_executor(), pool_.get_executor(), *store_, clock_, std::move(options));
  if (!made) throw std::runtime_error(made.error().message);
  areas_ = std::move(*made);
}

Place::~Place() {
  store_->close();
  pool_.join();
}

AccountId Place::add_account(const std::string& name) {
  std::function<Result<AccountId>(Tx&)> add = [name](Tx& tx) {
    accounts::Account account;
    account.name = name;
    return tx.repo<accounts::AccountRecords>().insert(account);
  };
  const AccountId id = run(store_->write_value<AccountId>(add)).value();
  names_[id] = name;
  return id;
}

void Place::add_job(AccountId account, JobId id, jobs::State state) {
  std::function<Result<bool>(Tx&)> add = [&](Tx& tx) {
    jobs::Job job;
    job.id = id;
    job.account = account;
    job.state = state;
    job.document = "{}";
    return tx.repo<jobs::JobRecords>().insert(job);
  };
  run(store_->write_value<bool>(add)).value();
}

void Place::run_housekeeping_until(const std::function<bool()>& done) {
  run_until(areas_->housekeeping(), done);
}

void Place::run_until(Task<void> task, const std::function<bool()>& done) {
  TaskGroup group(loop_.get_executor(), "areas");
  group.spawn(std::move(task));
  while (!done()) loop_.run_one_for(asked_every);
  bool stopped = false;
  auto stop = [](TaskGroup& g, bool& s) -> Task<void> {
    co_await g.stop();
    s = true;
  };
  asio::co_spawn(loop_, stop(group, stopped), [](std::exception_ptr) {});
  while (!stopped) loop_.run_one();
}

Result<jobs::Incoming> Place::receive(AccountId account, JobId job, const std::string& bytes) {
  auto incoming = run(areas_->open_incoming(account, job, 0, 0));
  if (incoming && ::pwrite(incoming->for_worker.get(), bytes.data(), bytes.size(), 0) !=
                      static_cast<ssize_t>(bytes.size()))
    throw std::runtime_error("pwrite");
  return incoming;
}

jobs::Publication Place::publication(AccountId account, JobId job, const std::string& bytes,
                                     const std::string& wanted) const {
  jobs::Publication what;
  what.account = account;
  what.job = job;
  what.wanted_name = wanted;
  what.media_type = "text/plain";
  what.size_bytes = bytes.size();
  return what;
}

Result<jobs::Published> Place::publish(AccountId account, JobId job, const std::string& bytes,
                                       const std::string& wanted) {
  auto incoming = receive(account, job, bytes);
  if (!incoming) return fail(incoming.error());
  return run(areas_->publish(publication(account, job, bytes, wanted), std::move(incoming->for_sync),
                             counting_commit()));
}

jobs::PublishCommit Place::counting_commit() {
  return [](Tx& tx, const jobs::Publication&, const jobs::Published&) -> Result<void> {
    auto& records = tx.repo<accounts::AccountRecords>();
    auto before = records.setting("commits");
    if (!before) return fail(before.error());
    return records.save_setting("commits", before->value_or("") + "x");
  };
}

int Place::commits() {
  std::function<Result<std::optional<std::string>>(Tx&)> ask = [](Tx& tx) {
    return tx.repo<accounts::AccountRecords>().setting("commits");
  };
  return static_cast<int>(read<std::optional<std::string>>(ask).value_or("").size());
}

JobId job_id(int number) {
  JobId id;
  id.bytes[14] = static_cast<std::uint8_t>(number >> 8);
  id.bytes[15] = static_cast<std::uint8_t>(number);
  return id;
}

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t files_below(const fs::path& folder) {
  std::size_t count = 0;
  if (fs::exists(folder))
    for (const auto& entry : fs::recursive_directory_iterator(folder)) count += entry.is_regular_file();
  return count;
}

}  // namespace restante::files::test
