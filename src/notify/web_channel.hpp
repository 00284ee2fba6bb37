// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/ports.hpp"
#include "net/small_request.hpp"
#include "notify/channel.hpp"
#include "notify/requests.hpp"

#include <string>

namespace restante::notify {

struct WebLimits {
  Millis deadline{20000};
  std::size_t body_bytes = 19000;    ///< of a webhook
  std::size_t text_bytes = 3000;     ///< of a message to a topic; more becomes an attachment there
  std::size_t address_bytes = 1024;  ///< of a contact
  Seconds longest_rest{24 * 3600};
};

/// Tells by one HTTP request of the account's worker. What is asked, the kinds decide.
class WebChannel : public Channel {
public:
  /// All outlive it.
  WebChannel(Requests& requests, const jobs::AccountRules& accounts, const Clock& clock, WebLimits limits);

  Task<Delivery> send(Contact contact, Message message) override;
  std::string host(const Contact& contact) const override;

protected:
  /// Error: the message cannot be told there, whatever the other side says.
  virtual Result<net::SmallRequest> request(const Contact& contact, const Message& message,
                                            Instant now) const = 0;
  /// What an answer other than 2xx, 410 and 429 means.
  virtual Delivery::Outcome judge(int status) const = 0;
  virtual const char* what() const = 0;  ///< "the webhook", in messages

  WebLimits limits_;

private:
  Delivery delivery(const Result<net::SmallAnswer>& answer) const;

  Requests& requests_;
  const jobs::AccountRules& accounts_;
  const Clock& clock_;
};

/// Standard Webhooks 1.0: {"type","timestamp","data"}, signed (signing.hpp).
class WebhookChannel final : public WebChannel {
public:
  using WebChannel::WebChannel;
  /// Makes the secret if there is none.
  Result<void> check(Contact& contact) const override;

private:
  Result<net::SmallRequest> request(const Contact& contact, const Message& message,
                                    Instant now) const override;
  Delivery::Outcome judge(int) const override { return Delivery::Outcome::later; }
  const char* what() const override { return "the webhook"; }
};

/// ntfy: JSON to the root of the server that the address https://SERVER/TOPIC names; the secret, if there is
/// one, is an access token.
class NtfyChannel final : public WebChannel {
public:
  using WebChannel::WebChannel;
  Result<void> check(Contact& contact) const override;

private:
  Result<net::SmallRequest> request(const Contact& contact, const Message& message,
                                    Instant now) const override;
  Delivery::Outcome judge(int status) const override;
  const char* what() const override { return "the topic's server"; }
};

/// The body of a webhook. Plain function; the same for the same message.
std::string webhook_body(const Message& message, std::size_t most_bytes);
/// What a topic is told, as JSON. Plain function.
std::string ntfy_body(const std::string& topic, const Message& message, std::size_t text_bytes);

}  // namespace restante::notify
