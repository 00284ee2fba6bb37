// SPDX-License-Identifier: Apache-2.0
// Our C++ as one of the peers of test_matrix.py: a JSON object a line in, one a line out.
#include "base/text.hpp"
#include "proxy/envelope.hpp"
#include "proxy/jws.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>
#include <string>

namespace {

using namespace restante;
namespace json = boost::json;

/// One place and one device.
class Known final : public proxy::EnvelopeKeys {
public:
  explicit Known(const json::object& asked) {
    if (const auto* pem = asked.if_contains("pem"))
      place_ = std::make_shared<const proxy::PrivateKey>(
          std::move(*proxy::PrivateKey::from_pem(pem->as_string())));
    if (const auto* jwk = asked.if_contains("device"))
      device_ = *proxy::PublicKey::from_jwk(json::serialize(*jwk));
  }
  std::shared_ptr<const proxy::PrivateKey> decryption_key(std::string_view kid) const override {
    return place_ && proxy::names_key(kid, place_->public_key().thumbprint()) ? place_ : nullptr;
  }
  std::optional<proxy::PublicKey> device_key(std::string_view jkt) const override {
    return device_ && device_->thumbprint() == jkt ? device_ : std::nullopt;
  }

private:
  std::shared_ptr<const proxy::PrivateKey> place_;
  std::optional<proxy::PublicKey> device_;
};

json::object refused(const Error& error) {
  return {{"refused", code(error.reason)}, {"message", error.message}};
}

std::string text(const json::object& asked, const char* name) {
  return std::string(asked.at(name).as_string());
}

json::object answer(const json::object& asked) {
  const std::string op = text(asked, "op");
  if (op == "sign") {
    auto key = proxy::PrivateKey::from_pem(text(asked, "pem"));
    return {{"out", proxy::sign_compact(*key, text(asked, "text"), text(asked, "typ"))}};
  }
  if (op == "seal") {
    auto key = proxy::PublicKey::from_jwk(json::serialize(asked.at("recipient")));
    const auto form = text(asked, "form") == "json" ? proxy::SealedForm::json : proxy::SealedForm::compact;
    return {
        {"out", proxy::seal_for(*key, text(asked, "text"), asked.at("exp").to_number<std::int64_t>(), form)}};
  }
  const Known known(asked);
  const Instant now{Seconds(asked.at("now").to_number<std::int64_t>())};
  if (op == "open") {
    auto opened = proxy::open_sealed(text(asked, "text"), known, now);
    return opened ? json::object{{"out", opened->text}} : refused(opened.error());
  }
  // "document" and "verify": whether sealed or only signed shows in the text.
  auto opened = proxy::open_document(text(asked, "text"), known, now);
  return opened ? json::object{{"out", opened->core.text}} : refused(opened.error());
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line))
    std::cout << json::serialize(answer(json::parse(line).as_object())) << '\n';
  return 0;
}
