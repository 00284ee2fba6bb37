// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"
#include "intake/mailbox.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <set>
#include <string>

namespace restante::intake {

struct DropLimits {
  std::chrono::seconds settles{2};        ///< a file that nobody was seen to close is whole after so long
  std::size_t refused_kept = 1000;        ///< files in refused/; beyond it the oldest go
  std::size_t entries_looked_at = 10000;  ///< of the folder, a round
};

/// A folder for requests: what people copy there from a stick or a share, and programs write. Accepted files
/// are removed; refused ones are set aside in refused/ with the reason beside them. Names that begin with a
/// dot or end in .part, folders, links, pipes and devices are left alone.
class DropFolder final : public Mailbox {
public:
  /// Makes the folder (0700) where it is missing. Blocking. Errors: storage.
  static Result<std::unique_ptr<DropFolder>> open(std::string path, Executor loop, DropLimits limits = {});

  std::string_view name() const override { return "drop folder"; }
  Channel channel() const override { return Channel::drop_folder; }
  bool may_be_unfinished() const override { return false; }
  Result<std::vector<Letter>> list(std::size_t most) override;
  Result<std::string> fetch(const Letter& letter, std::size_t most_bytes) override;
  Result<void> settle(const Letter& letter, Fate fate, const Error& why) override;

  /// Until a file has been closed or moved here (inotify(7)), or one may have become whole, or so long. On
  /// the loop.
  Task<void> wait(std::chrono::steady_clock::duration longest);

private:
  DropFolder(std::string path, UniqueFd folder, UniqueFd events, Executor loop, DropLimits limits);
  void read_events();
  Result<UniqueFd> open_same(const Letter& letter) const;
  Result<void> set_aside(const Letter& letter, const Error& why) const;
  void forget_old() const;

  std::string path_;
  UniqueFd folder_;
  asio::posix::stream_descriptor events_;
  asio::steady_timer timer_;
  DropLimits limits_;
  std::set<std::string> closed_;  ///< names of files that were seen to be finished
  bool some_unfinished_ = false;  ///< of the last look
};

}  // namespace restante::intake
