// SPDX-License-Identifier: Apache-2.0
// New tokens of OAuth sign-ins (RFC 6749 §6): stored before they are used.
#include "base/log.hpp"
#include "jobs/run.hpp"

#include <algorithm>

namespace restante::jobs {
namespace {

/// So often writing them down is tried, once a second: an endpoint that gives a refresh token only once will
/// not give these again.
constexpr int tries_to_keep = 60;

/// The job's sealed secrets with the new tokens in them.
Result<std::string> sealed_with(const Vault& vault, const Job& job, const RenewedTokens& tokens) {
  const std::string context = job.id.text();
  auto plain = vault.open(job.secrets, context);
  if (!plain) return fail(std::move(plain.error()));
  proxy::Document holder;
  auto restored = proxy::restore_secrets(holder, *plain);
  wipe(*plain);
  if (!restored) return fail(std::move(restored.error()));
  for (proxy::Credential& credential : holder.access) apply_tokens(credential, tokens);
  std::string changed = proxy::to_json(holder, proxy::Part::only_secrets);
  std::string sealed = vault.seal(changed, context);
  wipe(changed);
  return sealed;
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
      auto sealed = sealed_with(context_.vault, **found, tokens);
      if (!sealed) return fail(std::move(sealed.error()));
      return records.replace_secrets(id, *sealed);
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
