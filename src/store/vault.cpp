// SPDX-License-Identifier: Apache-2.0
#include "store/vault.hpp"

#include "base/crypto.hpp"

#include <openssl/evp.h>

#include <memory>

namespace restante::store {
namespace {

constexpr char version = 1;
constexpr std::size_t key_size = 32, key_id_size = 4, nonce_size = 12, tag_size = 16;
constexpr std::size_t head_size = 1 + key_id_size + nonce_size;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

}  // namespace

MasterKeyVault::MasterKeyVault(std::string key) : key_(std::move(key)) {
  RESTANTE_REQUIRE(key_.size() == key_size);
  std::string labelled = std::string("restante-vault-key") + '\0' + key_;
  const Digest256 digest = sha256(labelled);
  wipe(labelled);
  key_id_.assign(reinterpret_cast<const char*>(digest.data()), key_id_size);
}

MasterKeyVault::~MasterKeyVault() {
  wipe(key_);
}

std::string MasterKeyVault::seal(std::string_view plain, std::string_view context) const {
  std::string out;
  out.reserve(head_size + plain.size() + tag_size);
  out += version;
  out += key_id_;
  const std::string nonce = random_string(nonce_size);
  out += nonce;
  out.resize(head_size + plain.size() + tag_size);
  unsigned char* body = bytes(out) + head_size;

  const Context cipher(EVP_CIPHER_CTX_new());
  int written = 0, rest = 0;
  RESTANTE_REQUIRE(cipher != nullptr);
  RESTANTE_REQUIRE(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key_), bytes(nonce)) ==
                   1);
  RESTANTE_REQUIRE(EVP_EncryptUpdate(cipher.get(), nullptr, &written, bytes(context),
                                     static_cast<int>(context.size())) == 1);
  RESTANTE_REQUIRE(
      EVP_EncryptUpdate(cipher.get(), body, &written, bytes(plain), static_cast<int>(plain.size())) == 1);
  RESTANTE_REQUIRE(EVP_EncryptFinal_ex(cipher.get(), body + written, &rest) == 1);
  RESTANTE_REQUIRE(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, tag_size, body + plain.size()) ==
                   1);
  return out;
}

Result<std::string> MasterKeyVault::open(std::string_view sealed, std::string_view context) const {
  if (sealed.size() < head_size + tag_size || sealed[0] != version)
    return fail(Reason::storage, "a sealed value of the store is damaged",
                "restore a backup: restanted restore FILE");
  if (sealed.substr(1, key_id_size) != key_id_)
    return fail(Reason::storage, "a value of the store was sealed under another master key",
                "put the key file back that belongs to this store (it is in its backup)");
  const std::string_view nonce = sealed.substr(1 + key_id_size, nonce_size);
  const std::string_view body = sealed.substr(head_size, sealed.size() - head_size - tag_size);
  std::string tag(sealed.substr(sealed.size() - tag_size));
  std::string plain(body.size(), '\0');

  const Context cipher(EVP_CIPHER_CTX_new());
  int written = 0, rest = 0;
  RESTANTE_REQUIRE(cipher != nullptr);
  RESTANTE_REQUIRE(EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key_), bytes(nonce)) ==
                   1);
  RESTANTE_REQUIRE(EVP_DecryptUpdate(cipher.get(), nullptr, &written, bytes(context),
                                     static_cast<int>(context.size())) == 1);
  RESTANTE_REQUIRE(EVP_DecryptUpdate(cipher.get(), bytes(plain), &written, bytes(body),
                                     static_cast<int>(body.size())) == 1);
  RESTANTE_REQUIRE(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, tag_size, tag.data()) == 1);
  if (EVP_DecryptFinal_ex(cipher.get(), bytes(plain) + written, &rest) != 1) {
    wipe(plain);
    return fail(Reason::storage, "a sealed value of the store is damaged or belongs to another place",
                "restore a backup: restanted restore FILE");
  }
  return plain;
}

}  // namespace restante::store
