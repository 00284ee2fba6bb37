// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "files/areas_on_disk.hpp"
#include "files/names.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace restante::files {

namespace {

FileId new_file_id() {
  FileId id;
  random_bytes(id.bytes.data(), id.bytes.size());
  return id;
}

jobs::Published published_as(const Intent& intent, Instant now) {
  jobs::Published out;
  out.id = intent.id;
  out.name = intent.chosen_name;
  out.size_bytes = intent.what.size_bytes;
  out.at = now;
  return out;
}

FileRecord record_of(const Intent& intent, const FileFacts& facts, const jobs::Published& published) {
  const jobs::Publication& what = intent.what;
  FileRecord record;
  record.id = intent.id;
  record.account = what.account;
  record.name = intent.chosen_name;
  record.size_bytes = facts.size_bytes;
  record.published = published.at;
  if (what.keep) record.keep_until = published.at + *what.keep;
  record.job = what.job;
  record.job_file = what.file;
  record.media_type = what.media_type;
  record.sha256 = what.sha256;
  record.verified = what.verified;
  record.flags = what.flags;
  record.inode = facts.inode;
  record.mtime_ns = facts.mtime_ns;
  return record;
}

Result<std::optional<Intent>> intent_of(Tx& tx, JobId job, int file) {
  auto all = tx.repo<FileRecords>().intents();
  if (!all) return fail(std::move(all.error()));
  for (auto& intent : *all)
    if (intent.what.job == job && intent.what.file == file) return std::optional<Intent>(std::move(intent));
  return std::optional<Intent>();
}

}  // namespace

void AreasOnDisk::step(std::string_view name) const {
  if (options_.before_step) options_.before_step(name);
}

Task<Result<jobs::Published>> AreasOnDisk::publish(jobs::Publication what, UniqueFd sync,
                                                   jobs::PublishCommit commit) {
  if (sync_failed_)
    co_return fail(Reason::storage, "nothing is published since the disk failed to store data",
                   "check the disk and the system's log, then start restanted again");
  if (may_have_intent(what.job, what.file)) {
    std::function<Result<std::optional<Intent>>(Tx&)> ask = [job = what.job, file = what.file](Tx& tx) {
      return intent_of(tx, job, file);
    };
    auto before = co_await database_.read_value<std::optional<Intent>>(ask);
    if (!before) co_return fail(std::move(before.error()));
    if (*before) {
      // An earlier call ended between intent and commit; perhaps it renamed.
      Intent earlier = std::move(**before);
      auto inspect = [this, earlier] { return look(earlier); };
      const auto found = co_await offload(pool_, inspect);
      if (!found) co_return fail(found.error());
      if (*found == Found::target) co_return co_await carry_out(std::move(earlier), std::move(commit));
    }
  }
  if (what.size_bytes <= options_.limits.small_file_bytes) {
    Intent small;
    small.what = std::move(what);
    small.id = new_file_id();
    co_return co_await publish_in_round(std::move(small), std::move(sync), std::move(commit));
  }

  auto durable = [this, what, fd = sync.get()] {
    step("sync");
    return make_durable(what, fd);
  };
  if (auto done = co_await offload(pool_, durable); !done) co_return fail(std::move(done.error()));
  Intent intent;
  intent.what = std::move(what);
  intent.id = new_file_id();
  co_return co_await carry_out(std::move(intent), std::move(commit));
}

Result<void> AreasOnDisk::make_durable(const jobs::Publication& what, int fd) const {
  if (auto given = give_terms(fd); !given) return given;
  if (auto done = sync_to_disk(what, fd); !done) return done;
  return has_its_length(what, fd);
}

Result<void> AreasOnDisk::give_terms(int fd) const {
  const FolderTerms& terms = options_.files;
  const bool refused =
      (terms.owner || terms.group) && ::fchown(fd, terms.owner.value_or(static_cast<uid_t>(-1)),
                                               terms.group.value_or(static_cast<gid_t>(-1))) != 0;
  if (refused) return fail_errno(Reason::storage, "give a file to the owner and group of [areas]", errno);
  ::fchmod(fd, terms.mode);
  return {};
}

Result<void> AreasOnDisk::sync_to_disk(const jobs::Publication& what, int fd) const {
  if (::fsync(fd) == 0) return {};
  // The kernel reports a lost write once; a second fsync would claim success. These bytes are not trusted
  // again.
  const int error = errno;
  if (error != ENOSPC && error != EDQUOT) sync_failed_ = true;
  log::error("job {}: its data could not be stored: {}", what.job.text(), errno_text(error));
  if (auto folder = incoming_folder(what.account))
    ::unlinkat(folder->get(), incoming_name(what.job, what.file, what.generation).c_str(), 0);
  return fail_errno(Reason::storage, "store the data of a download", error);
}

Result<void> AreasOnDisk::has_its_length(const jobs::Publication& what, int fd) {
  FileFacts facts;
  if (const int error = file_facts(fd, facts); error != 0)
    return fail_errno(Reason::storage, "read a partial file", error);
  if (facts.size_bytes != what.size_bytes)
    return fail(Reason::storage, "the partial file has " + std::to_string(facts.size_bytes) +
                                     " bytes instead of " + std::to_string(what.size_bytes));
  return {};
}

bool AreasOnDisk::may_have_intent(JobId job, int file) const {
  return !intents_known_ || open_intents_.contains({job, file});
}

Result<AreasOnDisk::Chosen> AreasOnDisk::choose_name(AccountId account, const std::string& wanted, int first,
                                                     const std::string& mark) const {
  auto root = area(account);
  if (!root) return fail(std::move(root.error()));
  return choose_below(root->get(), wanted, first, mark);
}

Result<AreasOnDisk::Chosen> AreasOnDisk::choose_below(int root, const std::string& wanted, int first,
                                                      const std::string& mark) const {
  const auto [folder_path, last] = split_name(files::clean_name(wanted));
  auto folder = ensure_folder(root, folder_path, options_.folders, Taken::use_next_name);
  if (!folder) return fail(std::move(folder.error()));
  const std::string repeated = mark.empty() ? last : marked(last, mark);
  const auto name_of = [&](int number) {
    if (number == 0) return last;
    if (mark.empty()) return numbered(last, number);
    return number == 1 ? repeated : numbered(repeated, number - 1);
  };
  for (int i = first; i < options_.limits.names_tried; ++i) {
    const std::string name = name_of(i);
    FileFacts there;
    const int error = look_beneath(folder->handle.get(), name, there);
    if (error == ENOENT) return Chosen{folder->path.empty() ? name : folder->path + "/" + name, i};
    if (error != 0 && error != ELOOP) return fail_errno(Reason::storage, "look for a free name", error);
  }
  return fail(Reason::conflict, "there are too many files of the name " + last,
              "ask for another name (--name)");
}

Task<Result<void>> AreasOnDisk::save_intent(Intent intent, std::optional<std::uint64_t> quota) {
  open_intents_.emplace(intent.what.job, intent.what.file);
  Database::Work work = [intent, quota](Tx& tx) -> Result<void> {
    auto under_way = UnderWay::of(tx);
    if (!under_way) return fail(std::move(under_way.error()));
    return save_intent_in(tx, intent, quota, *under_way);
  };
  co_return co_await database_.write(std::move(work));
}

Result<AreasOnDisk::UnderWay> AreasOnDisk::UnderWay::of(Tx& tx) {
  auto intents = tx.repo<FileRecords>().intents();
  if (!intents) return fail(std::move(intents.error()));
  UnderWay out;
  for (const Intent& one : *intents) out.add(one);
  return out;
}

void AreasOnDisk::UnderWay::add(const Intent& intent) {
  const jobs::Publication& what = intent.what;
  intents.push_back(One{what.account, what.job, what.file, what.size_bytes, name_key(intent.chosen_name)});
}

/// Refuses before it writes anything.
Result<void> AreasOnDisk::save_intent_in(Tx& tx, const Intent& intent, std::optional<std::uint64_t> quota,
                                         UnderWay& under_way) {
  auto& records = tx.repo<FileRecords>();
  const AccountId account = intent.what.account;
  auto twin = records.has_twin(account, intent.chosen_name, intent.id);
  if (!twin) return fail(std::move(twin.error()));
  const std::string key = name_key(intent.chosen_name);
  std::uint64_t others_bytes = 0;
  std::erase_if(under_way.intents, [&](const UnderWay::One& other) {
    return other.job == intent.what.job && other.file == intent.what.file;
  });
  for (const UnderWay::One& other : under_way.intents) {
    if (other.account != account) continue;
    *twin = *twin || other.key == key;
    others_bytes += other.size_bytes;
  }
  if (*twin) return fail(Reason::conflict, "the name is another one's twin");
  if (quota) {
    if (!under_way.used.contains(account)) {
      auto found = records.used_bytes(account);
      if (!found) return fail(std::move(found.error()));
      under_way.used[account] = *found;
    }
    if (under_way.used[account] + others_bytes + intent.what.size_bytes > *quota)
      return fail(Reason::quota, "with this file of " + human_size(intent.what.size_bytes) +
                                     " the account would hold more than its " + human_size(*quota));
  }
  if (auto saved = records.save_intent(intent); !saved) return saved;
  under_way.add(intent);
  return {};
}

Task<Result<jobs::Published>> AreasOnDisk::carry_out(Intent intent, jobs::PublishCommit commit) {
  const AccountId account = intent.what.account;
  std::optional<FileFacts> facts;
  if (!intent.chosen_name.empty()) {
    auto move = [this, intent] { return move_into_area(intent); };
    auto moved = co_await offload(pool_, move);
    if (moved)
      facts = *moved;
    else if (moved.error().reason != Reason::conflict)
      co_return fail(std::move(moved.error()));
  }
  for (int tried = 0, number = 0; !facts && tried < options_.limits.names_tried; ++tried) {
    auto choose = [this, account, wanted = intent.what.wanted_name, number, mark = intent.what.mark] {
      return choose_name(account, wanted, number, mark);
    };
    auto chosen = co_await offload(pool_, choose);
    if (!chosen) co_return fail(std::move(chosen.error()));
    intent.chosen_name = std::move(chosen->name);
    step("intent");
    const auto quota = options_.quota_bytes(account);
    if (auto saved = co_await save_intent(intent, quota); !saved) {
      if (saved.error().reason != Reason::conflict) co_return fail(std::move(saved.error()));
      number = chosen->number + 1;
      continue;
    }
    auto move = [this, intent] { return move_into_area(intent); };
    auto moved = co_await offload(pool_, move);
    if (moved)
      facts = *moved;
    else if (moved.error().reason != Reason::conflict)
      co_return fail(std::move(moved.error()));
  }
  if (!facts) co_return fail(Reason::conflict, "no free name was found for " + intent.what.wanted_name);

  co_return co_await complete(std::move(intent), *facts, std::move(commit));
}

Task<Result<jobs::Published>> AreasOnDisk::complete(Intent intent, FileFacts facts,
                                                    jobs::PublishCommit commit) {
  const jobs::Published published = published_as(intent, clock_.now());
  step("commit");
  const bool digest_missing = intent.what.sha256.empty();
  const std::pair<JobId, int> key{intent.what.job, intent.what.file};
  auto done = co_await commit_publication(std::move(intent), facts, published, std::move(commit));
  if (!done) co_return fail(std::move(done.error()));
  open_intents_.erase(key);
  step("done");
  if (digest_missing) new_files_.notify();
  co_return published;
}

Result<AreasOnDisk::Found> AreasOnDisk::look(const Intent& intent) const {
  const jobs::Publication& what = intent.what;
  auto incoming = incoming_folder(what.account);
  if (!incoming) return fail(std::move(incoming.error()));
  const std::string source = incoming_name(what.job, what.file, what.generation);
  FileFacts from_facts, to_facts;
  const bool from = look_beneath(incoming->get(), source, from_facts) == 0;
  const bool here = from && from_facts.regular && from_facts.size_bytes == what.size_bytes;
  auto root = area(what.account);
  if (!root) return fail(std::move(root.error()));
  const bool there = look_beneath(root->get(), intent.chosen_name, to_facts) == 0 && to_facts.regular &&
                     to_facts.size_bytes == what.size_bytes;
  if (here && there && from_facts.inode == to_facts.inode && from_facts.device == to_facts.device) {
    // The link was made and the old name not yet removed.
    if (::unlinkat(incoming->get(), source.c_str(), 0) != 0)
      return fail_errno(Reason::storage, "remove a partial file", errno);
    return Found::target;
  }
  if (here) return Found::source;
  return there && !from ? Found::target : Found::nothing;
}

/// A file that comes into a set-group-ID folder by a rename gets the group that one made there would have.
void AreasOnDisk::inherit_group(int incoming, const std::string& name, int folder) const {
  struct stat above{};
  if (options_.files.group || ::fstat(folder, &above) != 0 || (above.st_mode & S_ISGID) == 0) return;
  const UniqueFd file = open_beneath(incoming, name, O_RDONLY | O_NONBLOCK);
  struct stat is{};
  if (!file || ::fstat(file.get(), &is) != 0 || is.st_gid == above.st_gid) return;
  if (::fchown(file.get(), static_cast<uid_t>(-1), above.st_gid) != 0)
    log::warn("a file does not get the group {} of its folder: {}", above.st_gid, errno_text(errno));
  else
    ::fchmod(file.get(), options_.files.mode);
}

tl::unexpected<Error> AreasOnDisk::not_moved(int error) {
  if (error == EXDEV)
    return fail(Reason::storage, "the area lies on another file system than the partial files",
                "`restanted check` tells more; [areas] path must be one file system, not several mounts");
  return fail_errno(Reason::storage, "move a file into the area", error);
}

Result<FileFacts> AreasOnDisk::move_into_area(const Intent& intent) const {
  const jobs::Publication& what = intent.what;
  auto found = look(intent);
  if (!found) return fail(std::move(found.error()));
  if (*found == Found::nothing)
    return fail(Reason::storage, "the data of job " + what.job.text() + " is no longer there",
                "it is fetched again at the next try");
  auto root = area(what.account);
  if (!root) return fail(std::move(root.error()));
  const auto [folder_path, last] = split_name(intent.chosen_name);
  auto folder = ensure_folder(root->get(), folder_path, options_.folders, Taken::refuse);
  // Another program put something in the folder's place since the name was chosen.
  if (!folder && folder.error().reason == Reason::conflict && *found == Found::source)
    return fail(Reason::conflict, "the folder is gone");
  if (!folder) return fail(Reason::storage, folder.error().message, folder.error().hint);
  if (*found == Found::source) {
    auto incoming = incoming_folder(what.account);
    if (!incoming) return fail(std::move(incoming.error()));
    inherit_group(incoming->get(), incoming_name(what.job, what.file, what.generation), folder->handle.get());
    step("rename");
    const int error = rename_no_replace(incoming->get(), incoming_name(what.job, what.file, what.generation),
                                        folder->handle.get(), last);
    if (error == EEXIST) return fail(Reason::conflict, "the name is taken");
    if (error != 0) return not_moved(error);
  }
  step("sync-folder");
  if (::fsync(folder->handle.get()) != 0) {
    sync_failed_ = true;
    return fail_errno(Reason::storage, "sync the area's folder", errno);
  }
  FileFacts facts;
  if (const int error = look_beneath(folder->handle.get(), last, facts); error != 0)
    return fail_errno(Reason::storage, "look at the published file", error);
  return facts;
}

Task<Result<void>> AreasOnDisk::commit_publication(Intent intent, FileFacts facts, jobs::Published published,
                                                   jobs::PublishCommit commit) {
  Database::Work work = [intent, published, commit,
                         record = record_of(intent, facts, published)](Tx& tx) -> Result<void> {
    auto& records = tx.repo<FileRecords>();
    auto stale = records.find_by_name(record.account, record.name);
    if (!stale) return fail(std::move(stale.error()));
    if (*stale) {
      // The name was free on the disk, so the file of that row is gone.
      if (auto removed = records.remove((*stale)->id); !removed) return removed;
    }
    if (auto inserted = records.insert(record); !inserted) return inserted;
    if (auto removed = records.remove_intent(intent.what.job, intent.what.file); !removed) return removed;
    return commit(tx, intent.what, published);
  };
  auto done = co_await database_.write(std::move(work), Database::Commit::shared);
  // An area or a folder that is new is not watched yet.
  if (done && watch_ && !states_[intent.what.account].told) mark_changed(intent.what.account);
  co_return done;
}

Task<Result<void>> AreasOnDisk::recover(jobs::PublishCommit commit) {
  std::function<Result<std::vector<Intent>>(Tx&)> ask = [](Tx& tx) {
    return tx.repo<FileRecords>().intents();
  };
  auto intents = co_await database_.read_value<std::vector<Intent>>(ask);
  if (!intents) co_return fail(std::move(intents.error()));
  for (const Intent& intent : *intents) open_intents_.emplace(intent.what.job, intent.what.file);
  intents_known_ = true;
  for (auto& intent : *intents) {
    const std::string job = intent.what.job.text();
    auto inspect = [this, intent] { return look(intent); };
    const auto found = co_await offload(pool_, inspect);
    if (found && *found == Found::nothing) {
      // Neither name is there: the job finds itself unpublished and fetches again.
      log::warn("job {}: its file is gone from incoming and from the area", job);
      Database::Work drop = [id = intent.what.job, file = intent.what.file](Tx& tx) {
        return tx.repo<FileRecords>().remove_intent(id, file);
      };
      if (auto dropped = co_await database_.write(std::move(drop)); !dropped)
        co_return fail(std::move(dropped.error()));
      continue;
    }
    if (!found) {
      log::error("job {}: publishing cannot be completed: {}", job, found.error().message);
      continue;
    }
    const auto done = co_await carry_out(std::move(intent), commit);
    if (done)
      log::info("job {}: publishing of {} was completed after an interruption", job, done->name);
    else
      log::error("job {}: publishing cannot be completed: {}", job, done.error().message);
  }
  co_return Result<void>{};
}

}  // namespace restante::files
