// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace restante::net {

/// A folder of a mail account that is read over IMAP (RFC 3501). Reached as configured: the address guard is
/// for what strangers name.
struct ImapFolder {
  std::string url;  ///< "imaps://host[:port]/FOLDER" | "imap://..."; without a folder: INBOX
  std::string user, password;
  std::string ca_bundle;  ///< file; its certificate is verified against it; empty: the system's
  /// imap:// only: false speaks in the clear, with a server on this machine.
  bool starttls = true;
  Millis connect_time{10000};
  Millis total_time{60000};  ///< of one command
};

/// Error invalid, naming what is wrong: neither imap:// nor imaps://, user information, parameters, a name of
/// a folder with other than letters, digits and " ._-/", or `starttls` = false for a server elsewhere.
Result<void> check(const ImapFolder& folder);

/// Keeps its connection. Blocking; one thread at a time. Errors of all calls: unreachable, dns, timeout, tls
/// (the server did not prove its name, or offers no encryption), auth-required; malformed (an answer that
/// cannot be understood, or is too long). None holds anything of the server's own words.
class ImapClient {
public:
  struct Message {
    std::uint32_t uid = 0;
    std::uint64_t bytes = 0;
  };
  /// `stop` ends what is under way once it is set; it outlives the client.
  ImapClient(ImapFolder folder, const std::atomic<bool>& stop);
  ~ImapClient();
  ImapClient(ImapClient&&) noexcept;

  /// The oldest messages, at most so many, but for those that are marked as deleted or were set aside.
  Result<std::vector<Message>> list(std::size_t most);
  /// The whole message. Error too-large: longer than `most_bytes`; conflict: the folder is another one since
  /// `list` (UIDVALIDITY).
  Result<std::string> fetch(std::uint32_t uid, std::size_t most_bytes);
  /// Removes it alone; where the server cannot (no UIDPLUS), it stays marked as deleted.
  Result<void> erase(std::uint32_t uid);
  /// Into another folder, which is made if it is missing; where that cannot be, it stays, marked.
  Result<void> set_aside(std::uint32_t uid, const std::string& folder);

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace restante::net
