// SPDX-License-Identifier: Apache-2.0
#include "proxy/jws.hpp"

#include "base/text.hpp"
#include "proxy/json_tree.hpp"

#include <fmt/format.h>

#include <array>

namespace restante::proxy {

namespace {

constexpr JsonTree::Limits header_limits{.bytes = 4096, .depth = 4};

std::string signed_with(const PrivateKey& key, std::string_view header, std::string_view payload) {
  std::string out = to_base64url(header) + "." + to_base64url(payload);
  const auto signature = to_base64url(key.sign(out));
  return out + "." + signature;
}

tl::unexpected<Error> not_proven(std::string what) {
  return fail(Reason::unauthenticated, std::move(what));
}

tl::unexpected<Error> not_taken(std::string what) {
  return fail(Reason::seal_refused, std::move(what));
}

struct Parts {
  std::string_view header, payload, signature, input;
};
std::optional<Parts> split(std::string_view jws) {
  const auto first = jws.find('.');
  const auto second = first == std::string_view::npos ? first : jws.find('.', first + 1);
  if (second == std::string_view::npos || jws.find('.', second + 1) != std::string_view::npos)
    return std::nullopt;
  return Parts{jws.substr(0, first), jws.substr(first + 1, second - first - 1), jws.substr(second + 1),
               jws.substr(0, second)};
}

std::string_view text_of(const JsonTree& tree, std::string_view name) {
  const auto* member = tree.member(tree.root(), name);
  return member != nullptr && member->kind == JsonTree::Kind::string ? member->text : std::string_view();
}

}  // namespace

std::string sign_compact(const PrivateKey& key, std::string_view payload, std::string_view typ) {
  return signed_with(
      key, fmt::format(R"({{"alg":"ES256","kid":"{}","typ":"{}"}})", key.public_key().thumbprint(), typ),
      payload);
}

std::string sign_introducing(const PrivateKey& key, std::string_view payload, std::string_view typ) {
  const PublicKey shown = key.public_key();
  return signed_with(key,
                     fmt::format(R"({{"alg":"ES256","jwk":{},"kid":"{}","typ":"{}"}})", shown.jwk(),
                                 shown.thumbprint(), typ),
                     payload);
}

Result<Verified> verify_compact(std::string_view jws, const PublicKey& key, std::string_view typ) {
  if (jws.size() > largest_jws) return not_proven("the signed text is too large");
  const auto parts = split(jws);
  if (!parts) return not_proven("it is not a signed text (JWS, three parts with dots)");
  const auto header = from_base64url(parts->header);
  auto payload = from_base64url(parts->payload);
  const auto signature = from_base64url(parts->signature);
  if (!header || !payload || !signature) return not_proven("a part of the signed text is not base64url");

  auto tree = JsonTree::parse(*header, header_limits);
  if (!tree || tree->root().kind != JsonTree::Kind::object)
    return not_proven("the header of the signed text is not a JSON object");
  if (text_of(*tree, "alg") != "ES256") return not_proven("the signed text is not signed with ES256");
  if (text_of(*tree, "typ") != typ) return not_proven("the signed text is of another type");
  if (tree->member(tree->root(), "crit") != nullptr)
    return not_proven("the signed text demands what is not known here (crit)");
  if (text_of(*tree, "kid") != key.thumbprint()) return not_proven("the signed text names another key");
  if (!key.verify(parts->input, *signature)) return not_proven("the signature is wrong");
  return Verified{std::move(*payload), std::string(text_of(*tree, "kid"))};
}

Result<SignedParts> read_signed(std::string_view jws, std::string_view typ) {
  if (jws.size() > largest_jws) return fail(Reason::too_large, "the signed document is larger than allowed");
  const auto parts = split(jws);
  if (!parts) return not_taken("it is not a signed document (JWS, three parts with dots)");
  const auto header = from_base64url(parts->header);
  auto payload = from_base64url(parts->payload);
  SignedParts out;
  if (payload) out.payload = Secret(std::move(*payload));
  auto signature = from_base64url(parts->signature);
  if (!header || !payload || !signature)
    return not_taken("a part of the signed document is not base64url without padding (RFC 7515)");

  auto tree = JsonTree::parse(*header, header_limits);
  if (!tree || tree->root().kind != JsonTree::Kind::object)
    return not_taken("the header of the signed document is not a JSON object with each name once");
  constexpr std::array<std::string_view, 4> known{"alg", "kid", "typ", "jwk"};
  for (const auto& member : tree->children(tree->root()))
    if (std::find(known.begin(), known.end(), member.key) == known.end())
      return not_taken(
          "the header of the signed document has a member that is not taken: only alg, kid, typ, jwk");
  if (text_of(*tree, "alg") != "ES256") return not_taken("the document is not signed with ES256");
  if (text_of(*tree, "typ") != typ)
    return not_taken(fmt::format("the signed document is of another type than {}", typ));
  out.kid = text_of(*tree, "kid");
  if (out.kid.size() != 43) return not_taken("kid of the signed document is not the thumbprint of a key");
  if (const auto* jwk = tree->member(tree->root(), "jwk")) {
    if (jwk->kind != JsonTree::Kind::object) return not_taken("jwk of the signed document is not a key");
    auto introduced = public_key_of(*tree, *jwk);
    if (!introduced || introduced->thumbprint() != out.kid)
      return not_taken("jwk of the signed document is not the key that kid names");
    out.introduced = std::move(*introduced);
  }
  out.input = parts->input;
  out.signature = std::move(*signature);
  return out;
}

}  // namespace restante::proxy
