// SPDX-License-Identifier: Apache-2.0
#include "proxy/sealing_steps.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

#include <array>

namespace restante::proxy {
namespace {

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

template <std::size_t N>
std::string from_numbers(const std::array<unsigned char, N>& numbers) {
  return {numbers.begin(), numbers.end()};
}

TEST(SealingSteps, DeriveTheKeyOfRfc7518AppendixC) {
  const Secret agreed{from_numbers(std::array<unsigned char, 32>{
      158, 86, 217, 29,  129, 113, 53,  211, 114, 131, 66,  131, 191, 132, 38,  156,
      251, 49, 110, 163, 218, 128, 106, 72,  246, 218, 167, 121, 140, 254, 144, 196})};

  EXPECT_EQ(to_base64url(concat_kdf(agreed, "A128GCM", "Alice", "Bob", 16).text), "VqqN6vgjbSBcIijNcacQGg");
}

TEST(SealingSteps, WrapTheKeyOfRfc3394Section46) {
  const Secret wrapping{from_hex("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F")};
  const std::string key = from_hex("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F");
  const std::string wrapped =
      from_hex("28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21");

  EXPECT_EQ(wrap_key(wrapping, Secret{key}).text, wrapped);
  EXPECT_EQ(unwrap_key(wrapping, wrapped).text, key);
  for (std::size_t i = 0; i < wrapped.size(); ++i) {
    std::string changed = wrapped;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_TRUE(unwrap_key(wrapping, changed).text.empty()) << i;
  }
}

TEST(SealingSteps, DecryptTheContentOfRfc7516AppendixA1) {
  const Secret key{from_numbers(std::array<unsigned char, 32>{
      177, 161, 244, 128, 84,  143, 225, 115, 63, 180, 3,   255, 107, 154, 212, 246,
      138, 7,   110, 91,  112, 46,  34,  105, 47, 130, 203, 46,  122, 234, 64,  252})};
  const EncryptedContent sealed{
      from_numbers(std::array<unsigned char, 12>{227, 197, 117, 252, 2, 219, 233, 68, 180, 225, 77, 219}),
      *from_base64url("5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A"),
      *from_base64url("XFBoMYUZodetZdvTiFvSkQ")};
  const std::string bound = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ";

  const auto plain = decrypt(key, sealed, bound);

  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->text, "The true sign of intelligence is not knowledge but imagination.");
  EXPECT_FALSE(decrypt(key, sealed, bound + "x"));
}

TEST(Secrets, LeaveNothingWhereTheyLay) {
  // Longer than what lies inside the string object itself, and as long as that.
  for (const std::size_t size : {15u, 64u}) {
    alignas(Secret) std::array<unsigned char, sizeof(Secret)> room{};
    auto* secret = new (room.data()) Secret(std::string(size, 'S'));
    Secret moved(std::move(*secret));
    EXPECT_EQ(std::count(room.begin(), room.end(), 'S'), 0) << "moved from";
    *secret = std::move(moved);
    secret->~Secret();
    EXPECT_EQ(std::count(room.begin(), room.end(), 'S'), 0) << "destroyed";
  }
}

}  // namespace
}  // namespace restante::proxy
