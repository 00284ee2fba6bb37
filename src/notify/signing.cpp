// SPDX-License-Identifier: Apache-2.0
#include "notify/signing.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <vector>

namespace restante::notify {

namespace {

constexpr std::string_view prefix = "whsec_";
constexpr std::size_t shortest_key = 24, longest_key = 64, fresh_key = 32;

std::int64_t seconds_of(Instant now) {
  return std::chrono::floor<Seconds>(now).time_since_epoch().count();
}

/// "NEW" or "NEW OLD END".
std::vector<std::string_view> words_of(std::string_view stored) {
  std::vector<std::string_view> out;
  while (!stored.empty()) {
    const std::size_t end = stored.find(' ');
    out.push_back(stored.substr(0, end));
    stored.remove_prefix(end == std::string_view::npos ? stored.size() : end + 1);
  }
  return out;
}

std::optional<std::string> key_of(std::string_view secret) {
  if (!secret.starts_with(prefix)) return std::nullopt;
  auto key = from_base64(secret.substr(prefix.size()));
  if (!key || key->size() < shortest_key || key->size() > longest_key) return std::nullopt;
  return key;
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &size);
  return {reinterpret_cast<const char*>(out), size};
}

}  // namespace

std::string new_webhook_secret() {
  std::string key = random_string(fresh_key);
  std::string out = std::string(prefix) + to_base64(key);
  wipe(key);
  return out;
}

std::string current_webhook_secret(std::string_view stored) {
  return std::string(stored.substr(0, stored.find(' ')));
}

std::string change_webhook_secret(std::string_view stored, std::string_view fresh, Instant now) {
  return std::string(fresh) + " " + current_webhook_secret(stored) + " " +
         std::to_string(seconds_of(now + old_secret_lives));
}

Result<std::string> sign_webhook(std::string_view stored, std::string_view id, std::int64_t timestamp,
                                 std::string_view body, Instant now) {
  auto words = words_of(stored);
  if (words.size() == 3) {
    std::int64_t end = 0;
    std::from_chars(words[2].data(), words[2].data() + words[2].size(), end);
    words.resize(seconds_of(now) < end ? 2 : 1);
  }
  const std::string content = std::string(id) + "." + std::to_string(timestamp) + "." + std::string(body);
  std::string out;
  for (const auto secret : words) {
    auto key = key_of(secret);
    if (!key) return fail(Reason::invalid, "the webhook has no secret that can be used");
    out += (out.empty() ? "v1," : " v1,") + to_base64(hmac_sha256(*key, content));
    wipe(*key);
  }
  if (out.empty()) return fail(Reason::invalid, "the webhook has no secret that can be used");
  return out;
}

}  // namespace restante::notify
