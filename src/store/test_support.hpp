// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/records.hpp"
#include "files/link_records.hpp"
#include "files/records.hpp"
#include "jobs/records.hpp"
#include "store/store.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

// What the tests of the store share; no part of the programs.
namespace restante::store::test {

/// A folder of its own below the system's temporary folder, removed at the end.
class Folder {
public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

std::string key_of(char fill);  ///< 32 equal bytes

/// Opens restante.db in `folder`; throws what went wrong.
std::unique_ptr<Store> open_in(const Folder& folder, StoreLimits limits = {});

/// Runs `task` on the loop of the tests until it has ended.
void run_task(Task<void> task);

using Work = std::function<Result<void>(Tx&)>;
Result<void> write(Database& database, Work work);
Result<void> read(Database& database, Work work);

/// The value of a read or write; throws its error.
template <class T>
T get(Database& database, std::function<Result<T>(Tx&)> work) {
  std::optional<T> out;
  auto done = read(database, [&](Tx& tx) -> Result<void> {
    auto found = work(tx);
    if (!found) return fail(found.error());
    out.emplace(std::move(*found));
    return {};
  });
  if (!done) throw std::runtime_error(done.error().message);
  return std::move(*out);
}

template <class T>
T put(Database& database, std::function<Result<T>(Tx&)> work) {
  std::optional<T> out;
  auto done = write(database, [&](Tx& tx) -> Result<void> {
    auto made = work(tx);
    if (!made) return fail(made.error());
    out.emplace(std::move(*made));
    return {};
  });
  if (!done) throw std::runtime_error(done.error().message);
  return std::move(*out);
}

JobId job_id(int number);
FileId file_id(int number);
jobs::Job some_job(int number, AccountId account);
AccountId make_account(Database& database, const std::string& name);

inline jobs::JobRecords& jobs_of(Tx& tx) {
  return tx.repo<jobs::JobRecords>();
}
inline files::FileRecords& files_of(Tx& tx) {
  return tx.repo<files::FileRecords>();
}
inline files::LinkRecords& links_of(Tx& tx) {
  return tx.repo<files::LinkRecords>();
}
inline accounts::AccountRecords& accounts_of(Tx& tx) {
  return tx.repo<accounts::AccountRecords>();
}

std::string bytes_of_file(const std::string& path);  ///< empty if there is none

}  // namespace restante::store::test
