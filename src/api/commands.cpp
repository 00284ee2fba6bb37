// SPDX-License-Identifier: Apache-2.0
#include "api/commands.hpp"

#include "api/erasure.hpp"
#include "api/guests.hpp"
#include "api/json_writer.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <memory>
#include <unistd.h>

namespace restante::api {

namespace {

using Arguments = boost::json::object;

std::string text_argument(const Arguments& arguments, std::string_view name) {
  const auto* found = arguments.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

CommandLines one_line(std::string line) {
  CommandLines lines;
  lines.push_back(std::move(line));
  return lines;
}

void write_user(JsonWriter& json, const accounts::Account& account) {
  json.key("name").text(account.name).key("role").text(accounts::name(account.role));
  if (account.quota_bytes) json.key("quota_bytes").number(*account.quota_bytes);
  if (account.traffic_bytes) json.key("traffic_bytes").number(*account.traffic_bytes);
  if (account.rate_bytes_per_s) json.key("rate_bytes_per_s").number(*account.rate_bytes_per_s);
  json.key("lan").yes_no(account.lan);
  json.key("password").yes_no(!account.password_hash.empty());
  json.key("created").text(to_rfc3339(account.created));
}

std::string user_line(const accounts::Account& account) {
  std::string out;
  JsonWriter json(out);
  json.open('{');
  write_user(json, account);
  json.close('}');
  return out;
}

Task<Result<CommandLines>> add_user(Administration& parts, Arguments arguments) {
  accounts::NewUser user;
  user.name = text_argument(arguments, "name");
  user.password = text_argument(arguments, "password");
  if (const auto role = text_argument(arguments, "role"); !role.empty()) {
    const auto known = accounts::role_from_name(role);
    if (!known) co_return fail(Reason::invalid, "there is no role " + role, "use admin, user or guest");
    user.role = *known;
  }
  if (const auto* quota = arguments.if_contains("quota_bytes"); quota != nullptr && quota->is_int64())
    user.quota_bytes = static_cast<std::uint64_t>(quota->as_int64());
  if (const auto* traffic = arguments.if_contains("traffic_bytes"); traffic != nullptr && traffic->is_int64())
    user.traffic_bytes = static_cast<std::uint64_t>(traffic->as_int64());
  if (const auto* rate = arguments.if_contains("rate_bytes_per_s"); rate != nullptr && rate->is_int64())
    user.rate_bytes_per_s = static_cast<std::uint64_t>(rate->as_int64());
  if (const auto* lan = arguments.if_contains("lan"); lan != nullptr && lan->is_bool())
    user.lan = lan->as_bool();
  auto added = co_await parts.accounts.add_user(std::move(user));
  if (!added) co_return fail(added.error());
  log::info("user {} added", added->name);
  co_return one_line(user_line(*added));
}

/// Only what is named in the arguments changes; a quota of null is none.
Task<Result<CommandLines>> change_user(Administration& parts, Arguments arguments) {
  const std::string name = text_argument(arguments, "name");
  accounts::UserChange change;
  if (const auto role = text_argument(arguments, "role"); !role.empty()) {
    change.role = accounts::role_from_name(role);
    if (!change.role) co_return fail(Reason::invalid, "there is no role " + role, "use admin, user or guest");
  }
  if (const auto* quota = arguments.if_contains("quota_bytes")) {
    if (quota->is_null()) change.quota_bytes.emplace();
    if (quota->is_int64()) change.quota_bytes = static_cast<std::uint64_t>(quota->as_int64());
  }
  if (const auto* traffic = arguments.if_contains("traffic_bytes")) {
    if (traffic->is_null()) change.traffic_bytes.emplace();
    if (traffic->is_int64()) change.traffic_bytes = static_cast<std::uint64_t>(traffic->as_int64());
  }
  if (const auto* rate = arguments.if_contains("rate_bytes_per_s")) {
    if (rate->is_null()) change.rate_bytes_per_s.emplace();
    if (rate->is_int64()) change.rate_bytes_per_s = static_cast<std::uint64_t>(rate->as_int64());
  }
  if (const auto* lan = arguments.if_contains("lan"); lan != nullptr && lan->is_bool())
    change.lan = lan->as_bool();
  change.password = text_argument(arguments, "password");
  auto changed = co_await parts.accounts.change_user(name, std::move(change));
  if (!changed) co_return fail(changed.error());
  log::info("user {} changed", name);
  co_return one_line(user_line(*changed));
}

Task<Result<CommandLines>> list_users(Administration& parts, Arguments) {
  CommandLines lines;
  const auto snapshot = parts.accounts.snapshot();
  for (const auto& account : snapshot->accounts()) {
    auto usage = co_await parts.areas.usage(account.id);
    if (!usage) co_return fail(usage.error());
    const auto traffic = parts.areas.traffic().of(account.id);
    std::string out;
    JsonWriter json(out);
    json.open('{');
    write_user(json, account);
    json.key("used_bytes").number(usage->used_bytes);
    json.key("fetched_bytes").number(traffic.fetched_bytes);
    json.key("served_bytes").number(traffic.served_bytes);
    if (!account.label.empty()) json.key("label").text(account.label);
    write_stay(json, account, parts.accounts.guest_limits().grace);
    json.key("devices").number(snapshot->devices(account.id).size()).close('}');
    lines.push_back(std::move(out));
  }
  co_return lines;
}

Task<Result<CommandLines>> set_password(Administration& parts, Arguments arguments) {
  const std::string name = text_argument(arguments, "name");
  std::string password = text_argument(arguments, "password");
  auto done = co_await parts.accounts.set_password(name, password);
  wipe(password);
  if (!done) co_return fail(done.error());
  log::info("user {} has a new password", name);
  co_return CommandLines();
}

Task<Result<CommandLines>> remove_user(Administration& parts, Arguments arguments) {
  const std::string name = text_argument(arguments, "name");
  auto removed = co_await erase_account(parts, name);
  if (!removed) co_return fail(removed.error());
  log::info("user {} removed with downloads, files and devices", name);
  co_return one_line(user_line(*removed));
}

Task<Result<CommandLines>> pair(Administration& parts, Arguments arguments) {
  auto pairing_code = co_await parts.accounts.new_pairing_code(text_argument(arguments, "name"));
  if (!pairing_code) co_return fail(pairing_code.error());
  std::string out;
  JsonWriter json(out);
  json.open('{').key("url");
  json.text(fmt::format("{}/pair#k={}&c={}", parts.base_url, parts.jkt, *pairing_code)).close('}');
  co_return one_line(std::move(out));
}

Task<Result<CommandLines>> setup(Administration& parts, Arguments) {
  auto setup_code = co_await parts.accounts.new_setup_code();
  if (!setup_code) co_return fail(setup_code.error());
  std::string out;
  JsonWriter json(out);
  json.open('{').key("url").text(setup_url(parts.base_url, *setup_code)).close('}');
  co_return one_line(std::move(out));
}

Task<Result<CommandLines>> invite(Administration& parts, Arguments arguments) {
  auto guest = read_new_guest(arguments);
  if (!guest) co_return fail(guest.error());
  auto invited = co_await parts.accounts.add_guest(*guest);
  if (!invited) co_return fail(invited.error());
  log::info("{} invited until {}", invited->account.name, to_rfc3339(guest->until));
  std::string out;
  JsonWriter json(out);
  json.open('{').key("name").text(invited->account.name);
  write_stay(json, invited->account, parts.accounts.guest_limits().grace);
  json.key("url").text(invitation_url(parts.base_url, parts.jkt, *invited)).close('}');
  co_return one_line(std::move(out));
}

void add_finding(CommandLines& lines, std::string_view what, bool right, std::string_view message) {
  std::string out;
  JsonWriter json(out);
  json.open('{').key("check").text(what).key("ok").yes_no(right).key("message").text(message).close('}');
  lines.push_back(std::move(out));
}

Task<Result<CommandLines>> check(Administration& parts, Arguments) {
  CommandLines lines;
  auto look = [&parts] { return parts.check_store(); };
  const auto faults = co_await offload(parts.disk_pool, look);
  for (const auto& fault : faults) add_finding(lines, "database", false, fault);
  if (faults.empty()) add_finding(lines, "database", true, "the database is sound");
  const auto findings = co_await parts.areas.probe_file_system();
  for (const auto& finding : findings) add_finding(lines, "file system", false, finding);
  if (findings.empty()) add_finding(lines, "file system", true, "the areas' file system does what is needed");
  const auto notes = co_await parts.areas.look_through();
  for (const auto& note : notes) add_finding(lines, "areas", true, note);
  if (parts.check_tls) {
    const auto tls = co_await offload(parts.disk_pool, parts.check_tls);
    add_finding(lines, "tls", tls.has_value(),
                tls ? "the certificate and its key can be used" : tls.error().message);
  }
  if (parts.check_mail) {
    const auto mail = co_await offload(parts.disk_pool, parts.check_mail);
    add_finding(lines, "mail", mail.has_value(), mail ? "the mail server lets us in" : mail.error().message);
  } else {
    add_finding(lines, "mail", true, "this place sends no mail: [mail] in the configuration changes that");
  }
  if (parts.check_mailboxes) {
    const auto asked = co_await offload(parts.disk_pool, parts.check_mailboxes);
    add_finding(lines, "mailbox", asked.has_value(),
                asked ? "requests can be fetched" : asked.error().message);
  }
  if (parts.keys_made)
    add_finding(lines, "keys", true,
                "requests are sealed with the key of " + to_rfc3339(parts.keys_made()).substr(0, 10));
  const bool set_up = parts.accounts.snapshot()->set_up();
  add_finding(
      lines, "accounts", true,
      set_up ? "there are users" : "there is no user yet: `restanted setup`, or `restanted user add NAME`");
  co_return lines;
}

Task<Result<CommandLines>> copy_store(Administration& parts, Arguments) {
  auto copy = [&parts] { return parts.copy_store(); };
  auto path = co_await offload(parts.disk_pool, copy);
  if (!path) co_return fail(path.error());
  std::string out;
  JsonWriter json(out);
  json.open('{').key("path").text(*path).close('}');
  co_return one_line(std::move(out));
}

Task<Result<CommandLines>> rotate_keys(Administration& parts, Arguments) {
  auto renewed = co_await offload(parts.disk_pool, parts.renew_keys);
  if (!renewed) co_return fail(renewed.error());
  log::info("requests are sealed with a new key from now on");
  std::string out;
  JsonWriter json(out);
  json.open('{').key("made").text(to_rfc3339(parts.keys_made())).close('}');
  co_return one_line(std::move(out));
}

struct Command {
  std::string_view name;
  Task<Result<CommandLines>> (*run)(Administration&, Arguments);
};
constexpr std::array<Command, 11> commands{{{"user-add", add_user},
                                            {"user-change", change_user},
                                            {"user-list", list_users},
                                            {"user-passwd", set_password},
                                            {"user-remove", remove_user},
                                            {"pair", pair},
                                            {"setup", setup},
                                            {"invite", invite},
                                            {"check", check},
                                            {"copy-store", copy_store},
                                            {"keys-rotate", rotate_keys}}};

class Control final : public http::Handler {
public:
  Control(Executor control, Administration& administration)
      : control_(std::move(control)), administration_(administration) {}

  std::uint64_t body_limit(const http::Request&) const override { return 64 * 1024; }

  Task<http::Response> handle(http::Request request) override {
    if (!request.peer.unix_socket || (request.peer.uid != ::geteuid() && request.peer.uid != 0)) {
      const auto error = fail(Reason::forbidden, "only the server's own user and root may give commands",
                              "use sudo, or run it as the server's user");
      co_return http::problem(error.value());
    }
    if (request.method != "POST" || request.path != "/control") {
      const auto error = fail(Reason::not_found, "commands go to POST /control");
      co_return http::problem(error.value());
    }
    boost::system::error_code unreadable;
    const auto body = boost::json::parse(request.body, unreadable);
    const auto* command = !unreadable && body.is_object() ? body.as_object().if_contains("command") : nullptr;
    if (command == nullptr || !command->is_string()) {
      const auto error = fail(Reason::invalid, "a command is {\"command\",\"args\"}");
      co_return http::problem(error.value());
    }
    const auto* arguments = body.as_object().if_contains("args");
    std::string arguments_text = arguments != nullptr ? boost::json::serialize(*arguments) : "{}";
    auto running = run_there(
        control_, run_command(administration_, std::string(command->as_string()), std::move(arguments_text)));
    auto lines = co_await std::move(running);
    wipe(request.body);
    if (!lines) co_return http::problem(lines.error());
    http::Response response;
    response.set("Content-Type", "application/jsonl");
    std::string out;
    for (const auto& line : *lines) (out += line) += '\n';
    response.body = std::move(out);
    co_return response;
  }

private:
  Executor control_;
  Administration& administration_;
};

}  // namespace

std::string setup_url(std::string_view base_url, std::string_view setup_code) {
  return fmt::format("{}/setup#c={}", base_url, setup_code);
}

Task<Result<CommandLines>> run_command(Administration& administration, std::string command,
                                       std::string arguments) {
  // A command runs to its end, whoever hangs up: a user is not removed by half.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  boost::system::error_code error;
  auto parsed = boost::json::parse(arguments, error);
  wipe(arguments);
  if (error || !parsed.is_object()) co_return fail(Reason::invalid, "the arguments are not a JSON object");
  for (const auto& known : commands) {
    if (known.name != command) continue;
    auto running = known.run(administration, std::move(parsed.as_object()));
    co_return co_await std::move(running);
  }
  co_return fail(Reason::usage, "there is no command " + command,
                 "is the running server of another version than this program?");
}

std::unique_ptr<http::Handler> make_control(Executor control, Administration& administration) {
  return std::make_unique<Control>(std::move(control), administration);
}

}  // namespace restante::api
