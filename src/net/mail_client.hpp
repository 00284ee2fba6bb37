// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"

#include <atomic>
#include <string>

namespace restante::net {

/// A server that takes over our mails (RFC 6409). Reached as configured: the address guard is for what
/// strangers name.
struct MailServer {
  std::string url;  ///< "smtp://host:587" | "smtps://host:465"; empty: none
  std::string user, password;
  std::string ca_bundle;  ///< file; its certificate is verified against it
  /// smtp:// only: false sends in the clear, for a server on this machine.
  bool starttls = true;
  std::string own_name;  ///< for EHLO (RFC 5321 §4.1.1.1); empty: the machine's
  Millis connect_time{10000};
  Millis total_time{60000};  ///< from the connection to the server's last answer
};

/// Error invalid, naming what is wrong: neither smtp:// nor smtps://, a path, user information, or
/// `starttls` = false for a server elsewhere.
Result<void> check(const MailServer& server);

struct MailOrder {
  std::string from, to;  ///< local@domain, checked by the caller
  std::string content;   ///< RFC 5322, lines end with CR LF
};

struct MailAnswer {
  enum class Outcome {
    accepted,  ///< the server answered 250 to the content: it is its own matter now
    later,     ///< not reached, not trusted, busy, or it does not let us in: worth another try
    refused,   ///< this mail will never be taken (RFC 5321 §4.2.1: 5yz, to this recipient or this content)
  };
  Outcome outcome = Outcome::later;
  int code = 0;         ///< of the server's last answer; 0: none
  std::string message;  ///< for people: no address, no secret, nothing of the server's own words
};

/// Sends one mail over a connection of its own. Blocking, in any thread, bounded by the server's times; ends
/// soon when `stop` is set. Nothing of the mail or the password leaves this process unless the server proved
/// its name (but see `starttls`). Repeating it sends it again.
MailAnswer send_mail(const MailServer& server, const MailOrder& order, const std::atomic<bool>& stop);

/// Whether the server can be reached, proves its name and lets us in; nothing is sent. Blocking.
Result<void> try_mail_server(const MailServer& server);

}  // namespace restante::net
