// SPDX-License-Identifier: Apache-2.0
#include "proxy/key_set.hpp"

#include "base/text.hpp"
#include "proxy/json_tree.hpp"
#include "proxy/jws.hpp"

#include <fmt/format.h>

namespace restante::proxy {

namespace {

constexpr std::size_t most_keys = 16;

std::string keys_json(const std::vector<PublicKey>& keys) {
  std::string out = "[";
  for (const auto& key : keys)
    out += fmt::format(
        R"({}{{"kty":"EC","crv":"P-256","x":"{}","y":"{}","use":"enc","alg":"ECDH-ES+A256KW","kid":"{}"}})",
        out.size() > 1 ? "," : "", to_base64url(key.x), to_base64url(key.y), key.thumbprint());
  return out + "]";
}

tl::unexpected<Error> wrong(std::string what) {
  return fail(Reason::bad_signature, std::move(what),
              "somebody may stand between this device and the place; the keys that were known stay in use");
}

}  // namespace

std::string key_set_json(const KeySet& set) {
  return fmt::format(R"({{"keys":{}}})", keys_json(set.keys));
}

std::string sign_key_set(const PrivateKey& identity, const KeySet& set) {
  return sign_introducing(
      identity,
      fmt::format(R"({{"iss":"{}","iat":{},"keys":{}}})", set.place, set.issued, keys_json(set.keys)),
      key_set_type);
}

Result<KeySet> verify_key_set(std::string_view jws, std::string_view pinned_jkt) {
  auto parts = read_signed(jws, key_set_type);
  if (!parts)
    return wrong("the keys of the place are not signed as they have to be: " + parts.error().message);
  if (parts->kid != pinned_jkt || !parts->introduced)
    return wrong("the keys of the place are signed by another place");
  if (!parts->introduced->verify(parts->input, parts->signature))
    return wrong("the signature of the place's keys is wrong");
  auto tree = JsonTree::parse(parts->payload.text, {.bytes = 16 * 1024, .depth = 4});
  const auto malformed = [] {
    return fail(Reason::malformed, "the signed keys of the place are not a key set");
  };
  if (!tree || tree->root().kind != JsonTree::Kind::object) return malformed();
  const auto* place = tree->member(tree->root(), "iss");
  const auto* issued = tree->member(tree->root(), "iat");
  const auto* keys = tree->member(tree->root(), "keys");
  if (place == nullptr || place->text != pinned_jkt || issued == nullptr || !issued->is_integer ||
      issued->integer < 0 || keys == nullptr || keys->kind != JsonTree::Kind::array || keys->count == 0 ||
      keys->count > most_keys)
    return malformed();
  KeySet out{std::string(pinned_jkt), issued->integer, {}};
  for (const auto& one : tree->children(*keys)) {
    if (one.kind != JsonTree::Kind::object) return malformed();
    auto key = public_key_of(*tree, one);
    if (!key) return malformed();
    out.keys.push_back(std::move(*key));
  }
  return out;
}

}  // namespace restante::proxy
