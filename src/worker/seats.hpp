// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ids.hpp"
#include "base/task.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace restante::worker {

/// Connections that may be under way at each content server at once, over all workers. One that a transfer
/// has beside its first gets a seat at once or none; a first one waits for its turn, and the turns go round
/// the accounts. Nobody waits while holding a seat for the same connection, so nobody waits for ever. Control
/// loop.
class Seats {
public:
  /// `most`: at this host.
  Seats(Executor loop, std::function<int(const std::string& host)> most)
      : loop_(std::move(loop)), most_(std::move(most)) {}

  struct Place {
    std::string host;
    std::uint16_t port = 0;
    auto operator<=>(const Place&) const = default;
  };
  struct Who {
    AccountId account;
    std::uint32_t number = 0, part = 0;  ///< of the transfer, and of its connection
  };

  /// A seat for the next hop of this connection; that of its hop before is free from now on. False: there
  /// was none in time, or the transfer has ended.
  Task<bool> take(Who who, Place place, std::chrono::milliseconds patience);
  /// The transfer has ended.
  void leave(std::uint32_t number);

  int taken(const Place& place) const;
  std::size_t waiting() const;

private:
  using Key = std::pair<std::uint32_t, std::uint32_t>;
  struct Waiter {
    Waiter(Executor loop, Key who) : key(who), changed(std::move(loop)) {}
    Key key;
    bool seated = false, over = false;
    Signal changed;
  };
  using WaiterPtr = std::shared_ptr<Waiter>;
  struct Table {
    int taken = 0;
    std::map<AccountId, std::deque<WaiterPtr>> lines;
    AccountId last{};  ///< whose turn it was
  };
  bool has_room(const Place& place, const Table& table) const;
  void sit(Key key, const Place& place);
  void stand_up(Key key);
  void give(const Place& place);

  Executor loop_;
  std::function<int(const std::string& host)> most_;
  std::map<Place, Table> tables_;
  std::map<Key, Place> seated_;
};

}  // namespace restante::worker
