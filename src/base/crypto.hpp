// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace restante {

using Digest256 = std::array<std::uint8_t, 32>;

Digest256 sha256(std::string_view bytes);

/// A digest in pieces, by OpenSSL's name of the algorithm ("SHA256", "SHA512", "SHA1", "MD5").
class Hasher {
public:
  explicit Hasher(const char* algorithm);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void update(const void* data, std::size_t size);
  std::string finish();  ///< raw bytes; call once

private:
  struct State;
  std::unique_ptr<State> state_;
};

void random_bytes(void* out, std::size_t size);  ///< from the kernel, never fails
std::string random_string(std::size_t size);     ///< raw bytes
std::string random_token();                      ///< 256 random bits in base64url, 43 characters

bool equal_in_constant_time(std::string_view a, std::string_view b);
void wipe(std::string& secret);  ///< overwritten, then emptied

/// A text that is wiped when it goes away, also by an error on the way. Short strings lie inside the object,
/// so moving wipes what is moved from.
struct Secret {
  std::string text;

  Secret() = default;
  explicit Secret(std::string secret) noexcept : text(std::move(secret)) {}
  Secret(Secret&& other) noexcept : text(std::move(other.text)) { wipe(other.text); }
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(text); }
};

}  // namespace restante
