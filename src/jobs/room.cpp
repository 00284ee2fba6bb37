// SPDX-License-Identifier: Apache-2.0
#include "jobs/room.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "jobs/run.hpp"

#include <algorithm>
#include <set>

namespace restante::jobs {
namespace {

constexpr std::uint64_t fewest_shares = 4;
/// Where so many may run at once, quarters of what is left would soon leave nothing.
constexpr std::uint64_t crowd = 32;

}  // namespace

Grant grant(const Room& room, AccountId account, const std::vector<Promise>& promised,
            std::optional<std::uint64_t> need, bool all, std::uint64_t shares) {
  std::uint64_t volume = room.volume_bytes;
  std::optional<std::uint64_t> quota = room.quota_bytes;
  for (const Promise& other : promised) {
    volume -= std::min(volume, other.bytes);
    if (quota && other.account == account) *quota -= std::min(*quota, other.bytes);
  }
  Grant out;
  out.left_bytes = std::min(volume, quota.value_or(volume));
  out.reason = quota && *quota < volume ? Reason::quota : Reason::disk_full;
  if (need) {
    out.enough = *need <= out.left_bytes;
    out.bytes = all ? out.left_bytes : std::min(*need, out.left_bytes);
  } else {
    const std::uint64_t equal = out.left_bytes / std::max(shares, fewest_shares);
    const std::uint64_t share = std::max(std::min(out.left_bytes, least_share_bytes), equal);
    out.enough = out.left_bytes > 0;
    out.bytes = all ? out.left_bytes : share;
  }
  if (room.over_quota_bytes > 0) {
    out.enough = false;
    out.reason = Reason::quota;
  }
  if (!room.traffic_used_up.empty()) {
    out.enough = false;
    out.reason = Reason::quota;
    out.words = room.traffic_used_up;
  }
  out.all = out.bytes == out.left_bytes;
  return out;
}

namespace {

Error no_room(Reason reason, std::string message) {
  Error error = fail(reason, std::move(message)).value();
  error.transient = true;
  return error;
}

}  // namespace

std::uint64_t Runner::unwritten(const Run& run) {
  return run.promised_end - std::min(run.promised_end, std::max(run.begun_bytes, run.live.received_bytes));
}

Task<Result<Grant>> Runner::left_for(AccountId account, Wish wish, std::shared_ptr<Run> run) {
  auto granted = co_await left_now(account, wish, run);
  if (!granted || !granted->words.empty()) co_return granted;
  // What has no known size may be as long again as it is.
  const std::uint64_t wanted = wish.need.value_or(std::max(least_share_bytes, 2 * wish.begun_bytes));
  Lack lack{granted->reason, granted->over_bytes + wanted - std::min(wanted, granted->left_bytes)};
  if (lack.bytes == 0) co_return granted;
  if (!co_await context_.shelf.free_room(account, lack)) co_return granted;
  co_return co_await left_now(account, wish, run);
}

Task<Result<Grant>> Runner::left_now(AccountId account, Wish wish, std::shared_ptr<Run> run) {
  // What others write while the disk is asked counts as unwritten still: rather too little than too much.
  struct Before {
    std::uint64_t number = 0;
    Promise promise;
  };
  std::map<JobId, Before> before;
  for (const auto& [id, other] : runs_)
    if (other != run && other->promised_end > 0)
      before[id] = Before{other->promise_number, {other->job.account, unwritten(*other)}};
  auto room = co_await context_.shelf.room(account);
  if (!room) co_return fail(std::move(room.error()));
  std::vector<Promise> promised;
  for (const auto& [id, one] : before) promised.push_back(one.promise);
  for (const auto& [id, other] : runs_) {
    const auto known = before.find(id);
    const bool same = known != before.end() && known->second.number == other->promise_number;
    if (other == run || same || other->promised_end == 0) continue;
    promised.push_back(
        {other->job.account, other->promised_end - std::min(other->promised_end, other->begun_bytes)});
  }
  // What is half here may be completed, whatever the month's traffic.
  if (wish.begun_bytes > 0) room->traffic_used_up.clear();
  const auto running = static_cast<std::uint64_t>(std::max(1, context_.limits.running_at_once));
  const std::uint64_t others = std::min<std::uint64_t>(running, promised.size());
  const std::uint64_t shares = running > crowd ? running - others : fewest_shares;
  Grant out = grant(*room, account, promised, wish.need, wish.all, shares);
  out.over_bytes = room->over_quota_bytes;
  if (run && out.enough) {
    run->promised_end = run->begun_bytes + out.bytes;
    run->promise_number = ++promises_made_;
  }
  co_return out;
}

Task<Result<Grant>> Runner::make_room(std::shared_ptr<Run> run, std::optional<std::uint64_t> size) {
  const FileRow& row = run->row;
  std::optional<std::uint64_t> need = size ? size : row.size_bytes;
  if (!need && run->job.file_count == 1 && run->job.probe) need = run->job.probe->size_bytes;
  if (need) *need -= std::min(*need, run->begun_bytes);
  // What cannot be gone on with begins anew; how far it came says how long it is at least.
  const std::uint64_t came = std::max(run->begun_bytes, run->old ? run->old->size_bytes : 0);
  const Wish wish{need, run->wants_all, came};
  auto granted = co_await left_for(run->job.account, wish, run);
  if (granted && !granted->enough && run->old) {
    // It was kept until the new one is longer, but there is no room for both.
    co_await discard_generation(run->job.account, run->job.id, row.index, run->old->generation);
    run->old.reset();
    run->row.old.reset();
    granted = co_await left_for(run->job.account, wish, run);
  }
  if (!granted) co_return granted;
  if (!granted->words.empty()) co_return fail(no_room(granted->reason, granted->words));
  if (!granted->enough)
    co_return fail(no_room(granted->reason, std::string(info(granted->reason).words) + ": it needs " +
                                                human_size(need.value_or(1)) + " more where " +
                                                human_size(granted->left_bytes) + " are left"));
  co_return granted;
}

Task<std::uint64_t> Runner::to_be_cut(AccountId account, std::uint64_t written_bytes) {
  auto room = co_await context_.shelf.room(account);
  co_return room ? std::min(room->missing_bytes, written_bytes) : 0;
}

Task<bool> Runner::has_room(Job job) {
  auto document = proxy::parse(job.document);
  std::function<Result<std::vector<FileRow>>(Tx&)> read = [&](Tx& tx) {
    return tx.repo<JobRecords>().files(job.id);
  };
  auto rows = co_await context_.database.read_value<std::vector<FileRow>>(std::move(read));
  if (!document || !rows) co_return true;
  std::set<int> over;
  FileRow next;
  for (const FileRow& row : *rows)
    if (row.state == FileState::done || row.state == FileState::failed) over.insert(row.index);
  while (over.contains(next.index)) ++next.index;
  for (const FileRow& row : *rows)
    if (row.index == next.index) next = row;
  std::optional<std::uint64_t> need = next.size_bytes;
  if (next.index < static_cast<int>(document->files.size()))
    if (const auto size = terms_of(*document, next.index).size_bytes) need = size;
  if (need) *need -= std::min(*need, next.checkpoint.held_bytes());
  // Of what has no known size, so much at least has to be worth another request.
  const Wish wish{need.value_or(least_share_bytes), false, next.checkpoint.held_bytes()};
  auto left = co_await left_for(job.account, wish, nullptr);
  co_return !left || left->enough;
}

void Runner::watch_room() {
  if (watching_room_ || Steady::now() - room_seen_at_ < context_.limits.room_seen_every) return;
  watching_room_ = true;
  tasks_.spawn(see_room());
}

Task<void> Runner::see_room() {
  std::set<AccountId> accounts;
  for (const auto& [id, run] : runs_)
    if (run->promised_end > 0) accounts.insert(run->job.account);
  for (const AccountId account : accounts) {
    auto room = co_await context_.shelf.room(account);
    if (!room) continue;
    for (const auto& [id, run] : runs_) {
      const bool full = room->volume_bytes == 0;
      const bool used_up = run->job.account == account && room->quota_bytes && *room->quota_bytes == 0;
      if ((!full && !used_up) || run->broke || unwritten(*run) == 0) continue;
      const Reason reason = full ? Reason::disk_full : Reason::quota;
      run->broke = no_room(reason, std::string(info(reason).words));
      run->stop.request_stop();
    }
  }
  room_seen_at_ = Steady::now();
  watching_room_ = false;
}

}  // namespace restante::jobs
