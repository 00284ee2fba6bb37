// SPDX-License-Identifier: Apache-2.0
#include "notify/service.hpp"

#include "base/text.hpp"
#include "notify/asking.hpp"
#include "notify/mail.hpp"
#include "notify/sealed.hpp"
#include "notify/signing.hpp"

#include <algorithm>

namespace restante::notify {
namespace {

constexpr std::size_t secret_bytes = 16;

std::string new_secret() {
  return to_base64url(random_string(secret_bytes));
}

/// Eight digits: read by a person, typed by a person.
std::string new_number() {
  std::uint64_t value = 0;
  random_bytes(&value, sizeof value);
  std::string digits = std::to_string(value % 100'000'000);
  return std::string(8 - digits.size(), '0') + digits;
}

std::string masked(const std::string& address) {
  const auto at = address.find('@');
  if (at == std::string::npos) return address;
  return address.substr(0, 1) + "***" + address.substr(at);
}

Error no_contact() {
  return fail(Reason::not_found, "there is no such contact here").value();
}

class ServiceImpl final : public Service {
public:
  ServiceImpl(ServiceParts parts, Place place, ServiceLimits limits)
      : parts_(std::move(parts)),
        place_(std::move(place)),
        limits_(limits),
        outbox_(parts_.vault, parts_.clock, limits.outbox),
        asking_(limits_.contacts),
        sender_(
            parts_.loop, parts_.database, parts_.vault, parts_.clock, parts_.channels,
            [this] { return place_; }, limits.sender) {}

  void start() override { sender_.start(); }
  Task<void> stop() override { co_await sender_.stop(); }
  void listening_on(const std::string& url) override {
    if (place_.public_url.empty()) place_.public_url = url;
  }

  const Place& place() const override { return place_; }

  Result<void> written(Tx& tx, const jobs::Job& job, const jobs::HistoryRow& row) override {
    return outbox_.job_changed(tx, job, row);
  }
  void told(const jobs::Job&, const jobs::HistoryRow&) override { sender_.poke(); }
  Result<void> tell_in(Tx& tx, AccountId account, const Facts& facts) override {
    return outbox_.tell(tx, account, facts);
  }
  void poke() override { sender_.poke(); }

  Task<Result<std::vector<Contact>>> contacts(AccountId account) override {
    std::function<Result<std::vector<Contact>>(Tx&)> work = [this, account](Tx& tx) {
      return all_of(tx, account);
    };
    co_return co_await parts_.database.read_value<std::vector<Contact>>(std::move(work));
  }

  Task<Result<Contact>> add(AccountId account, NewContact wanted) override {
    Contact contact;
    contact.id = random_id<ContactId>();
    contact.account = account;
    contact.kind = wanted.kind;
    contact.address = std::move(wanted.address);
    contact.secret = std::move(wanted.secret);
    contact.stop = new_secret();
    const auto channel = parts_.channels.find(contact.kind);
    if (channel == parts_.channels.end())
      co_return fail(Reason::cap_denied, "this place does not tell people in this way");
    if (auto fits = channel->second->check(contact); !fits) co_return fail(std::move(fits.error()));
    const Instant now = parts_.clock.now();
    std::function<Result<Contact>(Tx&)> work = [this, &contact, &wanted, now](Tx& tx) {
      return add_in(tx, contact, wanted.account, now);
    };
    auto added = co_await parts_.database.write_value<Contact>(std::move(work));
    sender_.poke();
    co_return added;
  }

  Task<Result<void>> remove(AccountId account, ContactId id) override {
    Database::Work work = [this, account, id](Tx& tx) -> Result<void> {
      auto found = one_of(tx, account, id);
      if (!found) return fail(std::move(found.error()));
      return tx.repo<NoticeRecords>().remove_contact(id);
    };
    co_return co_await parts_.database.write(std::move(work));
  }

  Task<Result<void>> test(AccountId account, ContactId id) override {
    const Instant now = parts_.clock.now();
    if (!asking_.may_test(account, now))
      co_return fail(Reason::rate_limited, "so many test messages are enough for now",
                     "try again in an hour");
    Database::Work work = [this, account, id, now](Tx& tx) -> Result<void> {
      auto found = one_of(tx, account, id);
      if (!found) return fail(std::move(found.error()));
      auto contact = open_contact(parts_.vault, *found);
      if (!contact) return fail(std::move(contact.error()));
      if (!contact->confirmed)
        return fail(Reason::conflict, "this contact is not confirmed yet",
                    "follow the link (or enter the number) that was sent to it");
      // A person asks for it: whatever made it be left out before is looked at again.
      found->open.disabled = false;
      if (auto saved = tx.repo<NoticeRecords>().save_contact(*found); !saved) return saved;
      Facts facts;
      facts.at = now;
      auto told = outbox_.tell_contact(tx, *contact, facts, now);
      if (!told) return fail(std::move(told.error()));
      return {};
    };
    auto done = co_await parts_.database.write(std::move(work));
    sender_.poke();
    co_return done;
  }

  Task<Result<Contact>> change_key(AccountId account, ContactId id) override {
    const Instant now = parts_.clock.now();
    std::function<Result<Contact>(Tx&)> work = [this, account, id, now](Tx& tx) -> Result<Contact> {
      auto found = one_of(tx, account, id);
      if (!found) return fail(std::move(found.error()));
      auto contact = open_contact(parts_.vault, *found);
      if (!contact) return contact;
      if (contact->kind != Kind::webhook)
        return fail(Reason::conflict, "only a webhook has a signing key",
                    "remove the contact and add it again");
      const std::string fresh = new_webhook_secret();
      contact->secret = change_webhook_secret(contact->secret, fresh, now);
      found->sealed = seal_contact(parts_.vault, *contact);
      auto saved = tx.repo<NoticeRecords>().save_contact(*found);
      if (!saved) return fail(std::move(saved.error()));
      contact->secret = fresh;
      return contact;
    };
    co_return co_await parts_.database.write_value<Contact>(std::move(work));
  }

  Task<Result<Contact>> confirm(AccountId account, ContactId id, std::string code) override {
    const Instant now = parts_.clock.now();
    if (!asking_.may_guess(id))
      co_return fail(Reason::rate_limited, "too many wrong numbers",
                     "remove the contact and add it again: it gets a new number");
    std::function<Result<Contact>(Tx&)> work = [this, account, id, &code, now](Tx& tx) -> Result<Contact> {
      auto found = one_of(tx, account, id);
      if (!found) return fail(std::move(found.error()));
      return confirm_in(tx, std::move(*found), code, now);
    };
    auto done = co_await parts_.database.write_value<Contact>(std::move(work));
    if (!done && done.error().reason == Reason::invalid) asking_.guessed_wrong(id);
    co_return done;
  }

  Task<Result<ShownContact>> look(Page page, std::string token) override {
    std::function<Result<ShownContact>(Tx&)> work = [this, page, &token](Tx& tx) {
      return behind(tx, page, token);
    };
    co_return co_await parts_.database.read_value<ShownContact>(std::move(work));
  }

  Task<Result<ShownContact>> act(Page page, std::string token) override {
    const Instant now = parts_.clock.now();
    std::function<Result<ShownContact>(Tx&)> work = [this, page, &token,
                                                     now](Tx& tx) -> Result<ShownContact> {
      auto shown = behind(tx, page, token);
      if (!shown) return shown;
      auto& records = tx.repo<NoticeRecords>();
      auto stored = records.contact(shown->contact.id);
      if (!stored) return fail(std::move(stored.error()));
      if (page == Page::stop) {
        auto removed = records.remove_contact(shown->contact.id);
        if (!removed) return fail(std::move(removed.error()));
      } else if (!shown->contact.confirmed) {
        auto confirmed = confirm_in(tx, std::move(**stored), page_token_from(token)->secret, now);
        if (!confirmed) return fail(no_contact());
      }
      return shown;
    };
    co_return co_await parts_.database.write_value<ShownContact>(std::move(work));
  }

private:
  Result<std::vector<Contact>> all_of(Tx& tx, AccountId account) {
    auto stored = tx.repo<NoticeRecords>().contacts(account);
    if (!stored) return fail(std::move(stored.error()));
    std::vector<Contact> out;
    for (const auto& one : *stored) {
      auto contact = open_contact(parts_.vault, one);
      if (!contact) return fail(std::move(contact.error()));
      out.push_back(std::move(*contact));
    }
    return out;
  }

  Result<StoredContact> one_of(Tx& tx, AccountId account, ContactId id) {
    auto found = tx.repo<NoticeRecords>().contact(id);
    if (!found) return fail(std::move(found.error()));
    if (!*found || (*found)->open.account != account) return fail(no_contact());
    return std::move(**found);
  }

  Result<Contact> add_in(Tx& tx, Contact contact, const std::string& account_name, Instant now) {
    auto& records = tx.repo<NoticeRecords>();
    auto known = all_of(tx, contact.account);
    if (!known) return fail(std::move(known.error()));
    std::size_t count = 0, unconfirmed = 0;
    for (auto& one : *known) {
      if (one.kind == contact.kind && iequals(one.address, contact.address)) {
        if (one.confirmed && !one.disabled) {
          one.secret.clear();  // it was shown once
          return std::move(one);
        }
        // What was asked within the last hour still counts: another question would not go out before.
        if (!one.confirmed && one.code_digest != Digest256{} &&
            now < one.created + limits_.contacts.asked_again) {
          one.secret.clear();
          return std::move(one);
        }
        contact.id = one.id;  // asked again
        contact.stop = one.stop;
        contact.confirmed = one.confirmed;
        if (!one.secret.empty()) contact.secret = one.secret;
        continue;
      }
      ++count;
      if (one.confirmed) continue;
      if (one.created + limits_.contacts.code_time < now) {
        if (auto removed = records.remove_contact(one.id); !removed) return fail(std::move(removed.error()));
        --count;
        continue;
      }
      ++unconfirmed;
    }
    if (count >= limits_.contacts.per_account)
      return fail(Reason::conflict, "there are as many contacts as there may be", "remove one first");
    if (unconfirmed >= limits_.contacts.unconfirmed_per_account)
      return fail(Reason::rate_limited, "too many contacts wait to be confirmed",
                  "confirm or remove one first");
    if (!asking_.may_ask(contact.account, now))
      return fail(Reason::rate_limited, "so many contacts were added today that it is enough",
                  "try again tomorrow");
    // Whether somebody else asked this address a moment ago is nobody's business: it is asked later,
    // silently.
    const Instant at = asking_.asks(contact.kind, contact.address, now);
    contact.created = now;
    Facts facts;
    facts.event = Event::contact_confirm;
    facts.at = now;
    facts.account = account_name;
    facts.code = contact.kind == Kind::ntfy ? new_number() : new_secret();
    contact.code_digest = sha256(facts.code);
    StoredContact stored;
    stored.open = contact;
    stored.sealed = seal_contact(parts_.vault, contact);
    if (auto saved = records.save_contact(stored); !saved) return fail(std::move(saved.error()));
    auto asked = outbox_.tell_contact(tx, contact, facts, at);
    if (!asked) return fail(std::move(asked.error()));
    return contact;
  }

  Result<Contact> confirm_in(Tx& tx, StoredContact stored, const std::string& code, Instant now) {
    auto& open = stored.open;
    const Digest256 digest = sha256(code);
    const auto text = [](const Digest256& from) {
      return std::string_view(reinterpret_cast<const char*>(from.data()), from.size());
    };
    const bool right = open.code_digest != Digest256{} && open.kind != Kind::webhook &&
                       equal_in_constant_time(text(digest), text(open.code_digest));
    if (!right || now > open.created + limits_.contacts.code_time)
      return fail(Reason::invalid, "this is not the code that was sent, or it is over",
                  "add the contact again: it is sent another one");
    open.code_digest = {};
    open.confirmed = now;
    open.disabled = false;
    if (auto saved = tx.repo<NoticeRecords>().save_contact(stored); !saved)
      return fail(std::move(saved.error()));
    return open_contact(parts_.vault, stored);
  }

  Result<ShownContact> behind(Tx& tx, Page page, const std::string& token) {
    const auto parsed = page_token_from(token);
    if (!parsed) return fail(no_contact());
    auto stored = tx.repo<NoticeRecords>().contact(parsed->contact);
    if (!stored) return fail(std::move(stored.error()));
    if (!*stored) return fail(no_contact());
    auto contact = open_contact(parts_.vault, **stored);
    if (!contact) return fail(std::move(contact.error()));
    bool right = equal_in_constant_time(parsed->secret, contact->stop);
    if (page == Page::confirm) {
      const bool in_time = parts_.clock.now() <= contact->created + limits_.contacts.code_time;
      right = contact->kind == Kind::mail && in_time && contact->code_digest == sha256(parsed->secret);
    }
    if (!right) return fail(no_contact());
    std::string shown = masked(contact->address);
    return ShownContact{std::move(*contact), std::move(shown)};
  }

  ServiceParts parts_;
  Place place_;
  ServiceLimits limits_;
  Outbox outbox_;
  Asking asking_;
  Sender sender_;
};

}  // namespace

std::unique_ptr<Service> make_service(ServiceParts parts, Place place, ServiceLimits limits) {
  return std::make_unique<ServiceImpl>(std::move(parts), std::move(place), limits);
}

}  // namespace restante::notify
