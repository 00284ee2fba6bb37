// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "fuzz.hpp"
#include "proxy/document.hpp"
#include "proxy/envelope.hpp"
#include "proxy/evp.hpp"
#include "proxy/jws.hpp"
#include "proxy/key_set.hpp"
#include "proxy/policy.hpp"
#include "proxy/sealing_steps.hpp"

#include <string>

// Signed and sealed documents. The first byte says what the rest is:
//   'o'  what came from outside, as it is; the corpus has documents of the two keys below
//   'h'  a line with the header of the sealed document (of "@" as epk a real one is made), then what is
//   sealed 's'  what is sealed, well 'j'  a line with the header of the signed document, then the core:
//   signed by the known device, and sealed
// So that mutations reach what lies behind each seal.
namespace restante::fuzz {

namespace {

constexpr std::string_view device_pem = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg1Lv4lN9sk93Rry2y
5vwia3Xadmwik/7kMmZWjs6rb1ShRANCAASMdreWog1DpJgoxiCiPS782awhcOGR
BQqDwXYyZTwkIZMmDWBmo7NlH7M0Vht18ItUTu0kDiFt9VEqxb93Xz5X
-----END PRIVATE KEY-----
)";
constexpr std::string_view place_pem = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgf0/UMyLHKSLmeVWg
LDoHd0NRLnvW9UU8TmWUwxGRJPmhRANCAAT1ZZGcsUXbNF/8Dam7GiBwsZw5GF20
PajB+VQGKNsdgeI7CztXTsZOdMypRuS0D2YKzBAnTcUZKdzVp75dowms
-----END PRIVATE KEY-----
)";
const Instant now{Seconds{1795335600}};

const proxy::PrivateKey& device() {
  static const proxy::PrivateKey key = proxy::PrivateKey::from_pem(device_pem).value();
  return key;
}

class Known final : public proxy::EnvelopeKeys {
public:
  std::shared_ptr<const proxy::PrivateKey> decryption_key(std::string_view kid) const override {
    return proxy::names_key(kid, thumbprint_) ? place_ : nullptr;
  }
  std::optional<proxy::PublicKey> device_key(std::string_view jkt) const override {
    return jkt == device_.thumbprint() ? std::optional(device_) : std::nullopt;
  }
  const proxy::PrivateKey& place() const { return *place_; }

private:
  std::shared_ptr<const proxy::PrivateKey> place_ =
      std::make_shared<const proxy::PrivateKey>(proxy::PrivateKey::from_pem(place_pem).value());
  std::string thumbprint_ = place_->public_key().thumbprint();
  proxy::PublicKey device_ = device().public_key();
};

const Known& known() {
  static const Known keys;
  return keys;
}

/// The core of what a person's device may have made; nullopt where it is refused.
std::optional<std::string> opened(std::string_view text) {
  auto document = proxy::open_document(text, known(), now);
  if (!document) {
    check(!document.error().message.empty(), "a refusal says why");
    return std::nullopt;
  }
  check(document->device == device().public_key().thumbprint(), "only the known device is believed");
  if (const auto core = proxy::parse(document->core.text)) {
    static_cast<void>(proxy::check_supported(*core));
    static_cast<void>(proxy::check_times(*core, now));
  }
  return std::move(document->core.text);
}

std::pair<std::string_view, std::string_view> first_line(std::string_view input) {
  const auto end = std::min(input.find('\n'), input.size());
  return {input.substr(0, end), input.substr(std::min(end + 1, input.size()))};
}

/// Sealed for the place as it should be, under whatever header.
std::string sealed_under(std::string header, std::string_view plain) {
  const auto ephemeral = proxy::PrivateKey::generate();
  if (const auto at = header.find("\"@\""); at != header.npos)
    header.replace(at, 3, ephemeral.public_key().jwk());
  const auto theirs = proxy::public_evp(known().place().public_key());
  const Secret agreed = proxy::agree(static_cast<EVP_PKEY*>(ephemeral.native()), theirs.get());
  const Secret key{std::string(proxy::key_size, 'k')};
  const Secret wrapped =
      proxy::wrap_key(proxy::concat_kdf(agreed, "ECDH-ES+A256KW", {}, {}, proxy::key_size), key);
  const std::string bound = to_base64url(header);
  const auto sealed = proxy::encrypt(key, plain, bound);
  return bound + "." + to_base64url(wrapped.text) + "." + to_base64url(sealed.nonce) + "." +
         to_base64url(sealed.content) + "." + to_base64url(sealed.tag);
}

std::string sealed_well(std::string_view plain) {
  return proxy::seal_for(known().place().public_key(), plain, 1796200000, proxy::SealedForm::json);
}

}  // namespace

void jose(std::string_view input) {
  if (input.empty()) return;
  const char mode = input.front();
  input.remove_prefix(1);
  if (mode == 'h') {
    const auto [header, plain] = first_line(input);
    const auto document = sealed_under(std::string(header), plain);
    const auto core = opened(document);
    const auto head = proxy::read_sealed_head(document);
    check(!core || head, "what is opened has a head that can be read");
  } else if (mode == 's') {
    const auto core = opened(sealed_well(input));
    check(core == opened(input) || proxy::looks_sealed(proxy::envelope_in(input)) ||
              proxy::envelope_in(input) != input,
          "a seal changes nothing about what is inside");
  } else if (mode == 'j') {
    const auto [header, core] = first_line(input);
    const std::string text = to_base64url(header) + "." + to_base64url(core);
    const auto inside = opened(sealed_well(text + "." + to_base64url(device().sign(text))));
    check(!inside || *inside == core, "what was signed is what comes out");
  } else {
    static_cast<void>(opened(input));
    if (const auto head = proxy::read_sealed_head(proxy::envelope_in(input)))
      check(head->kid.size() >= proxy::short_kid_size, "a key is named");
    static const std::string pin = device().public_key().thumbprint();
    if (const auto set = proxy::verify_key_set(input, pin)) {
      check(set->place == pin && !set->keys.empty(), "a set is of its place, and has a key");
      check(proxy::verify_key_set(proxy::sign_key_set(device(), *set), pin).has_value(),
            "a set that is written is read");
    }
  }
}

}  // namespace restante::fuzz
