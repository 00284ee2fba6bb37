// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/task.hpp"
#include "intake/mime.hpp"
#include "intake/receiver.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace restante::intake {

/// One message, or one file, that waits in a mailbox.
struct Letter {
  std::string id;       ///< the mailbox's own
  std::string version;  ///< another one when it was written anew; may be empty
  std::uint64_t bytes = 0;
};

/// Where devices leave requests for a place that they cannot reach. Blocking; one thread at a time. Nothing
/// that it answers is trusted. Errors: unreachable, timeout, tls, auth-required, dns: the whole mailbox;
/// anything else: of this letter.
class Mailbox {
public:
  virtual ~Mailbox() = default;
  virtual std::string_view name() const = 0;  ///< for logs: "imap", "webdav"
  virtual Channel channel() const { return Channel::mailbox; }
  /// Files may be seen while they are being written.
  virtual bool may_be_unfinished() const = 0;
  /// The oldest letters, at most so many.
  virtual Result<std::vector<Letter>> list(std::size_t most) = 0;
  /// Error too-large: it is longer than it said, or than `most_bytes`.
  virtual Result<std::string> fetch(const Letter& letter, std::size_t most_bytes) = 0;
  enum class Fate { done, refused };
  /// Takes the letter out of `list`, for good; `why` it was refused. Repeating it is harmless.
  virtual Result<void> settle(const Letter& letter, Fate fate, const Error& why) = 0;
};

struct PullerOptions {
  Seconds interval{60};
  Seconds longest_pause{900};  ///< between tries while the mailbox cannot be reached
  std::size_t letters_per_round = 100;
  std::size_t remembered = 1000;  ///< letters that could not be taken out, or may be unfinished
  MimeLimits mime;
};

struct PullerParts {
  std::unique_ptr<Mailbox> mailbox;
  Receiver& receiver;
  Executor pool;  ///< where the mailbox is asked; one task at a time
  /// A document was refused after its signature held; on the control loop. May be empty.
  std::function<void(const accounts::Principal& sender, const Error& why)> tell_refused;
  /// Between two rounds; returns sooner if something has come. Empty: just waits.
  std::function<Task<void>(std::chrono::steady_clock::duration longest)> wait{};
};

/// Fetches what lies in one mailbox, hands it to the receiver, and takes it out once what became of it is
/// durable: a crash in between only repeats it, and the receiver takes a document once. On the control loop.
class MailboxPuller {
public:
  MailboxPuller(PullerParts parts, PullerOptions options);
  Task<void> run();  ///< until cancelled
  /// One round. Errors: those of the whole mailbox.
  Task<Result<void>> pull();
  bool failing() const { return failures_ > 0; }  ///< the last round did not come to its end

private:
  enum class Outcome { done, refused, later };
  struct Judged {
    Outcome outcome = Outcome::later;
    Error why{};  ///< refused
  };
  Task<Result<void>> take(Letter letter);
  Task<Judged> judge(std::string text, const Letter& letter);
  Judged refused(const Letter& letter, bool known_sender, Error why);
  Judged too_large() const;
  std::chrono::steady_clock::duration pause() const;

  PullerParts parts_;
  PullerOptions options_;
  std::size_t taken_out_ = 0;                 ///< letters, so far
  bool more_ = false;                         ///< the last round was full, and took letters out
  int failures_ = 0;                          ///< rounds in a row
  std::map<std::string, Judged> judged_;      ///< settled here, but not in the mailbox yet
  std::set<std::string> told_;                ///< of which the log says that they were left
  std::set<std::string> perhaps_unfinished_;  ///< refused once as they were
};

}  // namespace restante::intake
