// SPDX-License-Identifier: Apache-2.0
// Partial files that nobody needs any more.
#include "base/log.hpp"
#include "files/areas_on_disk.hpp"
#include "jobs/records.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace restante::files {

namespace {

constexpr std::size_t partials_looked_at = 10'000;  ///< in one round

struct Partial {
  AccountId account;
  JobId job;
  int file = 0;
  std::string name;
};

std::vector<std::string> names_in(int folder) {
  std::vector<std::string> out;
  UniqueFd again(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* stream = again ? ::fdopendir(again.get()) : nullptr;
  if (stream == nullptr) return out;
  again.release();
  while (const dirent* entry = ::readdir(stream)) {
    if (out.size() >= partials_looked_at) break;
    if (entry->d_name[0] != '.') out.emplace_back(entry->d_name);
  }
  ::closedir(stream);
  return out;
}

/// The reading of incoming_name(); other names are none of ours.
std::optional<Partial> partial_of(AccountId account, const std::string& name) {
  const auto dot = name.find('.');
  if (dot == std::string::npos) return std::nullopt;
  const auto job = JobId::parse(name.substr(0, dot));
  if (!job) return std::nullopt;
  Partial out{account, *job, 0, name};
  const char* end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data() + dot + 1, end, out.file);
  if (error != std::errc{} || (rest != end && *rest != '.')) return std::nullopt;
  return out;
}

bool needed(jobs::JobRecords& records, const Partial& partial) {
  const auto job = records.find(partial.job);
  if (!job) return true;  // the store does not know; it is asked again
  if (!*job || (*job)->state == jobs::State::done || (*job)->state == jobs::State::cancelled) return false;
  const auto rows = records.files(partial.job);
  if (!rows) return true;
  return std::none_of(rows->begin(), rows->end(), [&](const jobs::FileRow& row) {
    return row.index == partial.file && row.state == jobs::FileState::done;
  });
}

}  // namespace

/// A crash may come between the end of a file and the removal of what it left behind. A job is stored before
/// its first partial file is made, and none is made for a file that is done: whatever is found here and not
/// needed is not needed later either.
Task<void> AreasOnDisk::sweep_incoming() {
  auto look = [this] {
    std::vector<Partial> found;
    for (const auto& folder : names_in(roots_.incoming.get())) {
      AccountId account;
      const char* end = folder.data() + folder.size();
      const auto [rest, error] = std::from_chars(folder.data(), end, account.value);
      if (error != std::errc{} || rest != end) continue;
      const UniqueFd inside = open_beneath(roots_.incoming.get(), folder, O_RDONLY | O_DIRECTORY);
      if (!inside) continue;
      for (const auto& name : names_in(inside.get()))
        if (auto partial = partial_of(account, name)) found.push_back(std::move(*partial));
    }
    return found;
  };
  auto found = co_await offload(pool_, look);
  if (found.empty()) co_return;
  Database::Work ask = [&found](Tx& tx) -> Result<void> {
    auto& records = tx.repo<jobs::JobRecords>();
    std::erase_if(found, [&](const Partial& partial) { return needed(records, partial); });
    return {};
  };
  auto asked = co_await database_.read(std::move(ask));
  if (!asked) {
    log::warn("partial files are not looked through: {}", asked.error().message);
    co_return;
  }
  auto remove = [this, found] {
    for (const Partial& one : found) {
      const UniqueFd folder =
          open_beneath(roots_.incoming.get(), std::to_string(one.account.value), O_RDONLY | O_DIRECTORY);
      if (folder && ::unlinkat(folder.get(), one.name.c_str(), 0) == 0)
        log::info("job {}: the partial file {} was left over and is removed", one.job.text(), one.name);
    }
    return true;
  };
  co_await offload(pool_, remove);
}

}  // namespace restante::files
