// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/mail_client.hpp"
#include "notify/channel.hpp"
#include "notify/facts.hpp"

#include <functional>
#include <memory>
#include <string>

namespace restante::notify {

struct MailOptions {
  net::MailServer server;  ///< an empty URL: this place sends no mail
  std::string from;        ///< local@domain
};

/// The secrets in paths of pages for whoever has the mail, behind "/notify/confirm/" and "/notify/stop/": the
/// contact's id and 128 random bits, in base64url.
std::string page_token(const ContactId& contact, std::string_view secret);
struct PageToken {
  ContactId contact;
  std::string secret;
};
std::optional<PageToken> page_token_from(std::string_view text);

/// The mail of a message, as it is sent. Plain function.
std::string render_mail(const Contact& contact, const Message& message, const Place& place,
                        const std::string& from);

/// Mail by submission to one server. Sends in `pool`; `place` and `options` stay as they are.
class MailChannel final : public Channel {
public:
  MailChannel(Executor pool, MailOptions options, std::function<Place()> place);
  ~MailChannel() override;

  Task<Delivery> send(Contact contact, Message message) override;
  std::string host(const Contact&) const override { return "mail"; }
  Result<void> check(Contact& contact) const override;
  bool sends() const { return !options_.server.url.empty(); }
  bool failing() const { return failing_; }  ///< the last try is to be repeated. Control loop
  /// Every mail under way ends soon; before the pool is joined.
  void stop();

private:
  Executor pool_;
  MailOptions options_;
  std::function<Place()> place_;
  std::shared_ptr<std::atomic<bool>> stopped_;
  bool failing_ = false;
};

}  // namespace restante::notify
