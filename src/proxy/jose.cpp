// SPDX-License-Identifier: Apache-2.0
#include "proxy/jose.hpp"

#include "base/text.hpp"
#include "proxy/evp.hpp"
#include "proxy/sealing_steps.hpp"

#include <fmt/format.h>
#include <openssl/err.h>

#include <array>

namespace restante::proxy {

namespace {

constexpr std::size_t largest_sealed = 1024 * 1024;
constexpr std::size_t largest_party = 512;  ///< bytes of apu and apv
constexpr JsonTree::Limits header_limits{.bytes = 4096, .depth = 4};
constexpr JsonTree::Limits whole_limits{.bytes = largest_sealed, .depth = 6};
constexpr std::string_view algorithm = "ECDH-ES+A256KW", encryption = "A256GCM";

tl::unexpected<Error> not_taken(std::string what) {
  return fail(Reason::seal_refused, std::move(what));
}
tl::unexpected<Error> broken(std::string what) {
  ERR_clear_error();
  return fail(Reason::bad_signature, std::move(what));
}

/// What the headers say together (RFC 7516 §7.2.1); every name once.
struct Head {
  std::string_view alg, enc, kid, typ, cty;
  std::string apu, apv;
  const JsonTree* epk_tree = nullptr;
  const JsonTree::Node* epk = nullptr;
  std::optional<std::int64_t> exp;
  unsigned seen = 0;  ///< one bit a name
};

constexpr std::array<std::string_view, 9> known_names{"alg", "enc", "kid", "typ", "cty",
                                                      "apu", "apv", "epk", "exp"};

Result<void> take_member(Head& head, const JsonTree& tree, const JsonTree::Node& member) {
  const auto found = std::find(known_names.begin(), known_names.end(), member.key);
  if (found == known_names.end())
    return not_taken(
        fmt::format("the header has a member that is not taken; taken are {}", fmt::join(known_names, ", ")));
  const unsigned bit = 1u << (found - known_names.begin());
  if ((head.seen & bit) != 0) return not_taken(fmt::format("{} stands twice in the headers", *found));
  head.seen |= bit;
  if (*found == "epk") {
    if (member.kind != JsonTree::Kind::object) return not_taken("epk is not a key");
    head.epk_tree = &tree;
    head.epk = &member;
    return {};
  }
  if (*found == "exp") {
    if (!member.is_integer || member.integer < 0) return not_taken("exp is not a time in whole seconds");
    head.exp = member.integer;
    return {};
  }
  if (member.kind != JsonTree::Kind::string) return not_taken(fmt::format("{} is not a text", *found));
  if (*found == "apu" || *found == "apv") {
    auto party = from_base64url(member.text);
    if (!party || party->size() > largest_party) return not_taken(fmt::format("{} is not base64url", *found));
    (*found == "apu" ? head.apu : head.apv) = std::move(*party);
    return {};
  }
  (*found == "alg"   ? head.alg
   : *found == "enc" ? head.enc
   : *found == "kid" ? head.kid
   : *found == "typ" ? head.typ
                     : head.cty) = member.text;
  return {};
}

Result<void> take_members(Head& head, const JsonTree& tree, const JsonTree::Node& object) {
  if (object.kind != JsonTree::Kind::object) return not_taken("a header is not a JSON object");
  for (const auto& member : tree.children(object))
    if (auto taken = take_member(head, tree, member); !taken) return taken;
  return {};
}

Result<void> check_head(const Head& head) {
  if (head.alg != algorithm) return not_taken(fmt::format("it is not sealed with {}", algorithm));
  if (head.enc != encryption) return not_taken(fmt::format("it is not sealed with {}", encryption));
  if (head.epk == nullptr) return not_taken("epk, the sender's part of the key, is missing");
  if (!head.typ.empty() && head.typ != sealed_type)
    return not_taken(fmt::format("it is of another type than {}", sealed_type));
  if (!head.cty.empty() && head.cty != signed_type)
    return not_taken(fmt::format("what is sealed is of another type than {}", signed_type));
  if (head.kid.size() < short_kid_size) return not_taken("kid, the key that it is sealed for, is missing");
  return {};
}

/// A sealed document in its parts. Views point into the text that was read, or into the trees.
struct Parts {
  SealedForm form = SealedForm::compact;
  std::string_view protected_text, key, nonce, content, tag, bound;  ///< base64url
  std::string protected_json;
  std::optional<JsonTree> whole, protected_tree;
  Head head;
};

std::optional<std::array<std::string_view, 5>> split_compact(std::string_view text) {
  std::array<std::string_view, 5> out;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto dot = text.find('.');
    if ((dot == std::string_view::npos) != (i + 1 == out.size())) return std::nullopt;
    out[i] = text.substr(0, dot);
    if (dot != std::string_view::npos) text.remove_prefix(dot + 1);
  }
  return out;
}

/// The members of flattened JSON, or of general JSON with one recipient.
Result<void> read_json(Parts& parts, std::string_view text) {
  auto tree = JsonTree::parse(text, whole_limits);
  if (!tree) return not_taken("it is not JSON with each name once: " + tree.error().message);
  parts.whole = std::move(*tree);
  const JsonTree& whole = *parts.whole;
  if (whole.root().kind != JsonTree::Kind::object) return not_taken("it is not a JSON object");
  const JsonTree::Node* recipient = &whole.root();
  if (const auto* all = whole.member(whole.root(), "recipients")) {
    if (all->kind != JsonTree::Kind::array || all->count != 1)
      return not_taken("it is not sealed for exactly one recipient");
    if (whole.member(whole.root(), "encrypted_key") != nullptr ||
        whole.member(whole.root(), "header") != nullptr)
      return not_taken("it mixes the general and the flattened form");
    recipient = &*whole.children(*all).begin();
    if (recipient->kind != JsonTree::Kind::object) return not_taken("its recipient is not an object");
  }
  const auto string = [&](const JsonTree::Node& object, std::string_view name, std::string_view& out) {
    const auto* member = whole.member(object, name);
    if (member == nullptr || member->kind != JsonTree::Kind::string) return false;
    out = member->text;
    return true;
  };
  if (!string(whole.root(), "protected", parts.protected_text) ||
      !string(*recipient, "encrypted_key", parts.key) || !string(whole.root(), "iv", parts.nonce) ||
      !string(whole.root(), "ciphertext", parts.content) || !string(whole.root(), "tag", parts.tag))
    return not_taken("one of protected, encrypted_key, iv, ciphertext and tag is missing");
  if (whole.member(whole.root(), "aad") != nullptr) return not_taken("aad is not taken");
  if (const auto* open = whole.member(whole.root(), "unprotected"))
    if (auto taken = take_members(parts.head, whole, *open); !taken) return taken;
  if (const auto* own = whole.member(*recipient, "header"))
    if (auto taken = take_members(parts.head, whole, *own); !taken) return taken;
  return {};
}

Result<std::unique_ptr<Parts>> read_parts(std::string_view text) {
  if (text.size() > largest_sealed)
    return fail(Reason::too_large, "the sealed document is larger than allowed");
  auto out = std::make_unique<Parts>();
  if (text.starts_with('{')) {
    out->form = SealedForm::json;
    if (auto read = read_json(*out, text); !read) return fail(std::move(read.error()));
  } else {
    const auto split = split_compact(text);
    if (!split) return not_taken("it is not a sealed document (JWE: JSON, or five parts with dots)");
    std::tie(out->protected_text, out->key, out->nonce, out->content, out->tag) = std::tuple_cat(*split);
  }
  auto header = from_base64url(out->protected_text);
  if (!header) return not_taken("the protected header is not base64url");
  out->protected_json = std::move(*header);
  auto tree = JsonTree::parse(out->protected_json, header_limits);
  if (!tree) return not_taken("the protected header is not JSON with each name once");
  out->protected_tree = std::move(*tree);
  if (auto taken = take_members(out->head, *out->protected_tree, out->protected_tree->root()); !taken)
    return fail(std::move(taken.error()));
  if (auto good = check_head(out->head); !good) return fail(std::move(good.error()));
  return out;
}

}  // namespace

bool names_key(std::string_view kid, std::string_view thumbprint) {
  return kid.size() >= short_kid_size && thumbprint.starts_with(kid);
}

std::string seal_for(const PublicKey& recipient, std::string_view signed_document, std::int64_t exp,
                     SealedForm form) {
  const auto ephemeral = PrivateKey::generate();
  const KeyPtr theirs = public_evp(recipient);
  RESTANTE_REQUIRE(theirs != nullptr);
  const Secret agreed = agree(static_cast<EVP_PKEY*>(ephemeral.native()), theirs.get());
  RESTANTE_REQUIRE(!agreed.text.empty());
  const Secret content_key{random_string(key_size)};
  const Secret encrypted_key = wrap_key(concat_kdf(agreed, algorithm, {}, {}, key_size), content_key);
  RESTANTE_REQUIRE(encrypted_key.text.size() == wrapped_size);
  const std::string kid = recipient.thumbprint();
  const std::string header =
      form == SealedForm::compact
          ? fmt::format(R"({{"alg":"{}","enc":"{}","kid":"{}","epk":{}}})", algorithm, encryption,
                        kid.substr(0, short_kid_size), ephemeral.public_key().jwk())
          : fmt::format(R"({{"alg":"{}","enc":"{}","typ":"{}","cty":"{}","kid":"{}","epk":{},"exp":{}}})",
                        algorithm, encryption, sealed_type, signed_type, kid, ephemeral.public_key().jwk(),
                        exp);
  const std::string bound = to_base64url(header);
  const EncryptedContent sealed = encrypt(content_key, signed_document, bound);
  const auto key = to_base64url(encrypted_key.text), nonce = to_base64url(sealed.nonce),
             content = to_base64url(sealed.content), tag = to_base64url(sealed.tag);
  if (form == SealedForm::compact) return fmt::format("{}.{}.{}.{}.{}", bound, key, nonce, content, tag);
  return fmt::format(R"({{"protected":"{}","encrypted_key":"{}","iv":"{}","ciphertext":"{}","tag":"{}"}})",
                     bound, key, nonce, content, tag);
}

Result<SealedHead> read_sealed_head(std::string_view sealed) {
  auto parts = read_parts(sealed);
  if (!parts) return fail(std::move(parts.error()));
  return SealedHead{std::string((*parts)->head.kid), (*parts)->head.exp, (*parts)->form};
}

Result<Secret> open_sealed(std::string_view sealed, const DecryptionKeys& keys, Instant now) {
  auto read = read_parts(sealed);
  if (!read) return fail(std::move(read.error()));
  const Parts& parts = **read;
  const auto ours = keys.decryption_key(parts.head.kid);
  if (!ours) return fail(Reason::not_for_me, "it is sealed for a key that this place has not got");
  if (parts.head.exp && *parts.head.exp <= std::chrono::floor<Seconds>(now).time_since_epoch().count())
    return fail(Reason::expired,
                "it could be handed in until " + to_rfc3339(Instant(Seconds(*parts.head.exp))));
  const auto sender = public_key_of(*parts.head.epk_tree, *parts.head.epk);
  if (!sender) return not_taken("epk: " + sender.error().message);
  const auto key = from_base64url(parts.key), nonce = from_base64url(parts.nonce),
             tag = from_base64url(parts.tag);
  auto content = from_base64url(parts.content);
  if (!key || !nonce || !tag || !content) return not_taken("a part is not base64url without padding");
  if (key->size() != wrapped_size || nonce->size() != nonce_size || tag->size() != tag_size)
    return not_taken("encrypted_key, iv or tag is not as long as it has to be (40, 12 and 16 bytes)");
  const KeyPtr theirs = public_evp(*sender);
  if (!theirs) return not_taken("epk is not a point on the curve P-256");
  const Secret agreed = agree(static_cast<EVP_PKEY*>(ours->native()), theirs.get());
  if (agreed.text.empty()) return broken("no key can be agreed on with epk");
  const Secret wrapping = concat_kdf(agreed, algorithm, parts.head.apu, parts.head.apv, key_size);
  const Secret content_key = unwrap_key(wrapping, *key);
  if (content_key.text.size() != key_size) return broken("its seal does not open with our key");
  auto plain =
      decrypt(content_key, {std::move(*nonce), std::move(*content), std::move(*tag)}, parts.protected_text);
  if (!plain) return broken("its seal is broken");
  return std::move(*plain);
}

}  // namespace restante::proxy
