// SPDX-License-Identifier: Apache-2.0
// Makes sealed requests of many devices, and measures what the machine can do with them: bench/sealed.py.
#include "base/text.hpp"
#include "proxy/document.hpp"
#include "proxy/envelope.hpp"
#include "proxy/jws.hpp"
#include "refusals.hpp"
#include "rows.hpp"

#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace restante::bench {

namespace {

constexpr std::string_view usage =
    "sealed_requests enrol FOLDER PLACE_JKT        one code a line from stdin; keys to FOLDER, bodies of\n"
    "                                              POST /v1/devices to stdout\n"
    "sealed_requests make FOLDER PLACE_JKT JWK N [URL]  N requests by those devices in turn to stdout\n"
    "sealed_requests open FOLDER PEM < REQUESTS    CPU seconds of one: opened, verified; and then read\n"
    "sealed_requests rows FOLDER CALLERS SECONDS   durable rows a second of a store there\n"
    "sealed_requests refusals                      CPU seconds of a document of each kind that is refused\n";

template <class T>
T must(Result<T> value) {
  if (!value) throw std::runtime_error(value.error().message);
  return std::move(*value);
}

std::string file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(std::istream& in) {
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

std::string key_path(const std::string& folder, std::size_t number) {
  return fmt::format("{}/device-{}.pem", folder, number);
}

std::vector<proxy::PrivateKey> devices_in(const std::string& folder) {
  std::vector<proxy::PrivateKey> out;
  while (std::ifstream(key_path(folder, out.size())))
    out.push_back(must(proxy::PrivateKey::from_pem(file_text(key_path(folder, out.size())))));
  if (out.empty()) throw std::runtime_error("no device in " + folder);
  return out;
}

void enrol(const std::string& folder, const std::string& place) {
  std::size_t number = 0;
  for (const std::string& code : lines_of(std::cin)) {
    const auto key = proxy::PrivateKey::generate();
    std::ofstream(key_path(folder, number)) << key.pem();
    const std::string claim = fmt::format(R"({{"code":"{}","jkt":"{}"}})", code, place);
    fmt::print(R"({{"code":"{}","label":"device {}","jwk":{},"proof":"{}"}})"
               "\n",
               code, number, key.public_key().jwk(), proxy::sign_compact(key, claim, "restante-enrol+jws"));
    ++number;
  }
}

std::string uuid(std::mt19937_64& random) {
  const std::uint64_t a = random(), b = random();
  return fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", a >> 32, (a >> 16) & 0xffff, a & 0xfff,
                     (b >> 48) & 0xfff, b & 0xffffffffffff);
}

void make(const std::string& folder, const std::string& place, const std::string& jwk, int count,
          const std::string& url) {
  const auto recipient = must(proxy::PublicKey::from_jwk(jwk));
  const auto devices = devices_in(folder);
  std::random_device seed;
  std::mt19937_64 random((std::uint64_t{seed()} << 32) | seed());
  const std::int64_t now = std::time(nullptr), exp = now + 86400;
  for (int i = 0; i < count; ++i) {
    const std::string core = fmt::format(
        R"({{"v":1,"id":"{}","aud":[{{"jkt":"{}"}}],"iat":{},"exp":{},"what":{{"files":[{{"sources":[{{"url":"{}"}}]}}]}},{}"probe":false}})",
        uuid(random), place, now, exp,
        url.empty() ? fmt::format("http://127.0.0.1:9/lectures/{}.mp4", i) : url,
        url.empty() ? R"("when":{"start":"2037-01-01T00:00:00Z"},)" : "");
    const auto& device = devices[static_cast<std::size_t>(i) % devices.size()];
    std::cout << proxy::seal_for(recipient, proxy::sign_document(device, core), exp,
                                 proxy::SealedForm::compact)
              << '\n';
  }
}

/// Every key that the requests of the bench need.
class Keys final : public proxy::EnvelopeKeys {
public:
  Keys(const std::string& folder, const std::string& pem)
      : place_(std::make_shared<const proxy::PrivateKey>(must(proxy::PrivateKey::from_pem(file_text(pem))))),
        thumbprint_(place_->public_key().thumbprint()) {
    for (const auto& device : devices_in(folder))
      devices_.emplace(device.public_key().thumbprint(), device.public_key());
  }
  std::shared_ptr<const proxy::PrivateKey> decryption_key(std::string_view kid) const override {
    return proxy::names_key(kid, thumbprint_) ? place_ : nullptr;
  }
  std::optional<proxy::PublicKey> device_key(std::string_view jkt) const override {
    const auto found = devices_.find(std::string(jkt));
    return found == devices_.end() ? std::nullopt : std::optional(found->second);
  }

private:
  std::shared_ptr<const proxy::PrivateKey> place_;
  std::string thumbprint_;
  std::map<std::string, proxy::PublicKey> devices_;
};

double cpu_seconds() {
  std::timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void open(const std::string& folder, const std::string& pem) {
  const Keys keys(folder, pem);
  const auto requests = lines_of(std::cin);
  const Instant now = std::chrono::floor<Millis>(std::chrono::system_clock::now());
  std::vector<std::string> cores;
  std::size_t bytes = 0;
  const double begin = cpu_seconds();
  for (const std::string& one : requests) {
    cores.push_back(must(proxy::open_document(one, keys, now)).core.text);
    bytes += one.size();
  }
  const double opened = cpu_seconds();
  for (const std::string& core : cores) must(proxy::parse(core));
  const double parsed = cpu_seconds();
  const auto each = static_cast<double>(requests.size());
  fmt::print(R"({{"requests":{},"open_verify_s":{:.9f},"parse_s":{:.9f},"bytes":{}}})"
             "\n",
             requests.size(), (opened - begin) / each, (parsed - opened) / each, bytes / requests.size());
}

}  // namespace

int main_of(const std::vector<std::string>& words) {
  const std::size_t count = words.size();
  if (count == 3 && words[0] == "enrol") {
    enrol(words[1], words[2]);
  } else if ((count == 5 || count == 6) && words[0] == "make") {
    make(words[1], words[2], words[3], std::stoi(words[4]), count == 6 ? words[5] : std::string());
  } else if (count == 3 && words[0] == "open") {
    open(words[1], words[2]);
  } else if (count == 4 && words[0] == "rows") {
    fmt::print("{:.1f}\n", durable_rows_per_s(words[1], std::stoi(words[2]), std::stod(words[3])));
  } else if (count == 1 && words[0] == "refusals") {
    fmt::print("{}", refusals());
  } else {
    std::cerr << usage;
    return 2;
  }
  return 0;
}

}  // namespace restante::bench

int main(int count, char** words) {
  try {
    return restante::bench::main_of({words + 1, words + count});
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
