// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/database.hpp"
#include "base/task.hpp"
#include "jobs/ports.hpp"
#include "notify/channel.hpp"
#include "notify/outbox.hpp"
#include "notify/sender.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace restante::notify {

struct ContactLimits {
  std::size_t per_account = 10;
  std::size_t unconfirmed_per_account = 3;
  int asked_per_day = 10;  ///< of one account: confirmations that go out
  /// One address is asked to confirm at most so often, by whomever: nobody is flooded through us.
  Seconds asked_again{3600};
  std::size_t addresses_remembered = 10000;
  Seconds code_time{48 * 3600};  ///< a confirmation holds so long; an unconfirmed contact goes then
  int wrong_codes = 5;           ///< then a new one must be asked for
  int tests_per_hour = 60;       ///< of one account
};

struct ServiceLimits {
  OutboxLimits outbox;
  SenderLimits sender;
  ContactLimits contacts;
};

struct ServiceParts {
  Executor loop;
  Database& database;
  const jobs::Vault& vault;
  const Clock& clock;
  std::map<Kind, Channel*> channels;  ///< those that this place has; they outlive the service
};

struct NewContact {
  Kind kind = Kind::mail;
  std::string address;
  std::string secret;   ///< see Contact; empty: made where one is needed
  std::string account;  ///< name, for the message that asks
};

/// What a page shows of a contact to whoever has its secret path.
struct ShownContact {
  Contact contact;
  std::string masked;  ///< "a***@example.net"
};

/// Tells people. Lives on the control loop, but for Witness::written and `tell_in`, which the store calls.
class Service : public jobs::Witness {
public:
  virtual void start() = 0;
  virtual Task<void> stop() = 0;
  /// Where we really listen, if the place has no public_url. Before `start`.
  virtual void listening_on(const std::string& url) = 0;
  virtual const Place& place() const = 0;

  /// In somebody's transaction: told to all confirmed contacts of the account. Call `poke` when it is
  /// durable. Errors: storage, disk-full.
  virtual Result<void> tell_in(Tx& tx, AccountId account, const Facts& facts) = 0;
  virtual void poke() = 0;

  /// Oldest first. Errors: storage.
  virtual Task<Result<std::vector<Contact>>> contacts(AccountId account) = 0;
  /// Writes it down, and asks it to confirm; asks again if it is there unconfirmed. Errors: invalid,
  /// cap-denied (this place does not tell so), busy (too many contacts), rate-limited.
  virtual Task<Result<Contact>> add(AccountId account, NewContact contact) = 0;
  virtual Task<Result<void>> remove(AccountId account, ContactId id) = 0;  ///< not-found
  /// A test message; to a contact that is not confirmed, the question again. Errors: not-found, rate-limited.
  virtual Task<Result<void>> test(AccountId account, ContactId id) = 0;
  /// Another signing key for a webhook; the one before signs as well for a day. The contact has it alone.
  /// Errors: not-found, conflict (it is no webhook).
  virtual Task<Result<Contact>> change_key(AccountId account, ContactId id) = 0;
  /// By the number that was told in the topic. Errors: not-found, invalid (wrong, or too late), rate-limited.
  virtual Task<Result<Contact>> confirm(AccountId account, ContactId id, std::string code) = 0;

  /// Pages of mails. Errors: not-found (unknown, used, over), told alike.
  enum class Page { confirm, stop };
  virtual Task<Result<ShownContact>> look(Page page, std::string token) = 0;
  /// Confirms or removes the contact.
  virtual Task<Result<ShownContact>> act(Page page, std::string token) = 0;
};

std::unique_ptr<Service> make_service(ServiceParts parts, Place place, ServiceLimits limits = {});

}  // namespace restante::notify
