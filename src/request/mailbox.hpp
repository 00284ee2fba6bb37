// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/mail_client.hpp"
#include "request/place.hpp"
#include "request/state.hpp"

#include <optional>
#include <string>
#include <string_view>

// Leaving sealed requests where a place fetches them: a mail, or a file in a WebDAV folder.
namespace restante::request {

/// What this device sends mails through (`restante mail set`).
struct OutgoingMail {
  net::MailServer server;
  std::string from;  ///< local@domain
};

/// nullopt: not set. Errors: storage.
Result<std::optional<OutgoingMail>> load_mail(const Home& home);
/// The password is kept sealed. Errors: usage (a wrong address or URL), storage, disk-full.
Result<void> save_mail(const Home& home, const OutgoingMail& mail);
Result<void> forget_mail(const Home& home);

/// A mailbox's password as it is kept. Errors: storage.
Result<std::string> seal_password(const Home& home, std::string_view password);

/// An address that can be used safely: of mail, or an https URL of a folder (http on this machine only).
/// Error invalid.
Result<void> check_mailbox(const Mailbox& box);

/// What a document is called at a mailbox: the same at every try, and for nobody to read. Of a request whose
/// id is not known here.
std::string mailbox_name(std::string_view document);

/// Leaves the document at the first of the place's mailboxes that takes it; the answer is which, for people.
/// Repeating it is harmless. Errors: not-found (the place has none, or none that this device can use), and
/// what the last one said.
Result<std::string> leave_at_mailbox(const Home& home, const Place& place, const std::string& document,
                                     const std::string& request_id, Instant now);

}  // namespace restante::request
