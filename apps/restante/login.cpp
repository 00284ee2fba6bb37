// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "context.hpp"
#include "request/logins.hpp"
#include "secret.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <tuple>

namespace restante::cli {
namespace {

struct LoginOptions {
  std::string origin, user, header, certificate_path, key_path, token_endpoint, client_id, host_key;
  bool secret_stdin = false, digest = false;
};

std::string login_json(const proxy::Credential& login) {
  boost::json::object out;
  out["origin"] = login.scope.at(0);
  out["kind"] = request::kind_word(login.kind);
  if (const std::string user = request::login_user(login); !user.empty()) out["user"] = user;
  if (!login.host_key.empty()) out["host_key"] = login.host_key;
  return boost::json::serialize(out);
}

void show(const Context& context, const proxy::Credential& login) {
  const std::string user = request::login_user(login);
  context.result(context.json ? login_json(login)
                              : login.scope.at(0) + "  " + std::string(request::kind_word(login.kind)) +
                                    (user.empty() ? "" : "  " + request::shown(user)));
}

Result<std::string> secret_of(const Context& context, const LoginOptions& options, const std::string& what) {
  if (options.secret_stdin) return read_secret_line();
  if (context.stdin_terminal) return ask_secret(what + ": ");
  return fail(Reason::usage, "the login needs its secret",
              "give it as the first line of stdin, with --secret-stdin");
}

/// Exactly one way to sign in, by the options that were given.
Result<proxy::Credential> read_login(const Context& context, const LoginOptions& options) {
  using proxy::CredentialKind;
  const int ways = !options.user.empty() + !options.header.empty() + !options.certificate_path.empty() +
                   !options.token_endpoint.empty();
  if (ways > 1)
    return fail(Reason::usage, "a login has one way to sign in",
                "add it once for each of --user, --header, --cert and --token-endpoint");
  if (options.digest && options.user.empty()) return fail(Reason::usage, "--digest needs a user name");
  if (options.token_endpoint.empty() != options.client_id.empty())
    return fail(Reason::usage, "--token-endpoint and --client-id belong together");
  if (!options.certificate_path.empty() || !options.key_path.empty())
    return read_certificate(options.certificate_path, options.key_path);
  proxy::Credential login;
  const std::string what = !options.user.empty()             ? "Password of " + options.user
                           : !options.header.empty()         ? "Value of " + options.header
                           : !options.token_endpoint.empty() ? "Refresh token"
                                                             : "Token";
  auto secret = secret_of(context, options, what);
  if (!secret) return fail(std::move(secret.error()));
  if (!options.user.empty()) {
    login.kind = options.digest ? CredentialKind::digest : CredentialKind::basic;
    login.user = options.user;
    login.password = std::move(*secret);
    login.host_key = options.host_key;
  } else if (!options.header.empty()) {
    login.kind = CredentialKind::headers;
    login.headers = {{ascii_lower(options.header), std::move(*secret)}};
  } else if (!options.token_endpoint.empty()) {
    login.kind = CredentialKind::oauth;
    login.token_endpoint = options.token_endpoint;
    login.client_id = options.client_id;
    login.refresh_token = std::move(*secret);
    // A second line is the secret of the client, for those that have one.
    if (auto client = options.secret_stdin ? read_secret_line() : Result<std::string>(std::string()); client)
      login.client_secret = std::move(*client);
  } else {
    login.kind = CredentialKind::bearer;
    login.token = std::move(*secret);
  }
  return login;
}

/// Held to the rules of the document now: later nobody might be there to mend it.
Result<void> check(const proxy::Credential& login) {
  proxy::Document holder, again;
  holder.access = {login};
  holder.access[0].id = "login";
  auto read = proxy::restore_secrets(again, proxy::to_json(holder, proxy::Part::only_secrets));
  if (read) return {};
  Error error = std::move(read.error());
  if (error.message.starts_with("/access/0/")) error.message.erase(0, 10);
  error.reason = Reason::usage;
  error.pointer.clear();
  return fail(std::move(error));
}

int add(const Context& context, const LoginOptions& options) {
  auto origin = request::login_origin(options.origin);
  if (!origin) return context.refuse(origin.error());
  auto login = read_login(context, options);
  if (!login) return context.refuse(login.error());
  login->scope = {*origin};
  if (!options.host_key.empty() && (!origin->starts_with("sftp:") || options.user.empty()))
    return context.refuse(
        fail(Reason::usage, "--host-key goes with a user name at an origin that begins with sftp://")
            .value());
  if (auto good = check(*login); !good) return context.refuse(good.error());
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  auto logins = request::Logins::open(*home);
  if (!logins) return context.refuse(logins.error());
  if (auto done = logins->put(*login); !done) return context.refuse(done.error());
  if (origin->starts_with("http:"))
    context.note("http carries it where others can read along; https does not");
  if (origin->starts_with("ftp:"))
    context.note(
        "ftp carries it where others can read along, unless the server offers to encrypt; ftps does not");
  show(context, *login);
  return exit_done;
}

int list(const Context& context) {
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  auto logins = request::Logins::open(*home);
  if (!logins) return context.refuse(logins.error());
  auto all = logins->all();
  if (!all) return context.refuse(all.error());
  std::sort(all->begin(), all->end(), [](const auto& a, const auto& b) {
    return std::tie(a.scope, a.kind) < std::tie(b.scope, b.kind);
  });
  for (const auto& login : *all) show(context, login);
  if (all->empty()) context.note("no login yet: `restante login add ORIGIN --user USER`");
  return exit_done;
}

int remove(const Context& context, const std::string& text) {
  auto origin = request::login_origin(text);
  if (!origin) return context.refuse(origin.error());
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  auto logins = request::Logins::open(*home);
  if (!logins) return context.refuse(logins.error());
  auto gone = logins->remove(*origin);
  if (!gone) return context.refuse(gone.error());
  if (*gone == 0)
    return context.refuse(
        fail(Reason::not_found, "there is no login for " + *origin, "`restante login list` shows them")
            .value());
  context.note("the login for " + *origin + " is removed here; downloads that were asked for keep theirs");
  return exit_done;
}

}  // namespace

void add_login_commands(CLI::App& app, Context& context) {
  auto* login = app.add_subcommand("login", "Sign-ins at content servers that are used by themselves");
  login->require_subcommand(1);

  auto options = std::make_shared<LoginOptions>();
  auto* adding = login->add_subcommand("add", "Store one; the secret is asked for, or comes on stdin");
  adding->add_option("ORIGIN", options->origin, "Scheme and host, as in https://files.example")->required();
  adding->add_option("--user", options->user, "User name; without it and the others a bearer token")
      ->type_name("USER");
  adding->add_option("--host-key", options->host_key, "SFTP: fingerprint of the server's key")
      ->type_name("SHA256:...");
  adding->add_flag("--digest", options->digest, "Digest only: the password itself is never sent");
  adding->add_option("--header", options->header, "Name of a header whose value is the secret")
      ->type_name("NAME");
  adding->add_option("--cert", options->certificate_path, "Client certificate with its chain (PEM)")
      ->type_name("FILE");
  adding->add_option("--key", options->key_path, "Its private key (PEM); '-' reads it from stdin")
      ->type_name("FILE");
  adding->add_option("--token-endpoint", options->token_endpoint, "OAuth: where tokens are renewed")
      ->type_name("URL");
  adding->add_option("--client-id", options->client_id, "OAuth: who asks")->type_name("ID");
  adding->add_flag("--secret-stdin", options->secret_stdin,
                   "The first line of stdin is the secret: password, token, header value or refresh token");
  adding->callback(
      [&context, options] { context.run = [&context, options] { return add(context, *options); }; });

  login->add_subcommand("list", "The logins by name, without their secrets")->callback([&context] {
    context.run = [&context] { return list(context); };
  });

  auto origin = std::make_shared<std::string>();
  auto* removing = login->add_subcommand("remove", "Forget the logins of an origin");
  removing->add_option("ORIGIN", *origin)->required();
  removing->callback(
      [&context, origin] { context.run = [&context, origin] { return remove(context, *origin); }; });
}

}  // namespace restante::cli
