// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/api.hpp"
#include "config.hpp"
#include "intake/mailbox.hpp"

#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace restante::daemon {

/// What [mailbox] says, with the passwords out of their files.
struct MailboxPlan {
  std::optional<net::ImapFolder> imap;
  std::optional<net::DavFolder> webdav;
  bool keep_done = false;
  Seconds interval{60};
  std::vector<api::MailboxAddress> told;  ///< to devices
};

/// Error storage: a file cannot be read, or others may read a password.
Result<MailboxPlan> mailbox_plan(const MailboxConfig& config);

/// Whether each of them can be asked; nothing is changed. Blocking.
Result<void> try_mailboxes(const MailboxPlan& plan);

/// The mailboxes that this place asks for requests. On the control loop.
class Mailboxes {
public:
  using TellRefused = std::function<void(const accounts::Principal& sender, const Error& why)>;
  Mailboxes(const MailboxPlan& plan, intake::Receiver& receiver, const TellRefused& tell_refused);

  void start(TaskGroup& group);
  /// What is under way ends soon; before the group is stopped.
  void stop() { stop_ = true; }
  api::Condition::Mail condition() const;

private:
  std::atomic<bool> stop_{false};
  asio::thread_pool pool_{2};  ///< one for each mailbox
  std::vector<std::unique_ptr<intake::MailboxPuller>> pullers_;
};

}  // namespace restante::daemon
