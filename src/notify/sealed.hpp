// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/records.hpp"
#include "notify/facts.hpp"
#include "notify/records.hpp"

namespace restante::notify {

/// What of a contact nobody may read in a stolen store: address, secret and stop.
std::string seal_contact(const jobs::Vault& vault, const Contact& contact);
/// All of it. Error storage.
Result<Contact> open_contact(const jobs::Vault& vault, const StoredContact& stored);

std::string seal_facts(const jobs::Vault& vault, const NoticeId& id, const Facts& facts);
Result<Facts> open_facts(const jobs::Vault& vault, const Notice& notice);  ///< error storage

template <class Id>
Id random_id() {
  Id id;
  random_bytes(id.bytes.data(), id.bytes.size());
  return id;
}

}  // namespace restante::notify
