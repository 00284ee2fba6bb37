// SPDX-License-Identifier: Apache-2.0
// `restante mail`: how this device sends mails, for places that it reaches by their mailbox only.
#include "base/text.hpp"
#include "context.hpp"
#include "request/mailbox.hpp"
#include "secret.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace restante::cli {
namespace {

struct MailOptions {
  std::string url, from, user, ca = "/etc/ssl/certs/ca-certificates.crt";
  bool secret_stdin = false, plain = false;
};

void show(const Context& context, const request::OutgoingMail& mail) {
  if (!context.json)
    return context.result(mail.server.url + "  " + mail.from +
                          (mail.server.user.empty() ? "" : "  as " + request::shown(mail.server.user)));
  boost::json::object out;
  out["url"] = mail.server.url;
  out["from"] = mail.from;
  if (!mail.server.user.empty()) out["user"] = mail.server.user;
  context.result(boost::json::serialize(out));
}

int set(const Context& context, const MailOptions& options) {
  request::OutgoingMail mail;
  mail.server.url = options.url;
  mail.server.user = options.user;
  mail.server.ca_bundle = options.ca;
  mail.server.starttls = !options.plain;
  mail.from = options.from;
  if (!options.user.empty()) {
    if (!options.secret_stdin && !context.stdin_terminal)
      return context.refuse(fail(Reason::usage, "--user needs a password",
                                 "give it as the first line of stdin, with --secret-stdin")
                                .value());
    auto secret =
        options.secret_stdin ? read_secret_line() : ask_secret("Password of " + options.user + ": ");
    if (!secret) return context.refuse(secret.error());
    mail.server.password = std::move(*secret);
  }
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  if (auto saved = request::save_mail(*home, mail); !saved) return context.refuse(saved.error());
  show(context, mail);
  return exit_done;
}

int show_it(const Context& context) {
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  auto mail = request::load_mail(*home);
  if (!mail) return context.refuse(mail.error());
  if (*mail)
    show(context, **mail);
  else
    context.note("this device sends no mails: `restante mail set smtps://HOST --from ADDRESS`");
  return exit_done;
}

int remove(const Context& context) {
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  if (auto gone = request::forget_mail(*home); !gone) return context.refuse(gone.error());
  return exit_done;
}

}  // namespace

void add_mail_commands(CLI::App& app, Context& context) {
  auto* mail =
      app.add_subcommand("mail", "How this device sends requests by mail, where a place takes them so");
  mail->require_subcommand(1);
  auto options = std::make_shared<MailOptions>();
  auto* setting = mail->add_subcommand("set", "The server that takes this device's mails");
  setting->add_option("URL", options->url, "smtps://HOST[:465], or smtp://HOST[:587] with STARTTLS")
      ->required();
  setting->add_option("--from", options->from, "The sender's address")->required()->type_name("ADDRESS");
  setting->add_option("--user", options->user, "Who signs in there")->type_name("USER");
  setting->add_flag("--secret-stdin", options->secret_stdin, "The first line of stdin is the password");
  setting->add_option("--ca", options->ca, "Roots (PEM) instead of the system's")->type_name("FILE");
  setting->add_flag("--plain", options->plain, "Without TLS: a server on this machine only");
  setting->callback(
      [&context, options] { context.run = [&context, options] { return set(context, *options); }; });
  mail->add_subcommand("show", "What is set; never the password")->callback([&context] {
    context.run = [&context] { return show_it(context); };
  });
  mail->add_subcommand("remove", "Send no mails any more")->callback([&context] {
    context.run = [&context] { return remove(context); };
  });
}

}  // namespace restante::cli
