// SPDX-License-Identifier: Apache-2.0
#include "accounts/passwords.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

#include <chrono>

namespace restante::accounts {
namespace {

TEST(Password, IsKeptAsArgon2id) {
  const auto hash = hash_password("correct horse");

  EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=65536,t=2,p=1$")) << hash;
  EXPECT_TRUE(check_password("correct horse", hash).right);
  EXPECT_FALSE(check_password("correct hors", hash).right);
  EXPECT_TRUE(check_password("correct horse", hash).new_hash.empty());
}

TEST(Password, HashesDifferForTheSamePassword) {
  EXPECT_NE(hash_password("correct horse"), hash_password("correct horse"));
}

TEST(Password, OfNobodyTakesTheSameWork) {
  const auto hash = hash_password("correct horse");
  const auto timed = [](const std::string& against) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(check_password("wrong", against).right);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };

  const double known = timed(hash), unknown = timed("");

  EXPECT_GT(unknown, known * 0.2);  // a missing hash would be answered a thousand times sooner
}

TEST(Password, WeakerOldHashIsRenewedWhenRight) {
  ASSERT_GE(sodium_init(), 0);
  char old[crypto_pwhash_STRBYTES];
  ASSERT_EQ(crypto_pwhash_str(old, "correct horse", 13, 1, 8192 * 1024), 0);

  const auto check = check_password("correct horse", old);

  EXPECT_TRUE(check.right);
  EXPECT_TRUE(check_password("correct horse", check.new_hash).right);
  EXPECT_TRUE(check_password("wrong", old).new_hash.empty());
}

}  // namespace
}  // namespace restante::accounts
