// SPDX-License-Identifier: Apache-2.0
#include "notify/sealed.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace restante::notify {
namespace {

namespace json = boost::json;

std::string context_of(const ContactId& id) {
  return "contact:" + id.text();
}

}  // namespace

std::string seal_contact(const jobs::Vault& vault, const Contact& contact) {
  const json::object out{{"address", contact.address}, {"secret", contact.secret}, {"stop", contact.stop}};
  return vault.seal(json::serialize(out), context_of(contact.id));
}

Result<Contact> open_contact(const jobs::Vault& vault, const StoredContact& stored) {
  auto plain = vault.open(stored.sealed, context_of(stored.open.id));
  if (!plain) return fail(std::move(plain.error()));
  boost::system::error_code error;
  const json::value value = json::parse(*plain, error);
  if (error || !value.is_object()) return fail(Reason::storage, "a contact in the store is damaged");
  Contact out = stored.open;
  for (const auto& [key, text] :
       {std::pair{"address", &out.address}, std::pair{"secret", &out.secret}, std::pair{"stop", &out.stop}}) {
    const auto* found = value.get_object().if_contains(key);
    if (found && found->is_string()) *text = found->get_string();
  }
  return out;
}

std::string seal_facts(const jobs::Vault& vault, const NoticeId& id, const Facts& facts) {
  return vault.seal(to_json(facts), "notice:" + id.text());
}

Result<Facts> open_facts(const jobs::Vault& vault, const Notice& notice) {
  auto plain = vault.open(notice.facts, "notice:" + notice.id.text());
  if (!plain) return fail(std::move(plain.error()));
  return facts_from_json(*plain);
}

}  // namespace restante::notify
