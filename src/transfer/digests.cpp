// SPDX-License-Identifier: Apache-2.0
#include "transfer/digests.hpp"

#include "base/text.hpp"
#include "transfer/body_writer.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace restante::transfer {

namespace {

struct Known {
  std::string_view name;
  std::size_t bytes;
};
/// Strongest first.
constexpr std::array<Known, 4> known{{{"sha-512", 64}, {"sha-256", 32}, {"sha", 20}, {"md5", 16}}};

/// Members "name=value" of all fields of that name. `bytes`: the value is a byte sequence (RFC 8941 §3.3.5).
std::optional<PublishedDigest> strongest(const Fields& fields, std::string_view field, bool bytes) {
  std::array<std::optional<std::string>, known.size()> found;
  for (const auto& [name, value] : fields) {
    if (name != field) continue;
    for (std::string_view rest = value; !rest.empty();) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      const std::string_view member = trimmed(rest.substr(0, comma), " \t");
      rest.remove_prefix(std::min(rest.size(), comma + 1));
      const std::size_t equals = member.find('=');
      if (equals == std::string_view::npos) continue;
      std::string_view text = trimmed(member.substr(equals + 1), " \t");
      if (bytes) {
        const std::size_t end = text.find(':', 1);
        if (text.empty() || text.front() != ':' || end == std::string_view::npos) continue;
        text = text.substr(1, end - 1);
      } else {
        text = trimmed(text.substr(0, text.find(';')), " \t");
      }
      const std::string algorithm = ascii_lower(trimmed(member.substr(0, equals), " \t"));
      for (std::size_t i = 0; i < known.size(); ++i) {
        if (algorithm != known[i].name) continue;
        auto raw = from_base64(text);
        if (raw && raw->size() == known[i].bytes) found[i] = std::move(*raw);
      }
    }
  }
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (found[i]) return PublishedDigest{std::string(known[i].name), std::move(*found[i])};
  }
  return std::nullopt;
}

}  // namespace

std::optional<PublishedDigest> whole_digest(const Fields& fields) {
  auto found = strongest(fields, "repr-digest", true);
  return found ? std::move(found) : strongest(fields, "digest", false);
}

std::optional<PublishedDigest> answer_digest(const Fields& fields) {
  return strongest(fields, "content-digest", true);
}

bool announces_digest(const HeaderBlock& head) {
  const auto names = head.tokens("trailer");
  return std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return name == "repr-digest" || name == "content-digest" || name == "digest";
  });
}

void DigestWatch::hash(std::string algorithm) {
  const bool there =
      std::any_of(hashers_.begin(), hashers_.end(), [&](const auto& one) { return one.first == algorithm; });
  if (there) return;
  const char* name = openssl_digest(algorithm);
  if (name != nullptr) hashers_.emplace_back(std::move(algorithm), Hasher(name));
}

void DigestWatch::expect(PublishedDigest digest) {
  hash(digest.algorithm);
  expected_.push_back(std::move(digest));
}

void DigestWatch::expect_in_trailer(bool announced) {
  hash("sha-256");
  if (!announced) return;
  for (const Known& one : known) hash(std::string(one.name));
}

void DigestWatch::add(std::string_view bytes) {
  for (auto& [algorithm, hasher] : hashers_) hasher.update(bytes.data(), bytes.size());
}

DigestWatch::Result DigestWatch::finish(const std::vector<PublishedDigest>& later) {
  expected_.insert(expected_.end(), later.begin(), later.end());
  Result result = Result::nothing;
  for (auto& [algorithm, hasher] : hashers_) {
    const std::string raw = hasher.finish();
    for (const PublishedDigest& wanted : expected_) {
      if (wanted.algorithm != algorithm) continue;
      if (wanted.raw != raw) result = Result::differs;
      if (wanted.raw == raw && result == Result::nothing) result = Result::agrees;
    }
  }
  hashers_.clear();
  return result;
}

}  // namespace restante::transfer
