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

  /// The folder in which requests may be laid, too. Blocking; before start. Error storage.
  Result<void> open_drop_folder(const std::string& path, Executor loop);
  void start(TaskGroup& group);
  /// What is under way ends soon; before the group is stopped.
  void stop() { stop_ = true; }
  api::Condition::Mail condition() const;

private:
  std::atomic<bool> stop_{false};
  asio::thread_pool pool_{3};  ///< one for each mailbox, and the drop folder
  intake::Receiver& receiver_;
  TellRefused tell_refused_;
  std::vector<std::unique_ptr<intake::MailboxPuller>> pullers_;
  std::unique_ptr<intake::MailboxPuller> drop_folder_;
};

}  // namespace restante::daemon
