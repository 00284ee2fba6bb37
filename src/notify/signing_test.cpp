// SPDX-License-Identifier: Apache-2.0
#include "notify/signing.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

namespace restante::notify {
namespace {

const Instant now{Seconds(1614265330)};

TEST(WebhookSignature, IsThatOfTheSpecificationsExample) {
  // standard-webhooks, the example of the reference libraries.
  const auto signature =
      sign_webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                   R"({"test": 2432232314})", now);

  ASSERT_TRUE(signature);
  EXPECT_EQ(*signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(WebhookSignature, ANewSecretIsLongEnoughAndNeverTheSame) {
  const std::string secret = new_webhook_secret();

  EXPECT_EQ(secret.substr(0, 6), "whsec_");
  EXPECT_EQ(from_base64(secret.substr(6)).value().size(), 32u);
  EXPECT_NE(secret, new_webhook_secret());
}

TEST(WebhookSignature, TheSecretBeforeSignsForADay) {
  const std::string old = new_webhook_secret(), fresh = new_webhook_secret();
  const auto of = [](const std::string& secret, Instant at) {
    return sign_webhook(secret, "id", 1, "{}", at).value();
  };
  const std::string stored = change_webhook_secret(old, fresh, now);

  EXPECT_EQ(current_webhook_secret(stored), fresh);
  EXPECT_EQ(of(stored, now + Seconds(24 * 3600 - 1)), of(fresh, now) + " " + of(old, now));
  EXPECT_EQ(of(stored, now + Seconds(24 * 3600)), of(fresh, now));
}

TEST(WebhookSignature, AfterTwoChangesTheOldestIsForgotten) {
  const std::string twice = change_webhook_secret(
      change_webhook_secret(new_webhook_secret(), new_webhook_secret(), now), new_webhook_secret(), now);

  EXPECT_EQ(std::count(twice.begin(), twice.end(), ' '), 2);
}

TEST(WebhookSignature, ASecretOfAnotherFormSignsNothing) {
  for (const char* bad : {"", "whsec_", "secret", "whsec_AAAA", "whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"})
    EXPECT_FALSE(sign_webhook(bad, "id", 1, "{}", now)) << bad;
}

}  // namespace
}  // namespace restante::notify
