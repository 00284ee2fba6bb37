// SPDX-License-Identifier: Apache-2.0
#include "request/seal.hpp"

#include "base/crypto.hpp"
#include "base/result.hpp"

#include <openssl/evp.h>

#include <memory>

namespace restante::request {
namespace {

constexpr std::string_view magic = "RS1\n";
constexpr std::size_t nonce_size = 12, tag_size = 16;

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

}  // namespace

std::string seal(std::string_view key, std::string_view plain, std::string_view bound) {
  RESTANTE_REQUIRE(key.size() == seal_key_size);
  const std::string nonce = random_string(nonce_size);
  Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  std::string out(plain.size(), '\0'), tag(tag_size, '\0');
  int size = 0;
  RESTANTE_REQUIRE(context != nullptr);
  RESTANTE_REQUIRE(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes(key), bytes(nonce)) ==
                   1);
  RESTANTE_REQUIRE(
      EVP_EncryptUpdate(context.get(), nullptr, &size, bytes(bound), static_cast<int>(bound.size())) == 1);
  RESTANTE_REQUIRE(
      EVP_EncryptUpdate(context.get(), bytes(out), &size, bytes(plain), static_cast<int>(plain.size())) == 1);
  RESTANTE_REQUIRE(EVP_EncryptFinal_ex(context.get(), bytes(out) + size, &size) == 1);
  RESTANTE_REQUIRE(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, tag_size, tag.data()) == 1);
  return std::string(magic) + nonce + out + tag;
}

std::optional<std::string> unseal(std::string_view key, std::string_view sealed, std::string_view bound) {
  if (key.size() != seal_key_size || !sealed.starts_with(magic) ||
      sealed.size() < magic.size() + nonce_size + tag_size)
    return std::nullopt;
  sealed.remove_prefix(magic.size());
  const std::string_view nonce = sealed.substr(0, nonce_size);
  std::string tag(sealed.substr(sealed.size() - tag_size));
  const std::string_view body = sealed.substr(nonce_size, sealed.size() - nonce_size - tag_size);
  Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  std::string out(body.size(), '\0');
  int size = 0;
  RESTANTE_REQUIRE(context != nullptr);
  if (EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes(key), bytes(nonce)) != 1 ||
      EVP_DecryptUpdate(context.get(), nullptr, &size, bytes(bound), static_cast<int>(bound.size())) != 1 ||
      EVP_DecryptUpdate(context.get(), bytes(out), &size, bytes(body), static_cast<int>(body.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, tag_size, tag.data()) != 1 ||
      EVP_DecryptFinal_ex(context.get(), bytes(out) + size, &size) != 1)
    return std::nullopt;
  return out;
}

}  // namespace restante::request
