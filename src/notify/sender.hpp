// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/database.hpp"
#include "base/task.hpp"
#include "jobs/records.hpp"
#include "notify/channel.hpp"
#include "notify/facts.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>

namespace restante::notify {

struct SenderLimits {
  int at_once = 32;             ///< notices on their way
  int at_once_per_host = 2;     ///< so that a host that answers nobody holds up only itself
  int at_once_per_account = 4;  ///< nor may hosts of one person hold up everybody
  int looked_at = 1000;         ///< due notices that are chosen from
  Millis looks_every{60'000};
  Seconds longest_retry_after{86400};
  Millis room_asked_again{5000};  ///< when what became of a notice cannot be stored
  std::size_t message_bytes = 300;
};

/// How long after attempt `attempt` (1 is the first) the next one comes, without jitter; none: it is given
/// up.
std::optional<Millis> retry_delay(int attempt);

/// Sends what the outbox holds: claims a notice (stored before anything is sent), sends it, and removes it
/// once the other side has taken it over. A crash in between costs a copy, never a notice. Control loop.
class Sender {
public:
  using Channels = std::map<Kind, Channel*>;
  Sender(Executor loop, Database& database, const jobs::Vault& vault, const Clock& clock, Channels channels,
         std::function<Place()> place, SenderLimits limits);

  void start();
  Task<void> stop();
  void poke();  ///< there may be something to send

private:
  struct Ready {
    Notice notice;
    Contact contact;
  };

  Task<void> run();
  Task<std::optional<Instant>> look();
  Task<void> begin(std::vector<NoticeRecords::Due> due);
  Task<void> send(Ready ready, std::string host);
  Task<bool> claim(const Ready& ready);
  Task<Delivery> deliver(const Ready& ready);
  Task<void> settle(Ready ready, Delivery delivery);

  Executor loop_;
  Database& database_;
  const jobs::Vault& vault_;
  const Clock& clock_;
  Channels channels_;
  std::function<Place()> place_;
  SenderLimits limits_;
  std::set<NoticeId> under_way_;
  std::map<std::string, int> busy_;  ///< notices under way, of each host
  std::map<AccountId, int> busy_accounts_;
  Signal news_;
  TaskGroup tasks_;
};

}  // namespace restante::notify
