// SPDX-License-Identifier: Apache-2.0
#include "proxy/sealing_steps.hpp"

#include "base/result.hpp"
#include "proxy/evp.hpp"

#include <openssl/crypto.h>

namespace restante::proxy {

namespace {

// Fetched once: looking an algorithm up costs more than using it on a short text.
const EVP_CIPHER* key_wrap() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-WRAP", nullptr);
  return cipher;
}
const EVP_CIPHER* content_cipher() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return cipher;
}

std::string be32(std::size_t number) {
  std::string out(4, '\0');
  for (int i = 0; i < 4; ++i) out[static_cast<std::size_t>(i)] = static_cast<char>(number >> (24 - 8 * i));
  return out;
}

Secret through_key_wrap(const Secret& key, std::string_view content, int wrap) {
  const CipherContextPtr context(EVP_CIPHER_CTX_new());
  if (!context) return {};
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  Secret out{std::string(content.size() + 16, '\0')};
  int size = 0, rest = 0;
  if (EVP_CipherInit_ex2(context.get(), key_wrap(), bytes(key.text), nullptr, wrap, nullptr) != 1 ||
      EVP_CipherUpdate(context.get(), bytes(out.text), &size, bytes(content),
                       static_cast<int>(content.size())) != 1 ||
      EVP_CipherFinal_ex(context.get(), bytes(out.text) + size, &rest) != 1)
    return {};
  out.text.resize(static_cast<std::size_t>(size + rest));
  return out;
}

}  // namespace

Secret agree(EVP_PKEY* ours, EVP_PKEY* theirs) {
  const KeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, ours, nullptr));
  Secret out{std::string(key_size, '\0')};
  std::size_t size = key_size;
  if (!context || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer_ex(context.get(), theirs, 0) != 1 ||
      EVP_PKEY_derive(context.get(), bytes(out.text), &size) != 1 || size != key_size)
    wipe(out.text);
  return out;
}

Secret concat_kdf(const Secret& agreed, std::string_view algorithm, std::string_view apu,
                  std::string_view apv, std::size_t size) {
  Secret input{be32(1)};
  input.text.reserve(64 + agreed.text.size() + algorithm.size() + apu.size() + apv.size());
  input.text += agreed.text;
  for (const std::string_view part : {algorithm, apu, apv}) {
    input.text += be32(part.size());
    input.text += part;
  }
  input.text += be32(size * 8);
  auto digest = sha256(input.text);
  Secret out{std::string(reinterpret_cast<const char*>(digest.data()), std::min(size, digest.size()))};
  OPENSSL_cleanse(digest.data(), digest.size());
  return out;
}

Secret wrap_key(const Secret& wrapping, const Secret& key) {
  return through_key_wrap(wrapping, key.text, 1);
}

Secret unwrap_key(const Secret& wrapping, std::string_view wrapped) {
  return through_key_wrap(wrapping, wrapped, 0);
}

EncryptedContent encrypt(const Secret& key, std::string_view plain, std::string_view bound) {
  const CipherContextPtr context(EVP_CIPHER_CTX_new());
  EncryptedContent out{random_string(nonce_size), std::string(plain.size(), '\0'),
                       std::string(tag_size, '\0')};
  int size = 0;
  RESTANTE_REQUIRE(context != nullptr);
  RESTANTE_REQUIRE(
      EVP_EncryptInit_ex2(context.get(), content_cipher(), bytes(key.text), bytes(out.nonce), nullptr) == 1);
  RESTANTE_REQUIRE(
      EVP_EncryptUpdate(context.get(), nullptr, &size, bytes(bound), static_cast<int>(bound.size())) == 1);
  RESTANTE_REQUIRE(EVP_EncryptUpdate(context.get(), bytes(out.content), &size, bytes(plain),
                                     static_cast<int>(plain.size())) == 1);
  RESTANTE_REQUIRE(EVP_EncryptFinal_ex(context.get(), bytes(out.content) + size, &size) == 1);
  RESTANTE_REQUIRE(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, tag_size, out.tag.data()) == 1);
  return out;
}

std::optional<Secret> decrypt(const Secret& key, const EncryptedContent& sealed, std::string_view bound) {
  const CipherContextPtr context(EVP_CIPHER_CTX_new());
  Secret out{std::string(sealed.content.size(), '\0')};
  std::string tag = sealed.tag;
  int size = 0;
  if (!context ||
      EVP_DecryptInit_ex2(context.get(), content_cipher(), bytes(key.text), bytes(sealed.nonce), nullptr) !=
          1 ||
      EVP_DecryptUpdate(context.get(), nullptr, &size, bytes(bound), static_cast<int>(bound.size())) != 1 ||
      EVP_DecryptUpdate(context.get(), bytes(out.text), &size, bytes(sealed.content),
                        static_cast<int>(sealed.content.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, tag_size, tag.data()) != 1 ||
      EVP_DecryptFinal_ex(context.get(), bytes(out.text) + size, &size) != 1)
    return std::nullopt;
  return out;
}

}  // namespace restante::proxy
