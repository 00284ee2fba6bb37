// SPDX-License-Identifier: Apache-2.0
#include "jobs/acceptance.hpp"

#include "base/text.hpp"
#include "jobs/replay.hpp"
#include "jobs/series.hpp"
#include "proxy/policy.hpp"
#include "proxy/url.hpp"

namespace restante::jobs {

JobId job_id(const DeviceId& device, std::string_view proxy_id) {
  constexpr std::string_view domain("restante-job\0", 13);
  std::string bytes;
  bytes.reserve(domain.size() + device.value.size() + 1 + proxy_id.size());
  bytes += domain;
  bytes += device.value;
  bytes += '\0';
  bytes += proxy_id;
  const Digest256 digest = sha256(bytes);
  JobId id;
  std::copy_n(digest.begin(), id.bytes.size(), id.bytes.begin());
  return id;
}

std::string shown_name(const proxy::Document& document) {
  if (!document.title.empty()) return document.title;
  if (document.files.empty()) return {};
  const proxy::File& first = document.files.front();
  if (!first.name.empty()) return first.name;
  const std::string url = first.sources.empty() ? std::string() : url_for_logs(first.sources.front().url);
  const auto scheme = url.find("://");
  const std::string_view rest =
      scheme == std::string::npos ? std::string_view(url) : std::string_view(url).substr(scheme + 3);
  const auto slash = rest.rfind('/');
  if (slash == std::string_view::npos) return std::string(rest);
  if (slash + 1 == rest.size()) return std::string(rest.substr(0, rest.find('/')));
  const std::string_view last = rest.substr(slash + 1);
  auto decoded = proxy::percent_decode(last);
  return decoded && is_utf8(*decoded) ? std::move(*decoded) : std::string(last);
}

Result<Prepared> prepare(Submission submission, const Rules& rules, const Vault& vault, Instant now) {
  proxy::Document& document = submission.document;
  if (document.exp <= std::chrono::floor<Seconds>(now).time_since_epoch().count())
    return fail(Reason::expired,
                "the document could be handed in until " + to_rfc3339(Instant(Seconds(document.exp))),
                "send it again", "/exp");
  if (auto times = proxy::check_times(document, now); !times) return fail(std::move(times.error()));
  if (document.op == proxy::Document::Op::submit) {
    if (auto can = proxy::check_supported(document); !can) return fail(std::move(can.error()));
  }
  Prepared out;
  Job& job = out.job;
  job.id = job_id(submission.device, document.id);
  job.account = submission.account;
  job.device = std::move(submission.device);
  job.proxy_id = document.id;
  job.rev = document.rev;
  job.name = shown_name(document);
  job.created = job.changed = now;
  job.start = document.when.start;
  job.file_count = static_cast<int>(document.files.size());
  job.document_digest = sha256(submission.core);
  out.cancels = document.op == proxy::Document::Op::cancel;
  out.probe = document.probe;
  out.remembered_until = remembered_until(document.exp);
  if (!out.cancels && !document.when.repeat.empty()) {
    std::string plain = proxy::to_json(document, proxy::Part::only_secrets);
    auto series = begin_series(job, document, plain, rules, now);
    wipe(plain);
    wipe(submission.core);
    if (!series) return fail(std::move(series.error()));
    out.series = std::move(*series);
    return out;
  }
  apply(begin(terms_of(document, rules), now), job);
  if (document.access.empty() && !document.has_pay) {
    job.document = std::move(submission.core);
  } else {
    job.document = proxy::to_json(document, proxy::Part::without_secrets);
    std::string plain = proxy::to_json(document, proxy::Part::only_secrets);
    if (!plain.empty()) job.secrets = vault.seal(plain, job.id.text());
    wipe(plain);
    wipe(submission.core);
  }
  return out;
}

namespace {

Result<Applied> cancel_in(Tx& tx, const Job& found, const Rules& rules, Instant now) {
  return apply_in(tx, found.id, found.account, event::Acted{Action::cancel}, std::nullopt, rules, now);
}

Result<Settled> cancel_existing(Tx& tx, const Prepared& prepared, const Job& found, const Rules& rules,
                                Instant now) {
  Settled out;
  if (prepared.job.rev < found.rev)
    return fail(Reason::conflict, "a later revision is here already", {}, "/rev");
  if (found.state == State::cancelled) {
    out.replayed = true;
    out.existing = found;
    return out;
  }
  auto applied = cancel_in(tx, found, rules, now);
  if (!applied) return fail(std::move(applied.error()));
  out.applied = std::move(*applied);
  return out;
}

Result<Settled> replace_existing(Tx& tx, const Prepared& prepared, const Job& found, const Rules& rules,
                                 Instant now) {
  switch (found.state) {
    case State::running:
    case State::verifying:
    case State::publishing:
      return fail(Reason::conflict, "it runs already; cancel it first", {}, "/rev");
    case State::done:
    case State::cancelled:
      return fail(Reason::conflict, "it has ended already", "send it as a new request", "/rev");
    default:
      break;
  }
  Job job = prepared.job;
  job.created = found.created;
  job.version = found.version + 1;
  auto& records = tx.repo<JobRecords>();
  // The state that was is what the history row begins with; the step below decides the new one.
  apply(control_of(found), job);
  if (auto done = records.replace(job); !done) return fail(std::move(done.error()));
  auto applied = apply_in(tx, job.id, job.account, event::Changed{true}, std::nullopt, rules, now);
  if (!applied) return fail(std::move(applied.error()));
  Settled out;
  out.applied = std::move(*applied);
  return out;
}

/// Ends the repetition, and what is under way of it.
Result<Settled> cancel_series(Tx& tx, const Prepared& prepared, const Series& series, const Rules& rules,
                              Instant now) {
  auto& records = tx.repo<JobRecords>();
  auto head = records.find(series.head);
  if (!head) return fail(std::move(head.error()));
  auto before = series.before ? records.find(*series.before) : Result<std::optional<Job>>(std::nullopt);
  if (!before) return fail(std::move(before.error()));
  const bool under_way = *before && !ended((*before)->state) && (*before)->state != State::publishing;
  if (!*head) return fail(Reason::not_found, "there is no request of that id to cancel");
  if (ended((*head)->state) && under_way) return cancel_existing(tx, prepared, **before, rules, now);
  auto out = cancel_existing(tx, prepared, **head, rules, now);
  if (!out || !under_way) return out;
  auto also = cancel_in(tx, **before, rules, now);
  if (!also) return fail(std::move(also.error()));
  out->also.push_back(std::move(*also));
  return out;
}

/// Makes the first occurrence, and the one after it if that one is due. `series`: without a head.
Result<Settled> begin_occurrences(Tx& tx, Series series, const Rules& rules, Instant now) {
  Settled out;
  auto first = make_next(tx, series, rules, Instant::min(), now);
  if (!first) return fail(std::move(first.error()));
  if (!*first) return fail(Reason::invalid, "/when/repeat: it never comes", {}, "/when/repeat");
  out.fresh = true;
  out.made = std::move(**first);
  if (out.made->state == State::scheduled) return out;
  auto next = make_next(tx, series, rules, now, now);
  if (!next) return fail(std::move(next.error()));
  out.next = std::move(*next);
  return out;
}

/// A higher revision of a document that repeats: the occurrence that lies ahead gives way.
Result<Settled> replace_series(Tx& tx, const Prepared& prepared, const Series& known, const Rules& rules,
                               Instant now) {
  auto& records = tx.repo<JobRecords>();
  auto head = records.find(known.head);
  if (!head) return fail(std::move(head.error()));
  if (known.over || !*head || !lies_ahead((*head)->state))
    return fail(Reason::conflict, "it has ended already", "send it as a new request", "/rev");
  if (auto erased = records.erase(known.head); !erased) return fail(std::move(erased.error()));
  auto out = begin_occurrences(tx, *prepared.series, rules, now);
  if (out && out->made->id != known.head) out->gone = known.head;
  return out;
}

/// A document whose job is not here any more.
Result<std::optional<Settled>> from_memory(Tx& tx, const Prepared& prepared) {
  auto known = recall(tx, prepared.job);
  if (!known) return fail(std::move(known.error()));
  if (!*known) return std::optional<Settled>();
  Settled out;
  out.replayed = true;
  out.existing = std::move(**known);
  return std::optional<Settled>(std::move(out));
}

Result<Settled> nothing_to_cancel(Tx& tx, const Prepared& prepared, const Rules& rules, Instant now) {
  if (auto done = remember_cancelled(tx, prepared, rules, now); !done) return fail(std::move(done.error()));
  Settled out;
  out.refused = fail(Reason::not_found, "there is no request of that id to cancel").value();
  return out;
}

Result<Settled> settle_series(Tx& tx, const Prepared& prepared, const Rules& rules, Instant now) {
  auto& all = tx.repo<SeriesRecords>();
  auto known = all.find(prepared.series->id);
  if (!known) return fail(std::move(known.error()));
  if (!*known) {
    auto once = tx.repo<JobRecords>().find(prepared.series->id);
    if (!once) return fail(std::move(once.error()));
    if (*once)
      return fail(Reason::conflict, "another request with this id is here already", "give it a new id",
                  "/id");
    auto gone = from_memory(tx, prepared);
    if (!gone) return fail(std::move(gone.error()));
    if (*gone) return std::move(**gone);
    return begin_occurrences(tx, *prepared.series, rules, now);
  }
  if ((*known)->account != prepared.job.account)
    return fail(Reason::conflict, "another request with this id is here already", "give it a new id", "/id");
  if ((*known)->document_digest == prepared.series->document_digest) {
    auto current = current_job(tx, **known);
    if (!current) return fail(std::move(current.error()));
    if (!*current) return begin_occurrences(tx, *prepared.series, rules, now);
    Settled out;
    out.replayed = true;
    out.existing = std::move(**current);
    return out;
  }
  if (prepared.series->rev <= (*known)->rev)
    return fail(Reason::conflict, "another request with this id and revision is here already",
                "give it a new id, or a higher rev to replace that one", "/rev");
  return replace_series(tx, prepared, **known, rules, now);
}

}  // namespace

Result<Settled> settle(Tx& tx, const Prepared& prepared, const Rules& rules, Instant now) {
  if (prepared.series) return settle_series(tx, prepared, rules, now);
  auto& records = tx.repo<JobRecords>();
  auto& all_series = tx.repo<SeriesRecords>();
  Settled out;
  if (!prepared.cancels) {
    auto repeats = all_series.has(prepared.job.id);
    if (!repeats) return fail(std::move(repeats.error()));
    if (*repeats)
      return fail(Reason::conflict, "a request that repeats has this id already", "give it a new id", "/id");
    auto gone = from_memory(tx, prepared);
    if (!gone) return fail(std::move(gone.error()));
    if (*gone) return std::move(**gone);
    auto inserted = records.insert(prepared.job);
    if (!inserted) return fail(std::move(inserted.error()));
    if (*inserted) {
      out.fresh = true;
      return out;
    }
  }
  auto found = records.find(prepared.job.id);
  if (!found) return fail(std::move(found.error()));
  if (!*found && prepared.cancels) {
    auto series = all_series.find(prepared.job.id);
    if (!series) return fail(std::move(series.error()));
    if (*series && (*series)->account == prepared.job.account)
      return cancel_series(tx, prepared, **series, rules, now);
    if (!*series) return nothing_to_cancel(tx, prepared, rules, now);
  }
  if (!*found || (*found)->account != prepared.job.account)
    return fail(Reason::not_found, "there is no request of that id to cancel");
  if ((*found)->document_digest == prepared.job.document_digest) {
    out.replayed = true;
    out.existing = std::move(**found);
    return out;
  }
  if (prepared.cancels) return cancel_existing(tx, prepared, **found, rules, now);
  if (prepared.job.rev <= (*found)->rev)
    return fail(Reason::conflict, "another request with this id and revision is here already",
                "give it a new id, or a higher rev to replace that one", "/rev");
  return replace_existing(tx, prepared, **found, rules, now);
}

}  // namespace restante::jobs
