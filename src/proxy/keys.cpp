// SPDX-License-Identifier: Apache-2.0
#include "proxy/keys.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "proxy/evp.hpp"
#include "proxy/json_tree.hpp"

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <memory>

namespace restante::proxy {

namespace {

using NumberPtr = std::unique_ptr<BIGNUM, Freeing<BN_free>>;
using SignaturePtr = std::unique_ptr<ECDSA_SIG, Freeing<ECDSA_SIG_free>>;
using BuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, Freeing<OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, Freeing<OSSL_PARAM_free>>;

tl::unexpected<Error> not_a_key(std::string what) {
  return fail(Reason::invalid, std::move(what),
              R"(a P-256 key is {"kty":"EC","crv":"P-256","x":"...","y":"..."})");
}

}  // namespace

KeyPtr public_evp(const PublicKey& key) {
  if (key.checked) {
    auto* shared = static_cast<EVP_PKEY*>(key.checked.get());
    return KeyPtr(EVP_PKEY_up_ref(shared) == 1 ? shared : nullptr);
  }
  if (key.x.size() != coordinate_size || key.y.size() != coordinate_size) return nullptr;
  const std::string point = "\x04" + key.x + key.y;
  BuilderPtr builder(OSSL_PARAM_BLD_new());
  KeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  if (!builder || !context ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) !=
          1)
    return nullptr;
  ParamsPtr params(OSSL_PARAM_BLD_to_param(builder.get()));
  EVP_PKEY* raw = nullptr;
  const bool made = params && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                    EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_PUBLIC_KEY, params.get()) == 1;
  KeyPtr out(raw);
  if (made) {
    // The cofactor of P-256 is 1: a point on the curve is in the group, and multiplying it with the order, as
    // the full check does, proves nothing more (SP 800-56A rev. 3, 5.6.2.3.4).
    KeyContextPtr check(EVP_PKEY_CTX_new_from_pkey(nullptr, out.get(), nullptr));
    if (check && EVP_PKEY_public_check_quick(check.get()) == 1) return out;
  }
  ERR_clear_error();
  return nullptr;
}

std::string PublicKey::jwk() const {
  // The members in the order of RFC 7638 §3, so that this is also what the thumbprint is taken of.
  return fmt::format(R"({{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}})", to_base64url(x), to_base64url(y));
}

std::string PublicKey::thumbprint() const {
  const auto digest = sha256(jwk());
  return to_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

Result<PublicKey> public_key_of(const JsonTree& tree, const JsonTree::Node& node) {
  const auto text = [&](std::string_view name) {
    const auto* member = tree.member(node, name);
    return member != nullptr && member->kind == JsonTree::Kind::string ? member->text : std::string_view();
  };
  if (text("kty") != "EC" || text("crv") != "P-256") return not_a_key("the key is not a P-256 key");
  if (tree.member(node, "d") != nullptr)
    return not_a_key("the key has its private half in it; never send that");
  const auto x = from_base64url(text("x")), y = from_base64url(text("y"));
  if (!x || !y) return not_a_key("the coordinates of the key are not base64url");
  PublicKey out{*x, *y};
  auto checked = public_evp(out);
  if (!checked) return not_a_key("the key is not a point on the curve P-256");
  out.checked = std::shared_ptr<EVP_PKEY>(std::move(checked));
  return out;
}

Result<PublicKey> PublicKey::from_jwk(std::string_view json) {
  auto tree = JsonTree::parse(json, {.bytes = 4096, .depth = 4});
  if (!tree) return fail(std::move(tree.error()));
  if (tree->root().kind != JsonTree::Kind::object) return not_a_key("the key is not a JSON object");
  return public_key_of(*tree, tree->root());
}

bool PublicKey::verify(std::string_view message, std::string_view signature) const {
  if (signature.size() != 2 * coordinate_size) return false;
  KeyPtr key = public_evp(*this);
  NumberPtr r(BN_bin2bn(bytes(signature), coordinate_size, nullptr));
  NumberPtr s(BN_bin2bn(bytes(signature) + coordinate_size, coordinate_size, nullptr));
  SignaturePtr pair(ECDSA_SIG_new());
  if (!key || !r || !s || !pair || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return false;
  static_cast<void>(r.release());
  static_cast<void>(s.release());
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) return false;
  DigestContextPtr context(EVP_MD_CTX_new());
  const bool good =
      context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
      EVP_DigestVerify(context.get(), der, static_cast<std::size_t>(size), bytes(message), message.size()) ==
          1;
  OPENSSL_free(der);
  if (!good) ERR_clear_error();
  return good;
}

struct PrivateKey::State {
  KeyPtr key;
};

PrivateKey::PrivateKey(std::unique_ptr<State> state) : state_(std::move(state)) {
}
PrivateKey::PrivateKey(PrivateKey&&) noexcept = default;
PrivateKey& PrivateKey::operator=(PrivateKey&&) noexcept = default;
PrivateKey::~PrivateKey() = default;

PrivateKey PrivateKey::generate() {
  auto state = std::make_unique<State>();
  state->key.reset(EVP_EC_gen("P-256"));
  RESTANTE_REQUIRE(state->key != nullptr);
  return PrivateKey(std::move(state));
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), 65536))));
  auto state = std::make_unique<State>();
  // An encrypted key must fail here instead of asking on the terminal.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  state->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  char group[32] = "";
  if (!state->key || EVP_PKEY_is_a(state->key.get(), "EC") != 1 ||
      EVP_PKEY_get_group_name(state->key.get(), group, sizeof group, nullptr) != 1 ||
      std::string_view(group) != "prime256v1") {
    ERR_clear_error();
    return fail(Reason::invalid, "this is not an unencrypted P-256 private key in PEM",
                "restore the key file from a backup");
  }
  return PrivateKey(std::move(state));
}

std::string PrivateKey::pem() const {
  BioPtr bio(BIO_new(BIO_s_secmem()));
  RESTANTE_REQUIRE(bio != nullptr);
  RESTANTE_REQUIRE(PEM_write_bio_PKCS8PrivateKey(bio.get(), state_->key.get(), nullptr, nullptr, 0, nullptr,
                                                 nullptr) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

PublicKey PrivateKey::public_key() const {
  const auto coordinate = [this](const char* name) {
    BIGNUM* raw = nullptr;
    RESTANTE_REQUIRE(EVP_PKEY_get_bn_param(state_->key.get(), name, &raw) == 1);
    const NumberPtr number(raw);
    std::string out(coordinate_size, '\0');
    RESTANTE_REQUIRE(BN_bn2binpad(number.get(), reinterpret_cast<unsigned char*>(out.data()),
                                  coordinate_size) == static_cast<int>(coordinate_size));
    return out;
  };
  return {coordinate(OSSL_PKEY_PARAM_EC_PUB_X), coordinate(OSSL_PKEY_PARAM_EC_PUB_Y)};
}

std::string PrivateKey::sign(std::string_view message) const {
  DigestContextPtr context(EVP_MD_CTX_new());
  std::size_t size = 0;
  RESTANTE_REQUIRE(context != nullptr);
  RESTANTE_REQUIRE(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, state_->key.get()) == 1);
  RESTANTE_REQUIRE(EVP_DigestSign(context.get(), nullptr, &size, bytes(message), message.size()) == 1);
  std::string der(size, '\0');
  RESTANTE_REQUIRE(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(der.data()), &size,
                                  bytes(message), message.size()) == 1);
  const unsigned char* at = bytes(der);
  SignaturePtr pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  RESTANTE_REQUIRE(pair != nullptr);
  std::string out(2 * coordinate_size, '\0');
  auto* raw = reinterpret_cast<unsigned char*>(out.data());
  RESTANTE_REQUIRE(BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), raw, coordinate_size) > 0);
  RESTANTE_REQUIRE(BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), raw + coordinate_size, coordinate_size) > 0);
  return out;
}

void* PrivateKey::native() const {
  return state_->key.get();
}

}  // namespace restante::proxy
