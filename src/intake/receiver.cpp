// SPDX-License-Identifier: Apache-2.0
#include "intake/receiver.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "intake/admission.hpp"
#include "intake/submit_limit.hpp"

#include <fmt/format.h>

#include <utility>

namespace restante::intake {

namespace {

/// What the envelope needs to know, as it is at this moment.
class Known final : public proxy::EnvelopeKeys {
public:
  Known(const proxy::DecryptionKeys& keys, std::shared_ptr<const accounts::Snapshot> snapshot)
      : keys_(keys), snapshot_(std::move(snapshot)) {}

  std::shared_ptr<const proxy::PrivateKey> decryption_key(std::string_view kid) const override {
    return keys_.decryption_key(kid);
  }
  std::optional<proxy::PublicKey> device_key(std::string_view jkt) const override {
    return snapshot_->device_key({std::string(jkt)});
  }

private:
  const proxy::DecryptionKeys& keys_;
  std::shared_ptr<const accounts::Snapshot> snapshot_;
};

Receipt refused(Error error, std::optional<accounts::Principal> sender = std::nullopt) {
  Receipt out;
  out.error = std::move(error);
  out.sender = std::move(sender);
  return out;
}

class ReceiverImpl final : public Receiver {
public:
  explicit ReceiverImpl(ReceiverParts parts) : parts_(std::move(parts)), submits_(parts_.submit_per_minute) {}

  Result<proxy::OpenedDocument> open(std::string_view text) const override {
    if (text.size() > largest_document)
      return fail(Reason::too_large,
                  fmt::format("the document is larger than {}", human_size(largest_document)),
                  "ask for fewer files in one request");
    const Known known(parts_.keys, parts_.accounts.snapshot());
    return proxy::open_document(text, known, parts_.clock.now());
  }

  Result<accounts::Principal> sender_of(const proxy::OpenedDocument& opened) const override {
    auto sender = parts_.accounts.snapshot()->device_principal({opened.device}, parts_.clock.now());
    if (!sender)
      return fail(Reason::unknown_device,
                  "the device that signed it is not connected to this place (any more)",
                  "connect it: at the place `restanted pair NAME` prints a URL; then send it again");
    return std::move(*sender);
  }

  Task<Receipt> admit(proxy::OpenedDocument opened, Channel) override {
    auto sender = sender_of(opened);
    if (!sender) co_return refused(std::move(sender.error()));
    const Instant now = parts_.clock.now();
    if (now >= sender->stay_ends) {
      auto error = fail(Reason::forbidden, "the stay of its sender has ended",
                        "what came may still be taken; ask the place for another invitation")
                       .value();
      co_return refused(std::move(error), std::move(*sender));
    }
    const auto carriage = opened.sealed ? Carriage::guarded : Carriage::in_the_open;
    auto document = admitted_document(opened.core.text, *sender, carriage, parts_.jkt, now);
    if (!document) co_return refused(std::move(document.error()), std::move(*sender));
    jobs::Submission submission;
    submission.account = sender->account;
    submission.device = sender->device;
    submission.document = std::move(*document);
    submission.core = std::move(opened.core.text);
    auto accepted = co_await parts_.jobs.submit(std::move(submission));
    if (!accepted) co_return refused(std::move(accepted.error()), std::move(*sender));
    Receipt out;
    out.status = accepted->replayed ? Receipt::Status::replayed : Receipt::Status::accepted;
    out.accepted = std::move(*accepted);
    out.sender = std::move(*sender);
    co_return out;
  }

  Task<Receipt> receive(std::string text, Channel channel) override {
    auto open_it = [this, &text] { return open(text); };
    auto opened = co_await offload(parts_.pool, open_it);
    Receipt out;
    if (!opened) {
      out = refused(std::move(opened.error()));
    } else if (auto stopped = stopped_by_limit(*opened)) {
      out = std::move(*stopped);
    } else {
      auto admitting = admit(std::move(*opened), channel);
      out = co_await std::move(admitting);
    }
    if (out.error)
      log::info("a request by {} was refused: {}", name(channel), code(out.error->reason));
    else
      log::info("a request by {} was {}", name(channel), name(out.status));
    co_return out;
  }

private:
  std::optional<Receipt> stopped_by_limit(const proxy::OpenedDocument& opened) {
    auto sender = sender_of(opened);
    if (!sender) return refused(std::move(sender.error()));
    if (submits_.take(sender->account, parts_.clock.now()).allowed) return std::nullopt;
    return refused(fail(Reason::rate_limited,
                        fmt::format("this account may submit {} times a minute", parts_.submit_per_minute),
                        "it is tried again by itself")
                       .value(),
                   std::move(*sender));
  }

  ReceiverParts parts_;
  SubmitLimit submits_;
};

}  // namespace

std::string_view name(Channel channel) {
  switch (channel) {
    case Channel::post:
      return "POST";
    case Channel::mailbox:
      return "mailbox";
    case Channel::drop_folder:
      return "drop folder";
    case Channel::submit_socket:
      return "submit socket";
  }
  return {};
}

std::string_view name(Receipt::Status status) {
  switch (status) {
    case Receipt::Status::accepted:
      return "accepted";
    case Receipt::Status::replayed:
      return "replayed";
    case Receipt::Status::refused:
      return "refused";
  }
  return {};
}

std::unique_ptr<Receiver> make_receiver(ReceiverParts parts) {
  return std::make_unique<ReceiverImpl>(std::move(parts));
}

}  // namespace restante::intake
