// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/service.hpp"
#include "base/task.hpp"
#include "jobs/service.hpp"
#include "proxy/envelope.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

// Documents that come by themselves, signed or sealed: over whatever channel, without a session.
namespace restante::intake {

enum class Channel { post, mailbox, drop_folder, submit_socket };
std::string_view name(Channel channel);  ///< for people: "mailbox", "drop folder", ...

/// A sealed document is at most so long, unless it carries code (FORMATS.md §1.6).
inline constexpr std::size_t largest_document = 256 * 1024;

/// What became of one document.
struct Receipt {
  enum class Status { accepted, replayed, refused };
  Status status = Status::refused;
  std::optional<jobs::Accepted> accepted;     ///< accepted or replayed
  std::optional<Error> error;                 ///< refused
  std::optional<accounts::Principal> sender;  ///< once the signature held
};
std::string_view name(Receipt::Status status);  ///< "accepted", "replayed", "refused"

struct ReceiverParts {
  Executor pool;  ///< where documents are opened
  accounts::Service& accounts;
  jobs::Service& jobs;
  const proxy::DecryptionKeys& keys;  ///< the place's, any thread
  const Clock& clock;
  std::string jkt;              ///< thumbprint of the place's identity key
  int submit_per_minute = 600;  ///< of one account, over all channels but POST, which counts by itself
};

/// Opens, judges and hands in (FORMATS.md §1.6). What it accepted is durable.
class Receiver {
public:
  virtual ~Receiver() = default;
  /// Opens and verifies; changes nothing. Any thread. Errors: too-large, seal-refused, not-for-me, expired,
  /// bad-signature, unknown-device.
  virtual Result<proxy::OpenedDocument> open(std::string_view text) const = 0;
  /// On the control loop, as all that follow. Whose document it is. Error unknown-device: revoked meanwhile.
  virtual Result<accounts::Principal> sender_of(const proxy::OpenedDocument& opened) const = 0;
  virtual Task<Receipt> admit(proxy::OpenedDocument opened, Channel channel) = 0;
  /// Opens it in a pool, and admits it if its account has not sent too much within a minute.
  virtual Task<Receipt> receive(std::string text, Channel channel) = 0;
};

std::unique_ptr<Receiver> make_receiver(ReceiverParts parts);

}  // namespace restante::intake
