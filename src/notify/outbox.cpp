// SPDX-License-Identifier: Apache-2.0
#include "notify/outbox.hpp"

#include "base/unicode.hpp"
#include "files/links.hpp"
#include "notify/sealed.hpp"

#include <algorithm>

namespace restante::notify {
namespace {

using jobs::State;

std::optional<Event> event_of(const jobs::Job& job, const jobs::HistoryRow& row) {
  if (row.cause == "late") return Event::job_late;
  const bool entered = row.from != row.to;
  if (entered && row.to == State::done) return Event::job_done;
  if (entered && row.to == State::failed) return Event::job_failed;
  if (entered && row.to == State::expired) return Event::job_late;
  if (entered && row.to == State::held) return Event::job_needs_you;
  if (row.to == State::waiting && job.waiting_for == jobs::WaitingFor::quota && job.reason == Reason::quota)
    return Event::account_quota;
  return std::nullopt;
}

std::vector<StoredContact> told_of(std::vector<StoredContact> contacts) {
  std::erase_if(contacts, [](const auto& one) { return !one.open.confirmed || one.open.disabled; });
  return contacts;
}

std::string cut(std::string_view text, std::size_t most) {
  return std::string(whole_characters(text, most));
}

}  // namespace

Result<Facts> Outbox::facts_of(Tx& tx, const jobs::Job& job, const jobs::HistoryRow& row, Event event,
                               WithLinks links) const {
  Facts facts;
  facts.event = event;
  facts.at = row.at;
  facts.job = job.id;
  facts.job_name = cut(job.name, limits_.text_bytes);
  facts.state = name(row.to);
  facts.reason = row.reason ? row.reason : job.reason;
  facts.file_count = job.file_count;
  if (event != Event::job_done) {
    facts.detail = cut(job.message, limits_.text_bytes);
    return facts;
  }
  facts.reason.reset();
  auto rows = tx.repo<jobs::JobRecords>().files(job.id);
  if (!rows) return fail(std::move(rows.error()));
  for (const auto& file : *rows) {
    if (!file.published || facts.files.size() == limits_.files_told) continue;
    FileFact fact{cut(file.name, limits_.text_bytes), file.size_bytes, file.verified, {}};
    facts.files.push_back(std::move(fact));
    if (links == WithLinks::no) continue;
    files::NewLink link{job.account, {file.published, {}}, {}, files::new_link_token(), row.at};
    auto made = files::Links::create_in(tx, link);
    if (made)
      facts.files.back().link_token = link.token;
    else if (made.error().reason == Reason::storage || made.error().reason == Reason::disk_full)
      return fail(std::move(made.error()));
  }
  return facts;
}

Result<void> Outbox::job_changed(Tx& tx, const jobs::Job& job, const jobs::HistoryRow& row) const {
  const auto event = event_of(job, row);
  if (!event) return {};
  auto contacts = tx.repo<NoticeRecords>().contacts(job.account);
  if (!contacts) return fail(std::move(contacts.error()));
  auto told = told_of(std::move(*contacts));
  if (told.empty()) return {};
  const Instant now = clock_.now();
  const bool links = std::any_of(told.begin(), told.end(), [&](const auto& one) {
    return one.recent < limits_.burst || now >= one.recent_since + limits_.burst_time;
  });
  auto facts = facts_of(tx, job, row, *event, links ? WithLinks::yes : WithLinks::no);
  if (!facts) return fail(std::move(facts.error()));
  for (auto& contact : told)
    if (auto done = tell_stored(tx, std::move(contact), *facts); !done) return done;
  return {};
}

Result<void> Outbox::tell(Tx& tx, AccountId account, const Facts& facts) const {
  auto contacts = tx.repo<NoticeRecords>().contacts(account);
  if (!contacts) return fail(std::move(contacts.error()));
  for (auto& contact : told_of(std::move(*contacts)))
    if (auto done = tell_stored(tx, std::move(contact), facts); !done) return done;
  return {};
}

Result<NoticeId> Outbox::tell_contact(Tx& tx, const Contact& contact, const Facts& facts, Instant at) const {
  Notice notice;
  notice.id = random_id<NoticeId>();
  notice.account = contact.account;
  notice.contact = contact.id;
  notice.event = facts.event;
  notice.job = facts.job;
  notice.facts = seal_facts(vault_, notice.id, facts);
  notice.created = facts.at;
  notice.next_try = at;
  if (auto added = tx.repo<NoticeRecords>().add(notice); !added) return fail(std::move(added.error()));
  return notice.id;
}

Result<void> Outbox::tell_stored(Tx& tx, StoredContact contact, const Facts& facts) const {
  auto& records = tx.repo<NoticeRecords>();
  const Instant now = clock_.now();
  if (facts.event == Event::account_quota) {
    if (contact.quota_told && now < *contact.quota_told + limits_.quota_told_again) return {};
    contact.quota_told = now;
  }
  if (now < contact.recent_since || now >= contact.recent_since + limits_.burst_time) {
    contact.recent = 0;
    contact.recent_since = now;
  }
  ++contact.recent;
  if (auto saved = records.save_contact(contact); !saved) return saved;
  auto waiting = records.count(contact.open.id);
  if (!waiting) return fail(std::move(waiting.error()));
  if (contact.recent > limits_.burst || *waiting >= limits_.waiting_per_contact)
    return gather(tx, contact, facts, contact.recent_since + limits_.burst_time);
  auto added = tell_contact(tx, contact.open, facts, now);
  if (!added) return fail(std::move(added.error()));
  return {};
}

Result<void> Outbox::gather(Tx& tx, const StoredContact& contact, const Facts& facts, Instant at) const {
  auto& records = tx.repo<NoticeRecords>();
  auto found = records.gathering(contact.open.id);
  if (!found) return fail(std::move(found.error()));
  if (!*found) {
    auto added = tell_contact(tx, contact.open, facts, at);
    if (!added) return fail(std::move(added.error()));
    auto fresh = records.find(*added);
    if (!fresh) return fail(std::move(fresh.error()));
    RESTANTE_REQUIRE(fresh->has_value());
    (*fresh)->gathers = true;
    return records.update(**fresh);
  }
  Notice& notice = **found;
  auto told = open_facts(vault_, notice);
  if (!told) return fail(std::move(told.error()));
  ++told->gathered_count;
  if (told->gathered.size() < limits_.lines_told) told->gathered.push_back(line_of(facts));
  notice.facts = seal_facts(vault_, notice.id, *told);
  return records.update(notice);
}

}  // namespace restante::notify
