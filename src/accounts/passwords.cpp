// SPDX-License-Identifier: Apache-2.0
#include "accounts/passwords.hpp"

#include "base/result.hpp"

#include <sodium.h>

#include <new>

namespace restante::accounts {

namespace {

constexpr unsigned long long ops = crypto_pwhash_OPSLIMIT_INTERACTIVE;
constexpr std::size_t memory = crypto_pwhash_MEMLIMIT_INTERACTIVE;

/// A hash in the present form whose password nobody knows: the salt and the result were drawn at random.
constexpr const char* nobody =
    "$argon2id$v=19$m=65536,t=2,p=1$dcMlu5qFhUBK5YkFSGcKkQ$Gr38v1EJUCMxWnj7DPpSBPkN1RmhKeMbNSlz1dPHQYs";

}  // namespace

std::string hash_password(std::string_view password) {
  RESTANTE_REQUIRE(sodium_init() >= 0);
  char out[crypto_pwhash_STRBYTES];
  if (crypto_pwhash_str(out, password.data(), password.size(), ops, memory) != 0) throw std::bad_alloc();
  return out;
}

PasswordCheck check_password(std::string_view password, const std::string& hash) {
  RESTANTE_REQUIRE(sodium_init() >= 0);
  const char* against = hash.empty() ? nobody : hash.c_str();
  const bool same = crypto_pwhash_str_verify(against, password.data(), password.size()) == 0;
  PasswordCheck out;
  out.right = same && !hash.empty();
  if (out.right && crypto_pwhash_str_needs_rehash(against, ops, memory) != 0)
    out.new_hash = hash_password(password);
  return out;
}

}  // namespace restante::accounts
