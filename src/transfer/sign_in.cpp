// SPDX-License-Identifier: Apache-2.0
#include "transfer/sign_in.hpp"

#include "base/crypto.hpp"
#include "transfer/hop_headers.hpp"

#include <algorithm>
#include <utility>

namespace restante::transfer {

namespace {

bool is_password(const proxy::Credential& credential) {
  return credential.kind == proxy::CredentialKind::basic || credential.kind == proxy::CredentialKind::digest;
}

bool offers_basic(const std::vector<Challenge>& challenges) {
  return std::any_of(challenges.begin(), challenges.end(),
                     [](const Challenge& one) { return one.scheme == "basic"; });
}

}  // namespace

DigestSpace* NonceMemory::find(const std::string& key) {
  const auto found = spaces_.find(key);
  return found == spaces_.end() ? nullptr : &found->second;
}

void NonceMemory::keep(const std::string& key, DigestSpace space) {
  if (spaces_.size() >= limit_ && !spaces_.contains(key)) spaces_.clear();
  spaces_[key] = std::move(space);
}

std::string SignIn::answer_for(const jobs::TransferOrder& order, const net::HttpUrl& hop,
                               const std::string& method) {
  const proxy::Credential* credential = sign_in_for(order, hop);
  if (credential == nullptr || !is_password(*credential)) return {};
  if (origin_ != hop.origin) {
    origin_ = hop.origin;
    sent_ = Sent::nothing;
    space_.reset();
    stale_ = false;
  }
  DigestSpace* space = space_ ? &*space_ : memory_.find(domain_ + " " + origin_);
  if (space == nullptr) return {};
  sent_ = !space_ ? Sent::remembered : stale_ ? Sent::fresh_after_stale : Sent::fresh;
  const std::string target = request_target(hop), client_nonce = random_token();
  return digest_answer(*space, {credential->user, credential->password, method, target, client_nonce});
}

bool SignIn::take_challenge(const jobs::TransferOrder& order, const net::HttpUrl& hop,
                            const HeaderBlock& head) {
  const proxy::Credential* credential = sign_in_for(order, hop);
  if (credential == nullptr || !is_password(*credential)) return false;
  memory_.forget(domain_ + " " + hop.origin);
  const auto challenges = parse_challenges(head.all("www-authenticate"));
  auto space = digest_space(challenges);
  // The password has been looked at already: another try with it could lock the account.
  const bool looked_at =
      (sent_ == Sent::fresh && !(space && space->stale)) || sent_ == Sent::fresh_after_stale;
  const bool basic_counted =
      credential->kind == proxy::CredentialKind::basic && sent_ == Sent::nothing && offers_basic(challenges);
  if (!space || looked_at || basic_counted) return false;
  stale_ = sent_ == Sent::fresh;
  space_ = std::move(space);
  origin_ = hop.origin;
  return true;
}

void SignIn::accepted(const net::HttpUrl& hop, const HeaderBlock& head) {
  if (origin_ != hop.origin || sent_ == Sent::nothing) return;
  const std::string key = domain_ + " " + origin_;
  if (space_) memory_.keep(key, *std::exchange(space_, std::nullopt));
  DigestSpace* space = memory_.find(key);
  const std::string next = next_nonce(head.first("authentication-info"));
  if (space != nullptr && !next.empty()) {
    space->nonce = next;
    space->count = 0;
  }
  // A later request of this transfer begins anew, with what is remembered.
  sent_ = Sent::nothing;
  stale_ = false;
}

std::string request_target(const net::HttpUrl& url) {
  const auto authority = url.text.find("://");
  const auto path = url.text.find_first_of("/?", authority + 3);
  if (path == std::string::npos) return "/";
  return url.text[path] == '?' ? "/" + url.text.substr(path) : url.text.substr(path);
}

}  // namespace restante::transfer
