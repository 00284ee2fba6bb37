// SPDX-License-Identifier: Apache-2.0
#include "certificates.hpp"

#include "base/crypto.hpp"
#include "base/log.hpp"
#include "data_dir.hpp"
#include "house.hpp"
#include "http/tls.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace restante::daemon {

namespace {

Result<std::string> read_file(const std::string& path) {
  auto content = read_whole(path);
  if (!content)
    return fail(Reason::storage, path + " cannot be read: " + errno_text(content.error()),
                "see [tls] in the configuration");
  return std::move(*content);
}

/// What changes when a file is written or another one takes its place, also behind symbolic links.
std::string state_of(const std::string& path) {
  struct stat there{};
  if (::stat(path.c_str(), &there) != 0) return "none";
  return fmt::format("{}:{}:{}:{}.{}", there.st_dev, there.st_ino, there.st_size, there.st_mtim.tv_sec,
                     there.st_mtim.tv_nsec);
}

/// Whether a certificate can hold it: a DNS name of letters, digits, '-' and '_', or a numeric address.
bool can_be_certified(const std::string& name) {
  constexpr std::string_view good = "abcdefghijklmnopqrstuvwxyz0123456789-_.:";
  return !name.empty() && name.size() <= 253 && name.find_first_not_of(good) == std::string::npos;
}

}  // namespace

Result<void> check_tls_files(const Config& config) {
  auto chain = read_file(config.tls_certificate);
  if (!chain) return fail(chain.error());
  auto key = read_file(config.tls_key);
  if (!key) return fail(key.error());
  const http::Certificate pair{std::move(*chain), std::move(*key)};
  auto usable = http::make_server_context(pair);
  if (!usable) return fail(usable.error());
  return {};
}

Certificates::Certificates(const Config& config, const proxy::PrivateKey& identity, std::string dir,
                           const Clock& clock)
    : config_(config), identity_(identity), file_(std::move(dir) + "/keys/ca.pem"), clock_(clock) {
  needed_ = std::any_of(config.listen.begin(), config.listen.end(),
                        [&](const ListenAddress& one) { return needs_tls(config, one.address); });
}

Result<std::optional<http::Certificate>> Certificates::begin() {
  if (!needed_) return std::optional<http::Certificate>();
  if (config_.tls_certificate.empty())
    if (auto found = find_authority(); !found) return fail(found.error());
  auto first = config_.tls_certificate.empty() ? issue(own_names()) : read_files();
  if (!first) return fail(first.error());
  until_ = http::end_of(*first);
  return std::optional<http::Certificate>(std::move(*first));
}

Result<std::optional<http::Certificate>> Certificates::renewed(Again again) {
  if (!needed_) return std::optional<http::Certificate>();
  Result<http::Certificate> fresh = fail(Reason::internal, "nothing was made");
  if (!config_.tls_certificate.empty()) {
    if (again == Again::no && state_of_files() == files_) return std::optional<http::Certificate>();
    fresh = read_files();
  } else {
    auto names = own_names();
    if (names == names_ && clock_.now() < renew_at_) return std::optional<http::Certificate>();
    if (auto found = find_authority(); !found) return fail(found.error());
    fresh = issue(std::move(names));
  }
  if (!fresh) return fail(fresh.error());
  until_ = http::end_of(*fresh);
  return std::optional<http::Certificate>(std::move(*fresh));
}

std::string Certificates::state_of_files() const {
  return state_of(config_.tls_certificate) + " " + state_of(config_.tls_key);
}

Result<http::Certificate> Certificates::read_files() {
  // Taken before the files are read: what is written meanwhile is seen the next time.
  files_ = state_of_files();
  auto chain = read_file(config_.tls_certificate);
  if (!chain) return fail(chain.error());
  auto key = read_file(config_.tls_key);
  if (!key) return fail(key.error());
  return http::Certificate{std::move(*chain), std::move(*key)};
}

std::set<std::string> Certificates::configured_names() const {
  std::set<std::string> names;
  for (const auto& host : config_.hosts) names.insert(api::host_only(host));
  for (const auto& url : {config_.public_url, config_.lan_url})
    if (!url.empty()) names.insert(api::host_only(api::authority_of(url)));
  for (const auto& one : config_.listen)
    if (one.address != "0.0.0.0" && one.address != "::") names.insert(api::host_only(one.address));
  std::erase_if(names, [](const std::string& name) { return !can_be_certified(name); });
  return names;
}

std::set<std::string> Certificates::own_names() const {
  std::set<std::string> names = configured_names();
  names.insert({"localhost", "127.0.0.1"});
  const bool wildcard = std::any_of(config_.listen.begin(), config_.listen.end(), [](const auto& one) {
    return one.address == "0.0.0.0" || one.address == "::";
  });
  if (wildcard)
    for (auto& address : api::interface_addresses()) names.insert(std::move(address));
  return names;
}

Result<void> Certificates::find_authority() {
  const auto required = configured_names();
  auto known = authority();
  if (!known) {
    auto content = read_whole(file_);
    if (!content && content.error() != ENOENT)
      return fail(Reason::storage, file_ + " cannot be read: " + errno_text(content.error()),
                  "it holds the key of this place's own certificate authority");
    if (content) {
      auto read = http::LocalCa::from_pem(*content);
      wipe(*content);
      if (!read)
        return fail(Reason::storage, file_ + " is damaged: " + read.error().message,
                    "put it back from a backup, or remove it: then a new authority is made, which browsers "
                    "have to be told to trust");
      known = std::make_shared<const http::LocalCa>(std::move(*read));
    }
  }
  const bool covers = known && std::all_of(required.begin(), required.end(),
                                           [&](const std::string& name) { return known->covers(name); });
  const auto now = std::chrono::floor<Seconds>(clock_.now()).time_since_epoch();
  const bool lasts = known && Seconds{known->not_after()} > now + http::leaf_lifetime;
  if (!covers || !lasts) {
    const std::vector<std::string> names(required.begin(), required.end());
    auto made = http::LocalCa::make(config_.place_name, http::with_names(http::home_names(), names));
    if (!made) return fail(made.error());
    if (auto kept = write_secret(file_, made->pem()); !kept) return fail(kept.error());
    if (known)
      log::warn("tls: {} may not vouch for {}: browsers have to be told to trust a new authority, see /trust",
                known->name(), covers ? "so long a time" : fmt::format("{}", fmt::join(required, ", ")));
    known = std::make_shared<const http::LocalCa>(std::move(*made));
    log::info("tls: this place has its own certificate authority, {}, SHA-256 {}", known->name(),
              known->fingerprint());
  }
  std::atomic_store(&authority_, known);
  return {};
}

Result<http::Certificate> Certificates::issue(std::set<std::string> names) {
  const auto issuer = authority();
  std::vector<std::string> certified;
  for (const auto& name : names)
    if (issuer->covers(name)) certified.push_back(name);
  std::string key = identity_.pem();
  auto made = issuer->issue(key, certified);
  wipe(key);
  if (!made) return made;
  names_ = std::move(names);
  renew_at_ = clock_.now() + std::chrono::duration_cast<Millis>(http::leaf_lifetime - http::leaf_renewal);
  log::info("tls: a certificate was made for {}", fmt::join(certified, ", "));
  return made;
}

}  // namespace restante::daemon
