// SPDX-License-Identifier: Apache-2.0
#include "store/test_support.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace restante::store::test {

Folder::Folder() {
  path_ = (std::filesystem::temp_directory_path() / "restante-store-XXXXXX").string();
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp " + path_);
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string key_of(char fill) {
  return std::string(32, fill);
}

std::unique_ptr<Store> open_in(const Folder& folder, StoreLimits limits) {
  auto store = open_store({folder / "restante.db", key_of('k'), limits});
  if (!store) throw std::runtime_error(store.error().message);
  return std::move(*store);
}

namespace {

/// One loop for all, because a store thread may still be inside `post` when the loop has already run what was
/// posted: a loop must outlive the store's threads. A forked child has its own.
asio::io_context& loop_of_this_process() {
  static std::unique_ptr<asio::io_context> loop;
  static pid_t owner = 0;
  if (owner != ::getpid()) {
    (void)loop.release();
    loop = std::make_unique<asio::io_context>();
    owner = ::getpid();
  }
  return *loop;
}

}  // namespace

void run_task(Task<void> task) {
  asio::io_context& loop = loop_of_this_process();
  std::exception_ptr error;
  asio::co_spawn(loop, std::move(task), [&error](std::exception_ptr thrown) { error = thrown; });
  loop.restart();
  loop.run();
  if (error) std::rethrow_exception(error);
}

namespace {

Task<void> write_once(Database& database, Work work, Result<void>& out) {
  out = co_await database.write(std::move(work));
}

Task<void> read_once(Database& database, Work work, Result<void>& out) {
  out = co_await database.read(std::move(work));
}

}  // namespace

Result<void> write(Database& database, Work work) {
  Result<void> out;
  run_task(write_once(database, std::move(work), out));
  return out;
}

Result<void> read(Database& database, Work work) {
  Result<void> out;
  run_task(read_once(database, std::move(work), out));
  return out;
}

JobId job_id(int number) {
  // Spread like the hashes that real ids are.
  const Digest256 digest = sha256("job " + std::to_string(number));
  JobId id;
  std::memcpy(id.bytes.data(), digest.data(), id.bytes.size());
  return id;
}

FileId file_id(int number) {
  const Digest256 digest = sha256("file " + std::to_string(number));
  FileId id;
  std::memcpy(id.bytes.data(), digest.data(), id.bytes.size());
  return id;
}

jobs::Job some_job(int number, AccountId account) {
  jobs::Job job;
  job.id = job_id(number);
  job.account = account;
  job.device.value = "device-1";
  job.proxy_id = "proxy-" + std::to_string(number);
  job.name = "file-" + std::to_string(number) + ".bin";
  job.created = job.changed = Instant(Millis(1'760'000'000'000 + number));
  job.next_run = job.created;
  job.document = R"({"v":1,"sources":[{"url":"https://content.example/file.bin"}]})";
  job.document_digest = sha256(job.document);
  return job;
}

AccountId make_account(Database& database, const std::string& name) {
  accounts::Account account;
  account.name = name;
  return put<AccountId>(database, [&](Tx& tx) { return accounts_of(tx).insert(account); });
}

std::string bytes_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace restante::store::test

namespace restante::store {
namespace {

TEST(Store, KeepsWhatWasWrittenAfterItIsOpenedAgain) {
  test::Folder folder;
  auto store = test::open_in(folder);
  const AccountId ada = test::make_account(*store, "ada");
  const jobs::Job job = test::some_job(1, ada);
  ASSERT_TRUE(test::put<bool>(*store, [&](Tx& tx) { return test::jobs_of(tx).insert(job); }));
  store->close();

  store = test::open_in(folder);

  auto found =
      test::get<std::optional<jobs::Job>>(*store, [&](Tx& tx) { return test::jobs_of(tx).find(job.id); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->document, job.document);
}

}  // namespace
}  // namespace restante::store
