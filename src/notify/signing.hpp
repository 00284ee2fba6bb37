// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"

#include <string>
#include <string_view>

// Signatures of webhooks as the Standard Webhooks specification 1.0 has them: "v1", HMAC-SHA256 over
// "ID.TIMESTAMP.BODY", by a secret "whsec_" and base64 of 24 to 64 bytes.
namespace restante::notify {

/// For so long the secret before a change signs as well.
inline constexpr Seconds old_secret_lives{24 * 3600};

/// A new secret of 32 random bytes.
std::string new_webhook_secret();
/// What is stored after a change: the new secret, and the one before with the second in which it ends.
std::string change_webhook_secret(std::string_view stored, std::string_view fresh, Instant now);
/// The secret that is shown, of what is stored.
std::string current_webhook_secret(std::string_view stored);

/// The value of webhook-signature: by the secret and, for a day, by the one before. Error: invalid (no
/// secret of that form).
Result<std::string> sign_webhook(std::string_view stored, std::string_view id, std::int64_t timestamp,
                                 std::string_view body, Instant now);

}  // namespace restante::notify
