// SPDX-License-Identifier: Apache-2.0
// Small files are published many at a time: each step of publishing (publish.cpp) is taken for a whole round,
// with one sync of the data, one transaction and one sync of each folder. What comes while one runs, and in
// the milliseconds behind it, is the next one.
#include "base/crypto.hpp"
#include "base/text.hpp"
#include "files/areas_on_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <utility>

namespace restante::files {

namespace {

using Steady = std::chrono::steady_clock;

/// From Linux 5.8 on syncfs(2) reports lost writes; before, it succeeds.
bool kernel_reports_lost_writes() {
  utsname name{};
  int major = 0, minor = 0;
  if (::uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return false;
  return major > 5 || (major == 5 && minor >= 8);
}

/// Of a small file that was just written, so that no pass has to come back for it; empty if it cannot be
/// read.
std::string sha256_of(int fd, std::uint64_t size_bytes) {
  Hasher hasher("SHA256");
  std::string buffer(static_cast<std::size_t>(std::min<std::uint64_t>(size_bytes, 64 * 1024)), '\0');
  for (std::uint64_t at = 0; at < size_bytes;) {
    const ssize_t got = ::pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(at));
    if (got <= 0) return {};
    hasher.update(buffer.data(), static_cast<std::size_t>(got));
    at += static_cast<std::uint64_t>(got);
  }
  const std::string raw = hasher.finish();
  return to_hex({reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()});
}

}  // namespace

struct AreasOnDisk::Small {
  Small(Executor loop, Intent what, UniqueFd opened)
      : intent(std::move(what)), sync(std::move(opened)), over(loop) {}

  Intent intent;
  UniqueFd sync;
  std::optional<std::uint64_t> quota;
  Result<void> outcome;  ///< conflict: another name is needed
  FileFacts facts;       ///< of the file in the area
  bool moved = false;    ///< the round came to its end
  bool leads = false;    ///< runs the next round
  bool done = false;
  Signal over;
};

/// Handles of one round: each folder is opened once.
struct AreasOnDisk::Folders {
  std::map<AccountId, UniqueFd> incoming, areas;
  std::map<std::pair<AccountId, std::string>, Folder> below;
  std::map<std::pair<AccountId, std::string>, bool> chosen;  ///< names that this round takes
};

VolumeSync::VolumeSync(int folder)
    : folder_(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
      usable_(folder_ && kernel_reports_lost_writes()) {
}

bool VolumeSync::worth(std::size_t files) const {
  return usable_ && files >= least_files && Steady::now() >= not_before_;
}

bool VolumeSync::sync(std::size_t files) {
  const auto begun = Steady::now();
  if (::syncfs(folder_.get()) != 0) {
    // Whose data was lost is not told, and it is told only once: from now on each file is asked about.
    usable_ = false;
    return false;
  }
  const auto took = Steady::now() - begun;
  if (took > patience + files * patience_each) not_before_ = Steady::now() + rest;
  return true;
}

/// Waits until the file is in the area and that is durable, or `outcome` says why not.
Task<void> AreasOnDisk::publish_small(SmallPtr one) {
  small_.push_back(one);
  one->leads = !round_runs_;
  round_runs_ = true;
  while (!one->leads && !one->done) co_await one->over.wait();
  if (one->done) co_return;

  // What this one leaves behind, also when it is cancelled: everybody of its round has an outcome, and
  // somebody leads the next one.
  struct Leading {
    AreasOnDisk& areas;
    std::vector<SmallPtr> all;
    ~Leading() {
      for (const SmallPtr& each : all) {
        each->done = true;
        each->over.notify();
      }
      areas.round_runs_ = !areas.small_.empty();
      if (!areas.round_runs_) return;
      areas.small_.front()->leads = true;
      areas.small_.front()->over.notify();
    }
  };
  Leading leading{*this, {}};
  leading.all.push_back(std::move(small_.front()));
  small_.pop_front();
  if (const auto wait = round_after_ - Steady::now(); wait > Steady::duration::zero())
    co_await sleep_for(wait);
  while (!small_.empty() && leading.all.size() < options_.limits.files_a_round) {
    leading.all.push_back(std::move(small_.front()));
    small_.pop_front();
  }
  co_await run_round(leading.all);
  round_after_ = Steady::now() + options_.limits.rounds_every;
}

Task<void> AreasOnDisk::run_round(const std::vector<SmallPtr>& all) {
  Folders folders;
  auto durable = [this, &all, &folders] { make_round_durable(all, folders); };
  co_await offload(pool_, durable);

  for (const SmallPtr& one : all) {
    if (!one->outcome) continue;
    step("intent");
    one->quota = options_.quota_bytes(one->intent.what.account);
    open_intents_.emplace(one->intent.what.job, one->intent.what.file);
  }
  Database::Work write = [&all](Tx& tx) { return save_round(tx, all); };
  if (auto saved = co_await database_.write(std::move(write), Database::Commit::shared); !saved) {
    for (const SmallPtr& one : all)
      if (one->outcome) one->outcome = fail(saved.error());
  }

  auto move = [this, &all, &folders] { move_round(all, folders); };
  co_await offload(pool_, move);
  for (const SmallPtr& one : all) one->moved = true;
}

void AreasOnDisk::make_round_durable(const std::vector<SmallPtr>& all, Folders& folders) const {
  bool at_once = volume_sync_.worth(all.size());
  for (const SmallPtr& one : all) {
    step("sync");
    one->outcome = give_terms(one->sync.get());
  }
  if (at_once) at_once = volume_sync_.sync(all.size());
  for (const SmallPtr& one : all) {
    const jobs::Publication& what = one->intent.what;
    if (one->outcome && !at_once) one->outcome = sync_to_disk(what, one->sync.get());
    if (one->outcome) one->outcome = has_its_length(what, one->sync.get());
    if (one->outcome) one->outcome = choose_in_round(*one, folders);
    if (one->outcome && what.sha256.empty())
      one->intent.what.sha256 = sha256_of(one->sync.get(), what.size_bytes);
  }
}

Result<int> AreasOnDisk::area_in_round(AccountId account, Folders& folders) const {
  UniqueFd& root = folders.areas[account];
  if (!root) {
    auto opened = area(account);
    if (!opened) return fail(std::move(opened.error()));
    root = std::move(*opened);
  }
  return root.get();
}

Result<void> AreasOnDisk::choose_in_round(Small& one, Folders& folders) const {
  const jobs::Publication& what = one.intent.what;
  auto root = area_in_round(what.account, folders);
  if (!root) return fail(std::move(root.error()));
  auto chosen = choose_below(*root, what.wanted_name, 0, what.mark);
  if (!chosen) return fail(std::move(chosen.error()));
  if (!folders.chosen.emplace(std::pair(what.account, chosen->name), true).second)
    return fail(Reason::conflict, "another file of the round takes the name");
  one.intent.chosen_name = std::move(chosen->name);
  return {};
}

Result<void> AreasOnDisk::save_round(Tx& tx, const std::vector<SmallPtr>& all) {
  auto under_way = UnderWay::of(tx);
  if (!under_way) return fail(std::move(under_way.error()));
  for (const SmallPtr& one : all) {
    if (!one->outcome) continue;
    one->outcome = save_intent_in(tx, one->intent, one->quota, *under_way);
    if (!one->outcome) one->intent.chosen_name.clear();
    const bool store_failed = !one->outcome && one->outcome.error().reason != Reason::conflict &&
                              one->outcome.error().reason != Reason::quota;
    if (store_failed) return fail(one->outcome.error());
  }
  return {};
}

void AreasOnDisk::move_round(const std::vector<SmallPtr>& all, Folders& folders) const {
  for (const SmallPtr& one : all)
    if (one->outcome) one->outcome = move_in_round(*one, folders);
  for (auto& [place, folder] : folders.below) {
    step("sync-folder");
    if (::fsync(folder.handle.get()) == 0) continue;
    sync_failed_ = true;
    const int error = errno;
    for (const SmallPtr& one : all)
      if (one->outcome && one->intent.what.account == place.first)
        one->outcome = fail_errno(Reason::storage, "sync the area's folder", error);
  }
}

Result<void> AreasOnDisk::move_in_round(Small& one, Folders& folders) const {
  const jobs::Publication& what = one.intent.what;
  auto root = area_in_round(what.account, folders);
  if (!root) return fail(std::move(root.error()));
  const auto [folder_path, last] = split_name(one.intent.chosen_name);
  Folder& folder = folders.below[{what.account, folder_path}];
  if (!folder.handle) {
    auto opened = ensure_folder(*root, folder_path, options_.folders, Taken::refuse);
    if (!opened) {
      folders.below.erase({what.account, folder_path});
      return fail(std::move(opened.error()));
    }
    folder = std::move(*opened);
  }
  UniqueFd& incoming = folders.incoming[what.account];
  if (!incoming) {
    auto opened = incoming_folder(what.account);
    if (!opened) return fail(std::move(opened.error()));
    incoming = std::move(*opened);
  }
  const std::string partial = incoming_name(what.job, what.file, what.generation);
  inherit_group(incoming.get(), partial, folder.handle.get());
  step("rename");
  const int error = rename_no_replace(incoming.get(), partial, folder.handle.get(), last);
  if (error == EEXIST) return fail(Reason::conflict, "the name is taken");
  if (error != 0) return not_moved(error);
  if (const int unread = file_facts(one.sync.get(), one.facts); unread != 0)
    return fail_errno(Reason::storage, "look at the published file", unread);
  return {};
}

Task<Result<jobs::Published>> AreasOnDisk::publish_in_round(Intent intent, UniqueFd sync,
                                                            jobs::PublishCommit commit) {
  auto one = std::make_shared<Small>(loop_, std::move(intent), std::move(sync));
  co_await publish_small(one);
  one->sync.reset();
  if (one->outcome && !one->moved) co_return fail(Reason::storage, "publishing was interrupted");
  if (one->outcome) co_return co_await complete(std::move(one->intent), one->facts, std::move(commit));
  if (one->outcome.error().reason != Reason::conflict) co_return fail(one->outcome.error());
  co_return co_await carry_out(std::move(one->intent), std::move(commit));
}

}  // namespace restante::files
