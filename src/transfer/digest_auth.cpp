// SPDX-License-Identifier: Apache-2.0
#include "transfer/digest_auth.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace restante::transfer {

namespace {

constexpr std::size_t most_challenges = 16, most_members = 32;

bool is_token(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+.^_`|~-").find(c) != std::string_view::npos;
}

/// Walks through one field.
class Reader {
public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool ended() const { return at_ >= text_.size(); }
  char peek() const { return ended() ? '\0' : text_[at_]; }
  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t') ++at_;
  }
  void skip_commas() {
    while (peek() == ' ' || peek() == '\t' || peek() == ',') ++at_;
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  std::string_view token() {
    const auto from = at_;
    while (!ended() && is_token(text_[at_])) ++at_;
    return text_.substr(from, at_ - from);
  }
  /// RFC 9110 §5.6.4, behind its first quote; nullopt: it has no end.
  std::optional<std::string> quoted() {
    std::string out;
    while (!ended()) {
      const char c = text_[at_++];
      if (c == '"') return out;
      if (c == '\\') {
        if (ended()) break;
        out += text_[at_++];
      } else {
        out += c;
      }
    }
    return std::nullopt;
  }
  /// Up to the next comma outside quotes: what is not understood.
  void skip_part() {
    while (!ended() && peek() != ',')
      if (take('"'))
        quoted();
      else
        ++at_;
  }

private:
  std::string_view text_;
  std::size_t at_ = 0;
};

void read_field(std::string_view value, std::vector<Challenge>& out) {
  Reader in(value);
  bool broken = true;  // members without a scheme before them belong to nobody
  while (true) {
    in.skip_commas();
    if (in.ended()) return;
    const std::string_view word = in.token();
    if (word.empty()) {
      if (!broken) out.pop_back();
      broken = true;
      in.take('"') ? static_cast<void>(in.quoted()) : in.skip_part();
      continue;
    }
    in.skip_blanks();
    if (!in.take('=')) {
      if (out.size() >= most_challenges) return;
      out.push_back({ascii_lower(word), {}});
      broken = false;
      continue;
    }
    in.skip_blanks();
    if (in.ended() || in.peek() == ',' || in.peek() == '=') {  // token68, as of Negotiate
      in.skip_part();
      continue;
    }
    std::optional<std::string> text;
    if (in.take('"'))
      text = in.quoted();
    else
      text = std::string(in.token());
    in.skip_blanks();
    const bool runs_on = !in.ended() && in.peek() != ',';
    if (runs_on) in.skip_part();
    if (broken) continue;
    Challenge& challenge = out.back();
    const std::string name = ascii_lower(word);
    const bool twice = challenge.member(name) != nullptr;
    if (!text || runs_on || twice || challenge.members.size() >= most_members) {
      out.pop_back();
      broken = true;
      continue;
    }
    challenge.members.emplace_back(name, std::move(*text));
  }
}

struct Algorithm {
  std::string_view name;
  const char* openssl_name;
  int strength;
};
constexpr std::array<Algorithm, 3> algorithms{
    {{"md5", "MD5", 1}, {"sha-256", "SHA256", 2}, {"sha-512-256", "SHA512-256", 3}}};

/// Whether a list such as "auth,auth-int" has the word.
bool lists(std::string_view text, std::string_view word) {
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    std::string_view part = text.substr(0, comma);
    while (part.starts_with(' ') || part.starts_with('\t')) part.remove_prefix(1);
    while (part.ends_with(' ') || part.ends_with('\t')) part.remove_suffix(1);
    if (iequals(part, word)) return true;
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return false;
}

/// The space and the strength of its algorithm; 0: it cannot be answered.
int read_space(const Challenge& challenge, DigestSpace& out) {
  const std::string* realm = challenge.member("realm");
  const std::string* nonce = challenge.member("nonce");
  if (challenge.scheme != "digest" || realm == nullptr || nonce == nullptr) return 0;
  out.realm = *realm;
  out.nonce = *nonce;
  if (const auto* opaque = challenge.member("opaque")) out.opaque = *opaque;
  if (const auto* stale = challenge.member("stale")) out.stale = iequals(*stale, "true");
  if (const auto* userhash = challenge.member("userhash")) out.hide_user = iequals(*userhash, "true");
  if (const auto* qop = challenge.member("qop")) {
    out.quality = lists(*qop, "auth");
    if (!out.quality) return 0;
  }
  std::string name = "md5";
  if (const auto* algorithm = challenge.member("algorithm")) {
    out.algorithm = *algorithm;
    name = ascii_lower(*algorithm);
    out.session = name.ends_with("-sess");
    if (out.session) name.resize(name.size() - 5);
  }
  for (const Algorithm& known : algorithms) {
    if (known.name != name) continue;
    out.openssl_name = known.openssl_name;
    return known.strength;
  }
  return 0;
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string hash(const DigestSpace& space, std::initializer_list<std::string_view> parts) {
  Hasher hasher(space.openssl_name);
  bool first = true;
  for (const std::string_view part : parts) {
    if (!std::exchange(first, false)) hasher.update(":", 1);
    hasher.update(part.data(), part.size());
  }
  const std::string digest = hasher.finish();
  return to_hex({reinterpret_cast<const std::uint8_t*>(digest.data()), digest.size()});
}

}  // namespace

const std::string* Challenge::member(std::string_view lower_name) const {
  for (const auto& [name, value] : members)
    if (name == lower_name) return &value;
  return nullptr;
}

std::vector<Challenge> parse_challenges(const std::vector<std::string_view>& values) {
  std::vector<Challenge> out;
  for (const std::string_view value : values) read_field(value, out);
  return out;
}

std::optional<DigestSpace> digest_space(const std::vector<Challenge>& challenges) {
  std::optional<DigestSpace> best;
  int strongest = 0;
  for (const Challenge& challenge : challenges) {
    DigestSpace space;
    const int strength = read_space(challenge, space);
    if (strength <= strongest) continue;
    strongest = strength;
    best = std::move(space);
  }
  return best;
}

std::string digest_answer(DigestSpace& space, const DigestQuestion& question) {
  std::string secret = hash(space, {question.user, space.realm, question.password});
  if (space.session) secret = hash(space, {secret, space.nonce, question.client_nonce});
  const std::string asked = hash(space, {question.method, question.target});
  ++space.count;
  std::array<char, 9> count{};
  std::snprintf(count.data(), count.size(), "%08x", space.count);
  const std::string response =
      space.quality ? hash(space, {secret, space.nonce, count.data(), question.client_nonce, "auth", asked})
                    : hash(space, {secret, space.nonce, asked});
  wipe(secret);

  const std::string user =
      space.hide_user ? hash(space, {question.user, space.realm}) : std::string(question.user);
  std::string out = "Digest username=" + quote(user) + ", realm=" + quote(space.realm) +
                    ", nonce=" + quote(space.nonce) + ", uri=" + quote(question.target);
  if (!space.algorithm.empty()) out += ", algorithm=" + space.algorithm;
  out += ", response=\"" + response + '"';
  if (!space.opaque.empty()) out += ", opaque=" + quote(space.opaque);
  if (space.quality) out += std::string(", qop=auth, nc=") + count.data();
  if (space.quality || space.session) out += ", cnonce=" + quote(question.client_nonce);
  if (space.hide_user) out += ", userhash=true";
  return out;
}

std::string next_nonce(std::string_view authentication_info) {
  const std::string as_challenge = "info " + std::string(authentication_info);
  const auto parsed = parse_challenges({as_challenge});
  const std::string* nonce = parsed.empty() ? nullptr : parsed.front().member("nextnonce");
  return nonce != nullptr ? *nonce : std::string();
}

}  // namespace restante::transfer
