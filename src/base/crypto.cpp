// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.hpp"

#include "base/result.hpp"
#include "base/text.hpp"

#include <openssl/evp.h>
#include <sodium.h>

namespace restante {

Digest256 sha256(std::string_view bytes) {
  // Fetched once: looking the algorithm up costs more than hashing a short text.
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  Digest256 out;
  RESTANTE_REQUIRE(EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, algorithm, nullptr) == 1);
  return out;
}

struct Hasher::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Hasher::Hasher(const char* algorithm) : state_(std::make_unique<State>()) {
  const EVP_MD* md = EVP_get_digestbyname(algorithm);
  RESTANTE_REQUIRE(md != nullptr);
  RESTANTE_REQUIRE(EVP_DigestInit_ex(state_->context, md, nullptr) == 1);
}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(const void* data, std::size_t size) {
  RESTANTE_REQUIRE(EVP_DigestUpdate(state_->context, data, size) == 1);
}

std::string Hasher::finish() {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  RESTANTE_REQUIRE(EVP_DigestFinal_ex(state_->context, out, &size) == 1);
  return {reinterpret_cast<char*>(out), size};
}

void random_bytes(void* out, std::size_t size) {
  randombytes_buf(out, size);
}

std::string random_string(std::size_t size) {
  std::string out(size, '\0');
  random_bytes(out.data(), size);
  return out;
}

std::string random_token() {
  return to_base64url(random_string(32));
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(std::string& secret) {
  secret.resize(secret.capacity());  // what was there before it was shortened, or moved from, goes too
  sodium_memzero(secret.data(), secret.size());
  secret.clear();
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe(text);
  text = std::move(other.text);
  wipe(other.text);
  return *this;
}

}  // namespace restante
