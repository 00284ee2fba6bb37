// SPDX-License-Identifier: Apache-2.0
#include "api/submit_socket.hpp"

#include "api/json_writer.hpp"
#include "intake/mime.hpp"

#include <utility>
#include <vector>

namespace restante::api {

namespace {

std::string line_of(const intake::Receipt& receipt) {
  std::string out;
  JsonWriter json(out);
  json.open('{').key("status").text(intake::name(receipt.status));
  if (receipt.accepted) json.key("job").text(receipt.accepted->job.id.text());
  if (receipt.error) {
    json.key("reason").text(code(receipt.error->reason)).key("message").text(receipt.error->message);
    json.key("hint").text(receipt.error->remedy());
    json.key("transient").yes_no(receipt.error->transient);
  }
  json.close('}');
  return out + "\n";
}

/// On the control loop, one after the other, in their order.
Task<std::string> receive_all(intake::Receiver& receiver, std::vector<std::string> documents) {
  std::string out;
  for (auto& document : documents) {
    auto receiving = receiver.receive(std::move(document), intake::Channel::submit_socket);
    const auto receipt = co_await std::move(receiving);
    out += line_of(receipt);
  }
  co_return out;
}

class SubmitSocket final : public http::Handler {
public:
  SubmitSocket(Executor control, intake::Receiver& receiver)
      : control_(std::move(control)), receiver_(receiver) {}

  std::uint64_t body_limit(const http::Request&) const override { return intake::MimeLimits().message_bytes; }

  Task<http::Response> handle(http::Request request) override {
    if (request.method != "POST" || request.path != "/submit") {
      const auto error =
          fail(Reason::not_found, "only POST /submit is known here", "see `restanted receive`");
      co_return http::problem(error.value());
    }
    auto documents = intake::documents_in(request.body);
    if (!documents) co_return http::problem(documents.error());
    auto receiving = run_there(control_, receive_all(receiver_, std::move(*documents)));
    http::Response response;
    response.set("Content-Type", "application/jsonl");
    response.body = co_await std::move(receiving);
    co_return response;
  }

private:
  Executor control_;
  intake::Receiver& receiver_;
};

}  // namespace

std::unique_ptr<http::Handler> make_submit_socket(Executor control, intake::Receiver& receiver) {
  return std::make_unique<SubmitSocket>(std::move(control), receiver);
}

}  // namespace restante::api
