// SPDX-License-Identifier: Apache-2.0
// New tokens of OAuth sign-ins (RFC 6749 §6): stored before they are used.
#include "base/log.hpp"
#include "jobs/acceptance.hpp"
#include "jobs/run.hpp"
#include "jobs/series_records.hpp"

#include <algorithm>

namespace restante::jobs {
namespace {

/// So often writing them down is tried, once a second: an endpoint that gives a refresh token only once will
/// not give these again.
constexpr int tries_to_keep = 60;

/// Sealed secrets with the new tokens in them.
Result<std::string> sealed_with(const Vault& vault, const std::string& sealed, const std::string& context,
                                const RenewedTokens& tokens) {
  auto plain = vault.open(sealed, context);
  if (!plain) return fail(std::move(plain.error()));
  proxy::Document holder;
  auto restored = proxy::restore_secrets(holder, *plain);
  wipe(*plain);
  if (!restored) return fail(std::move(restored.error()));
  for (proxy::Credential& credential : holder.access) apply_tokens(credential, tokens);
  std::string changed = proxy::to_json(holder, proxy::Part::only_secrets);
  std::string again = vault.seal(changed, context);
  wipe(changed);
  return again;
}

Result<void> keep_for_job(Tx& tx, const Vault& vault, const Job& job, const RenewedTokens& tokens) {
  if (job.secrets.empty()) return {};
  auto sealed = sealed_with(vault, job.secrets, job.id.text(), tokens);
  if (!sealed) return fail(std::move(sealed.error()));
  return tx.repo<JobRecords>().replace_secrets(job.id, *sealed);
}

/// The occurrences to come sign in with the new tokens, too.
Result<void> keep_for_series(Tx& tx, const Vault& vault, const Job& job, const RenewedTokens& tokens) {
  auto& all = tx.repo<SeriesRecords>();
  auto series = all.find(job_id(job.device, job.proxy_id));
  if (!series) return fail(std::move(series.error()));
  if (!*series || (*series)->secrets.empty()) return {};
  auto sealed = sealed_with(vault, (*series)->secrets, (*series)->id.text(), tokens);
  if (!sealed) return fail(std::move(sealed.error()));
  (*series)->secrets = std::move(*sealed);
  if (auto saved = all.save(**series); !saved) return saved;
  auto head = tx.repo<JobRecords>().find((*series)->head);
  if (!head) return fail(std::move(head.error()));
  if (!*head || (*head)->id == job.id) return {};
  return keep_for_job(tx, vault, **head, tokens);
}

}  // namespace

void apply_tokens(proxy::Credential& credential, const RenewedTokens& tokens) {
  if (credential.kind != proxy::CredentialKind::oauth || credential.id != tokens.credential_id) return;
  credential.token = tokens.access_token;
  credential.refresh_token = tokens.refresh_token;
  credential.expires = tokens.expires;
}

Task<void> Runner::keep_tokens(std::shared_ptr<Run> run, RenewedTokens tokens,
                               std::function<void(Result<void>)> kept) {
  const JobId id = run->job.id;
  std::erase_if(run->tokens, [&](const auto& old) { return old.credential_id == tokens.credential_id; });
  run->tokens.push_back(tokens);
  Result<void> done;
  for (int tries = 0; tries < tries_to_keep; ++tries) {
    Database::Work work = [this, id, tokens](Tx& tx) -> Result<void> {
      auto& records = tx.repo<JobRecords>();
      auto found = records.find(id);
      if (!found) return fail(std::move(found.error()));
      if (!*found || (*found)->secrets.empty()) return fail(Reason::not_found, "the download is over");
      if ((*found)->occurrence)
        if (auto kept_too = keep_for_series(tx, context_.vault, **found, tokens); !kept_too) return kept_too;
      return keep_for_job(tx, context_.vault, **found, tokens);
    };
    done = co_await context_.database.write(std::move(work));
    if (done || done.error().reason == Reason::not_found || stopping_) break;
    if (tries == 0)
      log::error("job {}: its renewed sign-in is not stored yet: {}", id.text(), done.error().message);
    co_await sleep_for(std::chrono::seconds(1));
  }
  kept(std::move(done));
}

}  // namespace restante::jobs
