// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/crypto.hpp"
#include "base/database.hpp"
#include "notify/message.hpp"

#include <optional>
#include <string>
#include <vector>

namespace restante::notify {

enum class Kind { mail, webhook, ntfy };
std::string_view name(Kind kind);
std::optional<Kind> kind_from_name(std::string_view name);

/// Somewhere to tell a person. In the store `address`, `secret` and `stop` are sealed together.
struct Contact {
  ContactId id;
  AccountId account;
  Kind kind = Kind::mail;
  std::string address;  ///< of mail: local@domain; else a URL
  std::string secret;   ///< of a webhook: its signing key ("whsec_..."); of ntfy: an access token, or empty
  std::string stop;     ///< in the path of the page that ends it; 128 random bits in base64url
  Digest256 code_digest{};  ///< SHA-256 of what confirms it; zeros: there is none
  Instant created{};
  std::optional<Instant> confirmed;
  bool disabled = false;   ///< it is gone (410): told nothing
  std::string last_error;  ///< of the last notice that did not arrive; empty: none
  std::optional<Instant> last_error_at;
};

/// One event for one contact: written in the transaction of what it tells, removed when it was sent or given
/// up.
struct Notice {
  std::int64_t seq = 0;
  NoticeId id;
  AccountId account;
  ContactId contact;
  Event event = Event::test;
  std::optional<JobId> job;
  std::string facts;     ///< sealed JSON of what happened (facts.hpp)
  bool gathers = false;  ///< further events are added to it until it is first sent
  Instant created{};
  int attempts = 0;
  Instant next_try{};
};

/// A contact as it is stored: `sealed` instead of what it holds.
struct StoredContact {
  Contact open;  ///< without address, secret and stop
  std::string sealed;
  int recent = 0;  ///< notices since `recent_since`
  Instant recent_since{};
  std::optional<Instant> quota_told;  ///< when account.quota was told last
};

/// A view over one Tx, implemented by src/store. Errors of every method: storage, disk-full.
class NoticeRecords {
public:
  virtual ~NoticeRecords() = default;

  virtual Result<void> save_contact(const StoredContact& contact) = 0;  ///< inserts or replaces
  virtual Result<void> remove_contact(ContactId id) = 0;                ///< with its notices
  virtual Result<std::optional<StoredContact>> contact(ContactId id) = 0;
  virtual Result<std::vector<StoredContact>> contacts(AccountId account) = 0;  ///< oldest first

  virtual Result<void> add(const Notice& notice) = 0;     ///< `seq` is given by the store
  virtual Result<void> update(const Notice& notice) = 0;  ///< attempts, next_try, gathers and facts
  virtual Result<void> remove(NoticeId id) = 0;
  virtual Result<std::optional<Notice>> find(NoticeId id) = 0;
  virtual Result<std::size_t> count(ContactId contact) = 0;
  /// The one of this contact that gathers.
  virtual Result<std::optional<Notice>> gathering(ContactId contact) = 0;

  /// What is to be sent, soonest first: those due until `now`, at most two of a contact, and the next one
  /// after that.
  struct Due {
    NoticeId id;
    ContactId contact;
    AccountId account;
    Instant at{};
  };
  virtual Result<std::vector<Due>> due(Instant now, int limit) = 0;
  virtual Result<std::optional<Instant>> next_after(Instant now) = 0;
};

}  // namespace restante::notify
