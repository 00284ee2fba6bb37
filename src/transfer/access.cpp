// SPDX-License-Identifier: Apache-2.0
// How a transfer signs in, beside sending what its credentials are.
#include "proxy/client_certificate.hpp"
#include "transfer/hop_headers.hpp"
#include "transfer/transfer.hpp"

#include <algorithm>
#include <utility>

namespace restante::transfer {

bool Transfer::has_token() {
  const proxy::Credential* credential = sign_in_for(order_, hop_.url);
  const bool grant = credential != nullptr && credential->kind == proxy::CredentialKind::oauth;
  if (!grant || renewed_ || !is_stale(*credential, SystemClock().now())) return true;
  renew();
  return false;
}

/// A look first renews nothing: the download itself may be about to do the same.
void Transfer::renew() {
  if (look_)
    return fail_with(
        fail(Reason::auth_expired, "the sign-in for " + hop_.url.host + " has to be renewed first").value());
  if (order_.probe) return stop();
  const proxy::Credential& credential = *sign_in_for(order_, hop_.url);
  auto endpoint = net::parse_url(credential.token_endpoint);
  if (!endpoint) return fail_with(endpoint.error());
  TokenRenewal::Ways ways;
  ways.start = [this](const net::CurlOptions& options, net::CurlEvents& events) {
    return around_.start_request(domain_, options, events);
  };
  ways.open_socket = [this](int family, int socktype, const sockaddr* address, socklen_t length) {
    return around_.open_socket(id_, 0, family, socktype, address, length);
  };
  ways.done = [this](Result<jobs::RenewedTokens> tokens) { on_renewed(std::move(tokens)); };
  renewal_ = std::make_unique<TokenRenewal>(limits_, credential, std::move(*endpoint), std::move(ways));
  phase_ = Phase::renewing;
  phase_since_ = std::chrono::steady_clock::now();
  const net::HttpUrl& at = renewal_->endpoint();
  around_.send(worker::Resolve{id_, ++hop_number_, at.scheme, at.host, at.port});
}

/// The new tokens are used when the server has stored them, not before.
void Transfer::on_renewed(Result<jobs::RenewedTokens> tokens) {
  if (finished()) return;
  if (!tokens) return stop_wanted_ ? stop() : fail_with(tokens.error());
  unkept_ = std::move(*tokens);
  around_.send(worker::Renewed{id_, *unkept_});
}

void Transfer::on_kept(worker::Kept answer) {
  if (phase_ != Phase::renewing || !unkept_) return;
  if (answer.refused) return fail_with(*answer.refused);
  for (proxy::Credential& credential : order_.credentials) apply_tokens(credential, *unkept_);
  unkept_.reset();
  renewal_.reset();
  renewed_ = true;
  if (stop_wanted_) return stop();
  ask_where();
}

/// After a 401. False: what there is to sign in with has been tried.
bool Transfer::sign_in_again() {
  const proxy::Credential* credential = sign_in_for(order_, hop_.url);
  if (credential == nullptr) return false;
  if (credential->kind == proxy::CredentialKind::oauth) {
    if (renewed_) return false;
    renew();
    return true;
  }
  if (!sign_in_.take_challenge(order_, hop_.url, reader_->block())) return false;
  ask_where();
  return true;
}

/// Servers without a status of their own for it answer 400 when they do not like a client certificate;
/// nginx's own are 495 and 496.
void Transfer::finish_refused() {
  Verdict verdict = head_->verdict;
  const int status = reader_->block().status;
  const bool about_certificate = status == 495 || status == 496;
  if (about_certificate || (status == 400 && certificate_ != nullptr)) {
    const Error error = no_secure_connection({});
    verdict.reason = error.reason;
    verdict.message = error.message;
    verdict.transient = false;
  }
  finish(std::move(verdict));
}

Error Transfer::no_secure_connection(const net::CurlEnd& end) const {
  const std::string& host = hop_.url.host;
  if (certificate_ == nullptr)
    return fail(Reason::auth_required, host + " asks for a client certificate",
                "ask again with --cert and --key")
        .value();
  const std::string until = proxy::certificate_end(certificate_->certificate);
  const std::string valid = until.empty() ? std::string() : ", which is valid until " + until;
  if (end.ending == net::CurlEnding::bad_certificate)
    return fail(Reason::auth_expired, "the client certificate for " + host + " cannot be used").value();
  return fail(Reason::auth_expired, host + " does not accept the client certificate" + valid).value();
}

}  // namespace restante::transfer
