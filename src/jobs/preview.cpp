// SPDX-License-Identifier: Apache-2.0
#include "jobs/preview.hpp"

#include "base/crypto.hpp"
#include "jobs/looking.hpp"

#include <algorithm>
#include <utility>

namespace restante::jobs {

/// The looks of one document; alive while one of them or their caller is.
struct Previews::Under {
  Under(Executor loop, AccountId whose, proxy::Document what)
      : account(whose), document(std::move(what)), ended(loop) {}

  AccountId account;
  proxy::Document document;
  std::stop_source stop;
  std::vector<Probe> found;
  std::size_t left = 0;
  Signal ended;
};

/// One look of them; tells when it was the last one, also where it was cancelled.
struct Previews::Turn {
  Previews& all;
  std::shared_ptr<Under> under;

  ~Turn() {
    if (--under->left > 0) return;
    --all.all_under_way_;
    if (--all.under_way_[under->account] == 0) all.under_way_.erase(under->account);
    under->ended.notify();
  }
};

Previews::Previews(Context& context) : context_(context), tasks_(context.loop, "previews") {
}

Task<void> Previews::stop() {
  co_await tasks_.stop();
}

Task<Result<std::vector<Probe>>> Previews::look(AccountId account, proxy::Document document) {
  const ServiceLimits& limits = context_.limits;
  if (all_under_way_ >= limits.previews || under_way_[account] >= limits.previews_of_account)
    co_return fail(Reason::busy, "other downloads are being looked at", "try again in a moment");
  ++all_under_way_;
  ++under_way_[account];
  auto under = std::make_shared<Under>(context_.loop, account, std::move(document));
  under->left = std::min(under->document.files.size(), limits.preview_files);
  Probe silent;
  silent.refused = Reason::timeout;
  silent.message = "the content server did not answer in time";
  under->found.assign(under->left, silent);
  for (std::size_t file = 0; file < under->found.size(); ++file) tasks_.spawn(look_at(under, file));
  const bool all = co_await under->ended.wait_for(limits.preview_time);
  if (!all) under->stop.request_stop();
  co_return under->found;
}

Task<void> Previews::look_at(std::shared_ptr<Under> under, std::size_t file) {
  const Turn turn{*this, under};
  JobId id;
  random_bytes(id.bytes.data(), id.bytes.size());
  const HeadersEar::Heard heard = std::make_shared<std::optional<ResponseFacts>>();
  HeadersEar ear(heard);
  TransferOrder order = look_order(context_, under->account, id, under->document, file);
  const auto result = co_await context_.transfers.run(std::move(order), ear, under->stop.get_token());
  if (result.outcome != Outcome::stopped || *heard) {
    Probe& probe = under->found[file];
    probe = probe_of(*heard ? **heard : result.facts);
    if (result.outcome == Outcome::failed) {
      probe.refused = result.reason;
      probe.message = result.message;
    }
  }
}

}  // namespace restante::jobs
