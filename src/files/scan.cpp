// SPDX-License-Identifier: Apache-2.0
// What other programs did in an area: the rows follow the disk.
#include "base/crypto.hpp"
#include "base/log.hpp"
#include "files/areas_on_disk.hpp"
#include "files/walk.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <set>
#include <span>

namespace restante::files {

namespace {

using Steady = std::chrono::steady_clock;

constexpr int looks_in_a_row = 3;  ///< while we ourselves change names; then it is tried later

FileId new_id() {
  FileId id;
  random_bytes(id.bytes.data(), id.bytes.size());
  return id;
}

/// Rows and deleted files of an account, as they are now.
struct Stored {
  std::vector<FileRecord> rows;
  std::vector<TrashedFile> trash;
};

Result<std::set<std::string>> names_under_way(Tx& tx, AccountId account) {
  auto intents = tx.repo<FileRecords>().intents();
  if (!intents) return fail(std::move(intents.error()));
  std::set<std::string> out;
  for (auto& intent : *intents)
    if (intent.what.account == account) out.insert(std::move(intent.chosen_name));
  return out;
}

/// One batch: what changed in the store meanwhile is left as it is and looked at again next time.
class Batch {
public:
  explicit Batch(Tx& tx) : files_(tx.repo<FileRecords>()), trash_(tx.repo<TrashRecords>()) {}

  Result<void> add(const FileRecord& record, const std::set<std::string>& under_way) {
    if (under_way.contains(record.name)) return {};
    auto there = files_.find_by_name(record.account, record.name);
    if (!there) return fail(std::move(there.error()));
    return *there ? Result<void>() : files_.insert(record);
  }
  Result<void> change(const Changes::Moved& moved) {
    auto now = files_.find(moved.now.id);
    if (!now) return fail(std::move(now.error()));
    if (!*now || (*now)->version != moved.version_before || (*now)->name != moved.name_before) return {};
    if (moved.now.name != moved.name_before) {
      auto there = files_.find_by_name(moved.now.account, moved.now.name);
      if (!there) return fail(std::move(there.error()));
      if (*there) return {};
    }
    return files_.update(moved.now);
  }
  Result<void> forget(const FileRecord& record) {
    auto now = files_.find(record.id);
    if (!now) return fail(std::move(now.error()));
    if (!*now || (*now)->version != record.version || (*now)->name != record.name) return {};
    return files_.remove(record.id);
  }
  Result<void> bring_back(const TrashedFile& trashed) {
    auto now = trash_.find(trashed.file.id);
    if (!now) return fail(std::move(now.error()));
    auto there = files_.find_by_name(trashed.file.account, trashed.file.name);
    if (!there) return fail(std::move(there.error()));
    if (!*now || *there) return {};
    if (auto removed = trash_.remove(trashed.file.id); !removed) return removed;
    return files_.insert(trashed.file);
  }

private:
  FileRecords& files_;
  TrashRecords& trash_;
};

}  // namespace

std::vector<AccountId> AreasOnDisk::all_accounts() const {
  return options_.accounts ? options_.accounts() : std::vector<AccountId>();
}

void AreasOnDisk::mark_changed(std::optional<AccountId> account) {
  if (account)
    states_[*account].dirty = true;
  else
    for (auto& [id, state] : states_) state.dirty = true;
  changed_.notify();
}

Task<Gate::Pass> AreasOnDisk::begin_change(AccountId account) {
  auto pass = co_await gate_.enter(account);
  ++states_[account].changes;
  co_return pass;
}

/// Looks through an area and has the rows follow. Requests that come while a look is under way are answered
/// by the next one, all together.
Task<Result<void>> AreasOnDisk::scan(AccountId account) {
  const std::uint64_t asked = ++scan_requests_;
  const auto turn = co_await scans_.enter(account);
  if (states_[account].begun >= asked) co_return Result<void>();
  states_[account].begun = scan_requests_;
  for (int i = 0; i < looks_in_a_row; ++i) {
    auto done = co_await scan_once(account);
    if (!done) co_return fail(std::move(done.error()));
    if (*done) co_return Result<void>();
  }
  mark_changed(account);
  co_return Result<void>();
}

/// False: we ourselves changed something meanwhile.
Task<Result<bool>> AreasOnDisk::scan_once(AccountId account) {
  const auto began = Steady::now();
  std::uint64_t changes_before = 0;
  {
    // A change that is under way has rows and files apart from each other: let it end first.
    const auto pass = co_await gate_.enter(account);
    changes_before = states_[account].changes;
  }
  states_[account].dirty = false;
  auto open_area = [this, account] { return area_if_there(account); };
  auto root = co_await offload(pool_, open_area);
  if (!root) co_return fail(std::move(root.error()));
  WalkLimits limits;
  limits.files = options_.limits.files_an_area;
  limits.slice = options_.limits.entries_a_slice;
  const std::size_t others = watch_ ? watch_->count() - watch_->count_of(account) : 0;
  const std::size_t most = options_.limits.folders_watched;
  std::vector<SeenFile> seen;
  PassedOver passed_over;
  if (*root) {
    Walk walk(std::move(*root), watch_ ? watch_->descriptor() : -1, most - std::min(most, others), limits);
    auto step = [&walk] { return walk.step(); };
    while (co_await offload(pool_, step)) {
    }
    if (watch_) watch_->set(account, walk.watches);
    states_[account].told = watch_ && watch_->descriptor() >= 0 && walk.all_watched;
    seen = std::move(walk.files);
    passed_over = std::move(walk.passed_over);
  } else {
    states_[account].told = false;
  }

  std::function<Result<Stored>(Tx&)> ask = [account](Tx& tx) -> Result<Stored> {
    auto rows = tx.repo<FileRecords>().list(account);
    if (!rows) return fail(std::move(rows.error()));
    auto trash = tx.repo<TrashRecords>().list(account);
    if (!trash) return fail(std::move(trash.error()));
    return Stored{std::move(*rows), std::move(*trash)};
  };
  auto stored = co_await database_.read_value<Stored>(ask);
  if (!stored) co_return fail(std::move(stored.error()));
  auto compare = [this, account, &stored, &seen] {
    Changes changes = reconcile(account, stored->rows, seen, stored->trash);
    // A file that was published or renamed since the walk came by its place.
    std::erase_if(changes.gone, [this](const FileRecord& row) {
      const auto now = see(row, Look::outside);
      return !now || !now->gone;
    });
    return changes;
  };
  Changes changes = co_await offload(pool_, compare);
  passed_over.outside_names = changes.outside_names;

  const auto pass = co_await gate_.enter(account);
  if (states_[account].changes != changes_before) co_return false;
  const bool news = !changes.empty();
  if (news) {
    auto applied = co_await apply(account, std::move(changes));
    if (!applied) {
      states_[account].dirty = true;
      co_return fail(std::move(applied.error()));
    }
  }
  AreaState& state = states_[account];
  state.looked = true;
  state.files = seen.size();
  state.passed_over = std::move(passed_over);
  state.ended = Steady::now();
  state.took = state.ended - began;
  if (std::exchange(state.told_of, state.changes) != state.changes || news)
    if (changed_hook_) changed_hook_(account);
  co_return true;
}

Task<Result<void>> AreasOnDisk::apply(AccountId account, Changes changes) {
  for (FileRecord& record : changes.added) record.id = new_id();
  const bool digests_missing =
      std::any_of(changes.changed.begin(), changes.changed.end(),
                  [](const Changes::Moved& moved) { return moved.now.sha256.empty(); });
  const std::size_t batch = options_.limits.rows_a_batch;
  const std::size_t most =
      std::max({changes.added.size(), changes.changed.size(), changes.gone.size(), changes.back.size()});
  const auto part = [batch](const auto& all, std::size_t from) {
    return std::span(all).subspan(std::min(from, all.size()),
                                  std::min(batch, all.size() - std::min(from, all.size())));
  };
  // What is gone first: a new file may have its name.
  for (std::size_t from = 0; from < most; from += batch) {
    Database::Work work = [&changes, &part, from, account](Tx& tx) -> Result<void> {
      auto under_way = names_under_way(tx, account);
      if (!under_way) return fail(std::move(under_way.error()));
      Batch rows(tx);
      for (const FileRecord& one : part(changes.gone, from))
        if (auto done = rows.forget(one); !done) return done;
      for (const auto& one : part(changes.changed, from))
        if (auto done = rows.change(one); !done) return done;
      for (const TrashedFile& one : part(changes.back, from))
        if (auto done = rows.bring_back(one); !done) return done;
      for (const FileRecord& one : part(changes.added, from))
        if (auto done = rows.add(one, *under_way); !done) return done;
      return {};
    };
    if (auto done = co_await database_.write(std::move(work)); !done) co_return done;
  }
  if (digests_missing) new_files_.notify();
  log::debug("area of account {}: {} files more, {} changed, {} gone", account.value,
             changes.added.size() + changes.back.size(), changes.changed.size(), changes.gone.size());
  co_return Result<void>();
}

/// Before an area is shown. A small one is looked at each time; of a large one it is known what the kernel
/// told, and the rest is seen a little later.
Task<void> AreasOnDisk::see_changes(AccountId account) {
  if (watch_) watch_->read_now();
  const AreaState& state = states_[account];
  if (state.looked && state.files > options_.limits.scanned_at_list) {
    if (state.dirty) changed_.notify();
    co_return;
  }
  if (auto done = co_await scan(account); !done)
    log::warn("an area is shown as it was known: {}", done.error().message);
}

Task<void> AreasOnDisk::watching() {
  const AreasLimits& limits = options_.limits;
  watch_ =
      std::make_unique<Watch>(loop_, [this](std::optional<AccountId> account) { mark_changed(account); });
  // The watch ends with this task, however that ends.
  struct End {
    std::unique_ptr<Watch>& watch;
    ~End() { watch.reset(); }
  } end{watch_};
  // What was looked at before has no watches.
  mark_changed(std::nullopt);
  std::string told;
  for (;;) {
    auto next = Steady::now() + limits.scan_every;
    for (const AccountId account : all_accounts()) {
      const AreaState state = states_[account];
      const auto pause = std::clamp<Steady::duration>(state.took * limits.scan_pause_factor,
                                                      limits.scan_pause, limits.longest_scan_pause);
      const auto due = !state.looked ? Steady::now()
                       : state.dirty ? state.ended + pause
                                     : state.ended + limits.scan_every;
      if (due > Steady::now()) {
        next = std::min(next, due);
        continue;
      }
      auto done = co_await scan(account);
      if (done) continue;
      states_[account].ended = Steady::now();
      states_[account].looked = true;
      states_[account].dirty = false;
      if (std::exchange(told, done.error().message) != done.error().message)
        log::warn("an area cannot be looked through: {}", told);
    }
    const auto now = Steady::now();
    // Now and then in any case: there may be new accounts.
    if (next > now)
      co_await changed_.wait_for(std::min<Steady::duration>(next - now, options_.limits.housekeeping));
    // Changes come in crowds; one look sees many.
    co_await sleep_for(limits.scan_pause);
  }
}

Task<std::vector<std::string>> AreasOnDisk::look_through() {
  std::vector<std::string> out;
  for (const AccountId account : all_accounts()) {
    auto done = co_await scan(account);
    const std::string of = "area of " + options_.account_name(account) + ": ";
    if (!done) {
      out.push_back(of + "it cannot be looked through: " + done.error().message);
      continue;
    }
    const PassedOver passed = states_[account].passed_over;
    const auto tell = [&](std::size_t count, const std::string& what) {
      if (count > 0) out.push_back(of + std::to_string(count) + " " + what);
    };
    tell(passed.names, "names are not listed, such as " + passed.example_name +
                           ": they are not UTF-8, too long, or have control characters");
    tell(passed.links, "symbolic links are not followed");
    tell(passed.special, "pipes, sockets or devices are not listed");
    tell(passed.mounts, "folders of another file system are not looked into");
    tell(passed.deep, "folders lie too deep and are not looked into");
    tell(passed.shut, "folders may not be read by this user");
    tell(passed.outside_names,
         "files are not listed because they have names (hard links) outside the area too");
    if (passed.too_many)
      out.push_back(of + "it has more than " + std::to_string(options_.limits.files_an_area) +
                    " files; the others are not listed");
  }
  co_return out;
}

}  // namespace restante::files
