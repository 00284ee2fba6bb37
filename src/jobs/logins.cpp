// SPDX-License-Identifier: Apache-2.0
#include "jobs/logins.hpp"

#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "proxy/rules.hpp"
#include "proxy/url.hpp"

#include <algorithm>

namespace restante::jobs {
namespace {

/// As many as the reader of documents takes in one.
constexpr std::size_t most_credentials = 32;

std::string context_of(const std::string& id) {
  return "login " + id;
}

tl::unexpected<Error> wrong(std::string_view member, std::string words, std::string hint = {}) {
  return fail(Reason::invalid, std::move(words), std::move(hint), "/" + std::string(member));
}

std::string random_id() {
  const std::string bytes = random_string(16);
  return to_hex(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

/// "a=1; b=2"
Result<std::vector<proxy::Cookie>> cookies_of(std::string_view text, const std::string& host, bool secure) {
  std::vector<proxy::Cookie> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(';'), text.size());
    const std::string_view one = trimmed(text.substr(0, end), " ");
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.empty()) continue;
    const auto equals = one.find('=');
    if (equals == std::string_view::npos || equals == 0)
      return wrong("secret", "these are not cookies", "give them as in name=value; name=value");
    proxy::Cookie& cookie = out.emplace_back();
    cookie.name = one.substr(0, equals);
    cookie.value = one.substr(equals + 1);
    cookie.host = host;
    cookie.secure = secure;
  }
  if (out.empty())
    return wrong("secret", "there is no cookie in it", "give them as in name=value; name=value");
  return out;
}

std::string label_of(const proxy::Credential& credential) {
  if (credential.kind == proxy::CredentialKind::basic) return credential.user;
  std::string out;
  for (const auto& header : credential.headers) out = header.first;
  for (const auto& cookie : credential.cookies) out += (out.empty() ? "" : ", ") + cookie.name;
  return out;
}

std::string free_id(const proxy::Document& document) {
  for (int number = 1;; ++number) {
    std::string id = "stored-login-" + std::to_string(number);
    if (std::none_of(document.access.begin(), document.access.end(),
                     [&](const auto& one) { return one.id == id; }))
      return id;
  }
}

std::string written(const proxy::Credential& credential) {
  proxy::Document holder;
  holder.access = {credential};
  return proxy::to_json(holder, proxy::Part::only_secrets);
}

}  // namespace

Result<proxy::Credential> credential_of(const NewLogin& login) {
  constexpr const char* how = "give scheme and host, as in https://files.example";
  if (login.address.find("://") == std::string::npos)
    return wrong("origin", "this is no address of a content server", how);
  auto tidy = proxy::tidy_url(login.address);
  if (!tidy) return fail(tidy.error().reason, tidy.error().message, how, "/origin");
  const auto parts = proxy::split_url(*tidy);
  if (!parts) return fail(parts.error().reason, parts.error().message, how, "/origin");
  if (parts->has_userinfo) return wrong("origin", "the address has a user name in it", "give it apart");
  const auto origin = proxy::origin_of(*tidy);
  if (!origin) return wrong("origin", "this is no address of a content server", how);

  proxy::Credential out;
  out.id = "login";
  out.scope = {*origin};
  const bool by_http = origin->starts_with("http");
  const bool wants_no_key = login.kind != "basic" || !origin->starts_with("sftp:");
  if (!login.host_key.empty() && wants_no_key)
    return wrong("host_key", "a host key goes with a user name for sftp://", "leave it out");
  if (!login.host_key.empty() && !proxy::rules::host_key.holds(login.host_key))
    return wrong("host_key", "this is no fingerprint of a host key", "it is SHA256: and 43 characters");
  if (login.kind == "basic") {
    out.kind = proxy::CredentialKind::basic;
    out.user = login.user;
    out.password = login.secret;
    out.host_key = login.host_key;
    if (out.user.empty()) return wrong("user", "the user name is missing", "give it with the password");
  } else if (!by_http) {
    return wrong("kind", "this server takes a user name and a password only", "use basic");
  } else if (login.kind == "bearer") {
    out.kind = proxy::CredentialKind::bearer;
    out.token = login.secret;
  } else if (login.kind == "cookie") {
    out.kind = proxy::CredentialKind::cookies;
    auto cookies = cookies_of(login.secret, std::string(parts->host), origin->starts_with("https"));
    if (!cookies) return fail(std::move(cookies.error()));
    out.cookies = std::move(*cookies);
  } else if (login.kind == "header") {
    out.kind = proxy::CredentialKind::headers;
    if (login.user.empty()) return wrong("user", "the header's name is missing", "as in X-Api-Key");
    out.headers.emplace_back(login.user, login.secret);
  } else {
    return wrong("kind", "there is no such kind of login", "use basic, bearer, cookie or header");
  }
  if (login.secret.empty()) return wrong("secret", "the secret is missing");
  // What the strict reader of documents takes, the worker can send.
  std::string plain = written(out);
  proxy::Document holder;
  auto read = proxy::restore_secrets(holder, plain);
  wipe(plain);
  if (!read)
    return wrong("secret", "it has characters that cannot be sent there", "type it once more, on one line");
  return out;
}

bool only_reads(const proxy::Source& source) {
  return source.request.method == "GET" && !source.request.body;
}

std::set<std::string> origins_without_credential(const proxy::Document& document) {
  const auto has_one = [&](const std::string& origin) {
    return std::any_of(document.access.begin(), document.access.end(), [&](const auto& one) {
      return std::find(one.scope.begin(), one.scope.end(), origin) != one.scope.end();
    });
  };
  std::set<std::string> out;
  for (const auto& file : document.files) {
    for (const auto& source : file.sources) {
      // A request that could change something over there is never signed with what lies here.
      if (!source.credential_ids.empty() || !only_reads(source)) continue;
      if (auto origin = proxy::origin_of(source.url); origin && !has_one(*origin)) out.insert(*origin);
    }
  }
  return out;
}

Task<Result<void>> Logins::start() {
  std::function<Result<std::vector<AccountId>>(Tx&)> read = [](Tx& tx) {
    return tx.repo<LoginRecords>().accounts();
  };
  auto accounts = co_await context_.database.read_value<std::vector<AccountId>>(std::move(read));
  if (!accounts) co_return fail(std::move(accounts.error()));
  with_logins_.insert(accounts->begin(), accounts->end());
  co_return Result<void>();
}

Task<Result<std::vector<StoredLogin>>> Logins::list(AccountId account) {
  std::function<Result<std::vector<StoredLogin>>(Tx&)> read = [account](Tx& tx) {
    return tx.repo<LoginRecords>().of(account);
  };
  auto found = co_await context_.database.read_value<std::vector<StoredLogin>>(std::move(read));
  if (found)
    for (auto& login : *found) login.secret.clear();
  co_return found;
}

Task<Result<StoredLogin>> Logins::add(AccountId account, NewLogin login) {
  auto credential = credential_of(login);
  wipe(login.secret);
  if (!credential) co_return fail(std::move(credential.error()));
  StoredLogin stored;
  stored.id = random_id();
  stored.account = account;
  stored.origin = credential->scope.front();
  stored.kind = login.kind;
  stored.label = label_of(*credential);
  stored.created = context_.clock.now();
  std::string plain = written(*credential);
  stored.secret = context_.vault.seal(plain, context_of(stored.id));
  wipe(plain);
  const std::size_t most = context_.limits.logins_of_account;
  Database::Work work = [stored, most](Tx& tx) -> Result<void> {
    auto& records = tx.repo<LoginRecords>();
    auto known = records.of(stored.account);
    if (!known) return fail(std::move(known.error()));
    const bool replaces = std::any_of(known->begin(), known->end(),
                                      [&](const auto& one) { return one.origin == stored.origin; });
    if (!replaces && known->size() >= most)
      return fail(Reason::too_large, "there are as many stored logins as an account may have",
                  "remove one that is not used any more");
    return records.save(stored);
  };
  // From the beginning: what is handed in meanwhile asks the store, which knows.
  with_logins_.insert(account);
  auto done = co_await context_.database.write(std::move(work));
  if (!done) co_return fail(std::move(done.error()));
  stored.secret.clear();
  co_return stored;
}

Task<Result<void>> Logins::remove(AccountId account, std::string id) {
  std::function<Result<bool>(Tx&)> work = [account, id](Tx& tx) {
    return tx.repo<LoginRecords>().remove(account, id);
  };
  auto removed = co_await context_.database.write_value<bool>(std::move(work));
  if (!removed) co_return fail(std::move(removed.error()));
  if (!*removed) co_return fail(Reason::not_found, "there is no such login");
  co_return Result<void>();
}

Task<Result<void>> Logins::lend(std::span<Submission> submissions) {
  std::map<AccountId, std::vector<StoredLogin>> known;
  for (Submission& submission : submissions) {
    proxy::Document& document = submission.document;
    if (!with_logins_.contains(submission.account)) continue;
    if (document.op != proxy::Document::Op::submit) continue;
    // Its later occurrences would go on with a login that has been removed since.
    if (!document.when.repeat.empty()) continue;
    const auto wanted = origins_without_credential(document);
    if (wanted.empty()) continue;
    if (!known.contains(submission.account)) {
      std::function<Result<std::vector<StoredLogin>>(Tx&)> read = [account = submission.account](Tx& tx) {
        return tx.repo<LoginRecords>().of(account);
      };
      auto found = co_await context_.database.read_value<std::vector<StoredLogin>>(std::move(read));
      if (!found) co_return fail(std::move(found.error()));
      known[submission.account] = std::move(*found);
    }
    for (const StoredLogin& login : known[submission.account]) {
      if (!wanted.contains(login.origin) || document.access.size() >= most_credentials) continue;
      auto plain = context_.vault.open(login.secret, context_of(login.id));
      proxy::Document holder;
      const bool read = plain && proxy::restore_secrets(holder, *plain) && holder.access.size() == 1;
      if (plain) wipe(*plain);
      if (!read || holder.access.front().scope != std::vector<std::string>{login.origin}) {
        log::error("a stored login (id {}) is damaged, and not used", login.id);
        continue;
      }
      holder.access.front().id = free_id(document);
      document.access.push_back(std::move(holder.access.front()));
    }
  }
  co_return Result<void>();
}

}  // namespace restante::jobs
