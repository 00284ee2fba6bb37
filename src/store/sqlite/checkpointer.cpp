// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/checkpointer.hpp"

#include "base/log.hpp"

#include <chrono>
#include <sqlite3.h>

namespace restante::store::sqlite {
namespace {

constexpr std::chrono::seconds longest_wait{30};

}  // namespace

void Checkpointer::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return wanted_ || stopping_; });
    if (stopping_) return;
    wanted_ = false;
    lock.unlock();
    round();
    lock.lock();
    ++rounds_;
    changed_.notify_all();
  }
}

void Checkpointer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

void Checkpointer::log_has(int pages) {
  if (pages < soft_pages_) return;
  std::unique_lock lock(mutex_);
  const std::uint64_t before = rounds_;
  wanted_ = true;
  changed_.notify_all();
  if (pages >= hard_pages_)
    changed_.wait_for(lock, longest_wait, [&] { return (rounds_ > before && !wanted_) || stopping_; });
}

void Checkpointer::round() {
  sqlite3* handle = connection_.db().getHandle();
  const int code = sqlite3_wal_checkpoint_v2(handle, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) return;
  const Error error = connection_.translate(SQLite::Exception(handle, code));
  if (refused_for_room(code))
    log::warn("{}; it goes on when there is room", error.message);
  else
    acknowledging_.stop(error);
}

}  // namespace restante::store::sqlite
