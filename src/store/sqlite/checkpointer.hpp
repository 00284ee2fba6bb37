// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/sqlite/connection.hpp"
#include "store/sqlite/writer.hpp"

#include <condition_variable>
#include <mutex>

namespace restante::store::sqlite {

/// Moves the write-ahead log into the database file beside the writer, so that no commit waits for it. `run`
/// lives on a thread of its own with a connection of its own.
class Checkpointer {
public:
  Checkpointer(Connection& connection, Acknowledging& acknowledging, int soft_pages, int hard_pages)
      : connection_(connection),
        acknowledging_(acknowledging),
        soft_pages_(soft_pages),
        hard_pages_(hard_pages) {}

  void run();
  void stop();
  /// Told by the writer after each commit: the length of the log. Beyond `hard_pages` it waits here for one
  /// round, so that the log stays bounded.
  void log_has(int pages);

private:
  void round();

  Connection& connection_;
  Acknowledging& acknowledging_;
  const int soft_pages_, hard_pages_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false, stopping_ = false;
  std::uint64_t rounds_ = 0;
};

}  // namespace restante::store::sqlite
