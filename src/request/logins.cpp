// SPDX-License-Identifier: Apache-2.0
#include "request/logins.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "proxy/client_certificate.hpp"
#include "proxy/url.hpp"
#include "request/seal.hpp"

#include <algorithm>
#include <array>

namespace restante::request {
namespace {

constexpr const char* logins_file = "logins.sealed";
constexpr const char* logins_key_file = "keys/logins.key";

bool same_place(const proxy::Credential& a, const proxy::Credential& b) {
  return a.scope == b.scope && a.kind == b.kind;
}

}  // namespace

std::string_view kind_word(proxy::CredentialKind kind) {
  constexpr std::array<std::string_view, 7> words{"basic", "bearer", "cookies", "headers",
                                                  "tls",   "oauth",  "digest"};
  return words.at(static_cast<std::size_t>(kind));
}

std::string login_user(const proxy::Credential& login) {
  if (login.kind == proxy::CredentialKind::headers && !login.headers.empty()) return login.headers[0].first;
  return login.kind == proxy::CredentialKind::oauth ? login.client_id : login.user;
}

std::string login_name(const proxy::Credential& login) {
  const std::string user = login_user(login);
  return login.scope.at(0) + " (" + std::string(kind_word(login.kind)) + (user.empty() ? "" : ", " + user) +
         ")";
}

Result<Logins> Logins::open(const Home& home) {
  auto lock = home.lock("lock");
  if (!lock) return fail(std::move(lock.error()));
  auto key = home.read(logins_key_file);
  if (!key) return fail(std::move(key.error()));
  if (!*key) {
    *key = random_string(seal_key_size);
    if (auto done = home.write(logins_key_file, **key); !done) return fail(std::move(done.error()));
  }
  if ((*key)->size() != seal_key_size)
    return fail(Reason::storage, home.path() + "/" + logins_key_file + " is damaged",
                "remove it and " + std::string(logins_file) + ", and add the logins anew");
  return Logins(home, std::move(**key));
}

Result<std::vector<proxy::Credential>> Logins::all() const {
  std::vector<proxy::Credential> out;
  const auto damaged = [this] {
    return fail(Reason::storage, home_.path() + "/" + logins_file + " is damaged, or of another device",
                "remove it, and add the logins anew");
  };
  auto sealed = home_.read(logins_file);
  if (!sealed) return fail(std::move(sealed.error()));
  if (!*sealed) return out;
  auto plain = unseal(key_, **sealed, logins_file);
  if (!plain) return damaged();
  std::string_view left = *plain;
  while (!left.empty()) {
    const auto end = std::min(left.find('\n'), left.size());
    proxy::Document holder;
    auto read = proxy::restore_secrets(holder, left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
    if (!read || holder.access.size() != 1 || holder.access[0].scope.size() != 1) {
      wipe(*plain);
      return damaged();
    }
    out.push_back(std::move(holder.access[0]));
  }
  wipe(*plain);
  return out;
}

Result<void> Logins::write(const std::vector<proxy::Credential>& logins) const {
  std::string plain;
  for (const proxy::Credential& login : logins) {
    proxy::Document holder;
    holder.access = {login};
    std::string line = proxy::to_json(holder, proxy::Part::only_secrets);
    plain += line + "\n";
    wipe(line);
  }
  const std::string sealed = seal(key_, plain, logins_file);
  wipe(plain);
  return home_.write(logins_file, sealed);
}

Result<void> Logins::put(proxy::Credential login) const {
  auto lock = home_.lock("lock");
  if (!lock) return fail(std::move(lock.error()));
  auto logins = all();
  if (!logins) return fail(std::move(logins.error()));
  std::erase_if(*logins, [&](const auto& one) { return same_place(one, login); });
  if (logins->size() >= limit)
    return fail(Reason::too_large, "there are " + std::to_string(limit) + " logins already",
                "remove some: `restante login remove ORIGIN`");
  login.id = "login";
  logins->push_back(std::move(login));
  return write(*logins);
}

Result<std::size_t> Logins::remove(std::string_view origin) const {
  auto lock = home_.lock("lock");
  if (!lock) return fail(std::move(lock.error()));
  auto logins = all();
  if (!logins) return fail(std::move(logins.error()));
  const auto gone = std::erase_if(*logins, [&](const auto& one) { return one.scope[0] == origin; });
  if (gone > 0)
    if (auto done = write(*logins); !done) return fail(std::move(done.error()));
  return gone;
}

Result<std::string> login_origin(std::string_view text) {
  constexpr const char* hint = "give scheme and host, as in https://files.example";
  if (text.find("://") == text.npos)
    return fail(Reason::usage, "'" + url_for_logs(text) + "' does not begin with https:// or http://", hint);
  auto tidy = proxy::tidy_url(text);
  if (!tidy) return fail(Reason::usage, tidy.error().message, hint);
  const auto parts = proxy::split_url(*tidy);
  if (!parts) return fail(Reason::usage, parts.error().message, hint);
  if (parts->has_userinfo)
    return fail(Reason::usage, "the origin has a user name in it", "give it with --user");
  if (!parts->rest.empty() && parts->rest != "/")
    return fail(Reason::usage, "a login is for a whole origin, without a path", hint);
  return *proxy::origin_of(*tidy);
}

Result<proxy::Credential> certificate_credential(std::string_view certificate_pem, std::string_view key_pem) {
  const auto first = proxy::split_pem(certificate_pem);
  const auto second = proxy::split_pem(key_pem);
  proxy::Credential out;
  out.kind = proxy::CredentialKind::tls;
  out.certificate = first.certificates;
  out.key = second.key.empty() ? first.key : second.key;
  if (out.certificate.empty())
    return fail(Reason::usage, "there is no certificate in the file of --cert", "give it as PEM");
  if (out.key.empty())
    return fail(Reason::usage, "there is no private key for the certificate", "give it as PEM with --key");
  if (auto good = proxy::check_client_certificate(out, ""); !good)
    return fail(Reason::usage, "the client certificate: " + good.error().message.substr(1),
                good.error().hint);
  return out;
}

}  // namespace restante::request
