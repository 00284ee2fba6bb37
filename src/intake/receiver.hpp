// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/model.hpp"
#include "base/task.hpp"
#include "jobs/service.hpp"
#include "proxy/envelope.hpp"

#include <optional>
#include <string>
#include <string_view>

// Documents that come by themselves, signed or sealed: over whatever channel, without a session.
namespace restante::intake {

enum class Channel { post, mailbox, drop_folder, submit_socket };

/// What became of one document.
struct Receipt {
  enum class Status { accepted, replayed, refused };
  Status status = Status::refused;
  std::optional<jobs::Accepted> accepted;     ///< accepted or replayed
  std::optional<Error> error;                 ///< refused
  std::optional<accounts::Principal> sender;  ///< once the signature held
};

/// Opens, judges and hands in (FORMATS.md §1.6). What it accepted is durable.
class Receiver {
public:
  virtual ~Receiver() = default;
  /// Opens and verifies; changes nothing. Any thread. Errors: not-for-me, expired, bad-signature,
  /// seal-refused, unknown-device, too-large.
  virtual Result<proxy::OpenedDocument> open(std::string_view text) const = 0;
  /// On the control loop.
  virtual Task<Receipt> admit(proxy::OpenedDocument opened, Channel channel) = 0;
  /// Both: on the control loop, opened in a pool.
  virtual Task<Receipt> receive(std::string text, Channel channel) = 0;
};

}  // namespace restante::intake
