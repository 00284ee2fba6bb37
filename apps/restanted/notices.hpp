// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config.hpp"
#include "house.hpp"
#include "notify/mail.hpp"
#include "notify/requests.hpp"
#include "notify/service.hpp"
#include "notify/web_channel.hpp"

#include <boost/asio/thread_pool.hpp>

#include <map>
#include <memory>

namespace restante::daemon {

/// What `[mail]` says, as the mail client takes it; the password is read from its file. An empty URL: no
/// mail. Error storage: the password's file cannot be read, or others may read it.
Result<notify::MailOptions> mail_options(const Config& config);

/// The first line of a file that only its owner may read. Error storage; `where` names its key for the hint.
Result<std::string> password_in(const std::string& path, std::string_view where = "[mail] password_file");

/// Telling people: the service and its channels. Made before the downloads, stopped after them.
class Notices {
public:
  Notices(House& house, const Config& config, notify::MailOptions mail, notify::Requests& requests,
          const jobs::AccountRules& rules);

  notify::Service& service() { return *service_; }
  const notify::MailChannel& mail() const { return mail_; }
  Task<void> stop();
  /// A request of this account came by itself and was refused; at most a few times an hour. Control loop.
  Task<void> tell_refused(AccountId account, Error why);
  /// What tells a guest, in the transaction that remembers it, when everything is erased.
  Database::Work tell_of_end(const accounts::Account& account, Seconds grace);

private:
  struct Told {
    Instant since{};
    int count = 0;
  };
  const Clock& clock_;
  Database& database_;
  std::map<AccountId, Told> refusals_;  ///< one for each account at most
  asio::thread_pool mail_pool_{2};
  notify::MailChannel mail_;
  notify::WebhookChannel webhook_;
  notify::NtfyChannel ntfy_;
  std::unique_ptr<notify::Service> service_;
};

}  // namespace restante::daemon
