// SPDX-License-Identifier: Apache-2.0
#include "accounts/names.hpp"

#include "accounts/model.hpp"
#include "base/text.hpp"

#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <span>
#include <utility>

namespace restante::accounts {

namespace {

constexpr std::array<std::pair<Role, std::string_view>, 3> roles{
    {{Role::admin, "admin"}, {Role::user, "user"}, {Role::guest, "guest"}}};

bool letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

}  // namespace

std::string_view name(Role role) {
  for (const auto& [known, text] : roles)
    if (known == role) return text;
  return "user";
}

std::optional<Role> role_from_name(std::string_view name) {
  for (const auto& [role, text] : roles)
    if (text == name) return role;
  return std::nullopt;
}

std::string_view name(Token::Kind kind) {
  return kind == Token::Kind::submit ? "submit" : "app-password";
}

std::string credential_id(const Digest256& token_digest) {
  return to_hex(std::span(token_digest).first(16));
}

Result<void> check_name(std::string_view name) {
  const char* hint = "use 1 to 64 of a-z, 0-9, dot, underscore and hyphen, beginning with a letter or digit";
  if (name.empty() || name.size() > 64 || !letter_or_digit(name.front()))
    return fail(Reason::invalid, "this is not a user name", hint);
  for (char c : name)
    if (!letter_or_digit(c) && c != '.' && c != '_' && c != '-')
      return fail(Reason::invalid, "this is not a user name", hint);
  return {};
}

std::string clean_label(std::string_view label) {
  std::string out;
  if (is_utf8(label)) {
    for (char c : label)
      if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) out += c;
    while (out.size() > 64) {
      do out.pop_back();
      while (!out.empty() && !is_utf8(out));
    }
  }
  return out.empty() ? "device" : out;
}

std::string peer_group(std::string_view address) {
  const std::string text(address.substr(0, address.find('%')));
  in6_addr v6{};
  if (inet_pton(AF_INET6, text.c_str(), &v6) != 1) return std::string(address);
  if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    char out[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, v6.s6_addr + 12, out, sizeof out);
    return out;
  }
  std::memset(v6.s6_addr + 8, 0, 8);
  char out[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, &v6, out, sizeof out);
  return std::string(out) + "/64";
}

}  // namespace restante::accounts
