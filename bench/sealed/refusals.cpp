// SPDX-License-Identifier: Apache-2.0
#include "refusals.hpp"

#include "base/text.hpp"
#include "proxy/document.hpp"
#include "proxy/envelope.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace restante::bench {

namespace {

constexpr std::int64_t now = 1795335600, exp = now + 86400;

double cpu_seconds() {
  std::timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// The keys of a place with one device.
class Keys final : public proxy::EnvelopeKeys {
public:
  std::shared_ptr<const proxy::PrivateKey> decryption_key(std::string_view kid) const override {
    return proxy::names_key(kid, thumbprint_) ? place_ : nullptr;
  }
  std::optional<proxy::PublicKey> device_key(std::string_view jkt) const override {
    return jkt == public_.thumbprint() ? std::optional(public_) : std::nullopt;
  }
  const proxy::PrivateKey& place() const { return *place_; }
  const proxy::PrivateKey& device() const { return device_; }

private:
  std::shared_ptr<const proxy::PrivateKey> place_ =
      std::make_shared<const proxy::PrivateKey>(proxy::PrivateKey::generate());
  std::string thumbprint_ = place_->public_key().thumbprint();
  proxy::PrivateKey device_ = proxy::PrivateKey::generate();
  proxy::PublicKey public_ = device_.public_key();
};

struct Sample {
  std::string_view name;
  std::string text;
  std::optional<Reason> refused;
};

std::string core_of(const proxy::PrivateKey& place, std::string_view more) {
  return fmt::format(
      R"({{"v":1,"id":"0b0f9a52-7c1c-4d0e-9a4f-1f2e3d4c5b6a","aud":[{{"jkt":"{}"}}],"iat":{},"exp":{},{}"what":{{"files":[{{"sources":[{{"url":"https://example.org/lectures/week12.mp4"}}]}}]}}}})",
      place.public_key().thumbprint(), now, exp, more);
}

std::vector<std::string> parts_of(const std::string& compact) {
  std::vector<std::string> out(1);
  for (const char letter : compact) {
    if (letter == '.')
      out.emplace_back();
    else
      out.back() += letter;
  }
  return out;
}

std::string joined(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, "."));
}

/// Any number of texts after each other.
std::string repeated(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

std::vector<Sample> samples(const Keys& keys) {
  const auto place = keys.place().public_key();
  const auto seal = [&](std::string_view inside) {
    return proxy::seal_for(place, inside, exp, proxy::SealedForm::compact);
  };
  const auto good = seal(proxy::sign_document(keys.device(), core_of(keys.place(), "")));
  const auto other = parts_of(seal(proxy::sign_document(keys.device(), core_of(keys.place(), ""))));
  const auto with = [&](std::size_t part, std::string text) {
    auto parts = parts_of(good);
    parts[part] = std::move(text);
    return joined(parts);
  };
  const auto under = [&](std::string_view header) { return with(0, to_base64url(header)); };
  const std::string kid = place.thumbprint(), epk = place.jwk();
  std::string names;
  for (int i = 0; i < 50; ++i) names += fmt::format(R"("m{}":1,)", i);
  std::string off = epk;
  const auto x = off.find("\"x\":\"") + 5;
  off.replace(x, 43, repeated("A", 43));
  auto altered = proxy::sign_document(keys.device(), core_of(keys.place(), ""));
  altered[altered.rfind('.') + 1] = altered[altered.rfind('.') + 1] == 'A' ? 'B' : 'A';
  const auto nested = core_of(keys.place(), R"("note":)" + repeated("[", 400));
  return {
      {"accepted", good, std::nullopt},
      {"nested", R"({"ciphertext":)" + repeated("[", 2000), Reason::seal_refused},
      {"nested header", under(repeated("[", 400)), Reason::seal_refused},
      {"a name twice", under(R"({"alg":"ECDH-ES+A256KW","alg":"ECDH-ES+A256KW"})"), Reason::seal_refused},
      {"many names", "{" + names + R"("ciphertext":"AA"})", Reason::seal_refused},
      {"huge p2c", under(R"({"alg":"PBES2-HS512+A256KW","enc":"A256GCM","p2s":"AAAA","p2c":2147483647})"),
       Reason::seal_refused},
      {"zip",
       under(fmt::format(R"({{"alg":"ECDH-ES+A256KW","enc":"A256GCM","zip":"DEF","kid":"{}","epk":{}}})", kid,
                         epk)),
       Reason::seal_refused},
      {"point off the curve",
       under(fmt::format(R"({{"alg":"ECDH-ES+A256KW","enc":"A256GCM","kid":"{}","epk":{}}})", kid, off)),
       Reason::seal_refused},
      {"key of another place",
       proxy::seal_for(keys.device().public_key(), "x", exp, proxy::SealedForm::compact), Reason::not_for_me},
      {"expired", proxy::seal_for(place, "x", now - 1, proxy::SealedForm::json), Reason::expired},
      {"swapped key", with(1, other[1]), Reason::bad_signature},
      {"swapped content", with(3, other[3]), Reason::bad_signature},
      {"wrong signature", seal(altered), Reason::bad_signature},
      {"nested core", seal(proxy::sign_document(keys.device(), nested)), Reason::invalid},
      {"unknown device", seal(proxy::sign_document(proxy::PrivateKey::generate(), core_of(keys.place(), ""))),
       Reason::unknown_device},
      {"sealed twice", seal(good), Reason::seal_refused},
  };
}

/// Opened, verified and read.
Result<void> taken(const std::string& text, const Keys& keys) {
  auto opened = proxy::open_document(text, keys, Instant{Seconds{now}});
  if (!opened) return fail(std::move(opened.error()));
  auto core = proxy::parse(opened->core.text);
  if (!core) return fail(std::move(core.error()));
  return {};
}

double cost(const Sample& sample, const Keys& keys) {
  constexpr int rounds = 5, each = 200;
  double least = 1e9;
  for (int round = 0; round < rounds; ++round) {
    const double begin = cpu_seconds();
    for (int i = 0; i < each; ++i) {
      const auto done = taken(sample.text, keys);
      if (done.has_value() == sample.refused.has_value() || (!done && done.error().reason != *sample.refused))
        throw std::runtime_error(
            fmt::format("{}: {}", sample.name, done ? "accepted" : done.error().message));
    }
    least = std::min(least, (cpu_seconds() - begin) / each);
  }
  return least;
}

}  // namespace

std::string refusals() {
  const Keys keys;
  std::string out;
  for (const Sample& sample : samples(keys))
    out += fmt::format(R"({}"{}":{:.9f})", out.empty() ? "" : ",", sample.name, cost(sample, keys));
  return "{" + out + "}\n";
}

}  // namespace restante::bench
