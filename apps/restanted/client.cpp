// SPDX-License-Identifier: Apache-2.0
#include "client.hpp"

#include "api/backup.hpp"
#include "house.hpp"
#include "installation.hpp"
#include "net/http_client.hpp"

#include <boost/asio/use_future.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <filesystem>
#include <thread>
#include <unistd.h>

namespace restante::daemon {

namespace {

namespace json = boost::json;

constexpr std::chrono::seconds answer_time{10};  ///< for a server that is starting or stopping
constexpr std::chrono::milliseconds try_again{50};

/// The error behind a problem document.
Error error_of(const net::ClientResponse& response) {
  boost::system::error_code unreadable;
  const auto body = json::parse(response.body, unreadable);
  Error error{Reason::internal, "the running server answered " + std::to_string(response.status), "", "",
              false};
  if (unreadable || !body.is_object()) return error;
  const auto member = [&](const char* name) -> std::string {
    const auto* found = body.as_object().if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
  };
  const std::string type = member("type");
  if (const auto reason = reason_from_code(type.substr(type.rfind('/') + 1))) error.reason = *reason;
  if (const auto detail = member("detail"); !detail.empty()) error.message = detail;
  error.hint = member("hint");
  return error;
}

Result<api::CommandLines> ask_server(const SocketPath& control, const std::string& command,
                                     const json::object& arguments) {
  net::HttpClient::Options options;
  options.unix_socket = control.path();
  net::HttpClient client(options);
  net::ClientRequest request;
  request.method = "POST";
  request.url = "http://localhost/control";
  request.headers = {{"Content-Type", "application/json"}};
  request.body = json::serialize(json::object{{"command", command}, {"args", arguments}});
  request.stall_time = std::chrono::seconds{0};
  auto response = client.send(request);
  if (!response) return fail(response.error());
  if (response->status != 200) return fail(error_of(*response));
  api::CommandLines lines;
  std::string_view rest = response->body;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    if (end > 0) lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

Result<api::CommandLines> do_alone(const Config& config, House& house, const std::string& command,
                                   const json::object& arguments) {
  auto administration = house.administration();
  const auto& listen = config.listen.front();
  administration.base_url = base_url(config, listen.address, listen.port, needs_tls(config, listen.address));
  auto work = [](House& here, api::Administration& parts, std::string name,
                 std::string text) -> Task<Result<api::CommandLines>> {
    auto started = co_await here.start();
    if (!started) co_return fail(started.error());
    auto running = api::run_command(parts, std::move(name), std::move(text));
    co_return co_await std::move(running);
  };
  auto ended = asio::co_spawn(house.loop, work(house, administration, command, json::serialize(arguments)),
                              asio::use_future);
  house.loop.run();
  house.loop.restart();
  return ended.get();
}

/// A server that starts holds the lock before it answers, and one that stops does so a little longer.
Result<api::CommandLines> administer_until(const Config& config, const std::string& dir,
                                           const std::string& command, const json::object& arguments,
                                           std::chrono::steady_clock::time_point until) {
  for (;;) {
    auto house = House::open(config, dir);
    if (house) return do_alone(config, **house, command, arguments);
    if (house.error().reason != Reason::in_use) return fail(house.error());
    const SocketPath control(dir, "control.sock");
    auto answer = ask_server(control, command, arguments);
    const bool nobody = !answer && answer.error().reason == Reason::unreachable;
    if (!nobody) return answer;
    if (std::chrono::steady_clock::now() > until) return fail(house.error());
    std::this_thread::sleep_for(try_again);
  }
}

}  // namespace

Result<api::CommandLines> administer(const Config& config, const std::string& dir, const std::string& command,
                                     const json::object& arguments) {
  const auto rights = OwnerRights::take(dir, OwnerRights::Until::scope_ends);
  if (!rights) return fail(rights.error());
  return administer_until(config, dir, command, arguments, std::chrono::steady_clock::now() + answer_time);
}

Result<void> backup(const Config& config, const std::string& dir, const std::string& file,
                    const std::string& passphrase) {
  if (::access((dir + "/restante.db").c_str(), F_OK) != 0)
    return fail(Reason::not_found, dir + " holds no place that could be saved",
                "give its folder with --data DIR");
  auto lines = administer(config, dir, "copy-store", {});
  if (!lines) return fail(lines.error());
  boost::system::error_code unreadable;
  const auto answer = json::parse(lines->empty() ? "{}" : lines->front(), unreadable);
  const auto* path = !unreadable && answer.is_object() ? answer.as_object().if_contains("path") : nullptr;
  if (path == nullptr || !path->is_string()) return fail(Reason::internal, "the store could not be copied");
  const std::string copy(path->as_string());
  std::vector<api::BackupFile> files{{"restante.db", copy},
                                     {"keys/master.key", dir + "/keys/master.key"},
                                     {"keys/identity.pem", dir + "/keys/identity.pem"}};
  const std::string authority = dir + "/keys/ca.pem";
  if (::access(authority.c_str(), F_OK) == 0) files.push_back({"keys/ca.pem", authority});
  std::error_code no_folder;
  for (const auto& key : std::filesystem::directory_iterator(dir + "/keys/encryption", no_folder))
    if (key.path().extension() == ".pem")
      files.push_back({"keys/encryption/" + key.path().filename().string(), key.path().string()});
  if (!config.file.empty()) files.push_back({"restante.toml", config.file});
  auto written = api::write_backup(file, passphrase, files);
  ::unlink(copy.c_str());
  return written;
}

Result<int> restore(const Config& config, const std::string& dir, const std::string& file,
                    const std::string& passphrase) {
  if (auto done = api::read_backup(file, passphrase, dir); !done) return fail(done.error());
  if (auto given = give_to_owner(dir); !given) return fail(given.error());
  const auto rights = OwnerRights::take(dir, OwnerRights::Until::scope_ends);
  if (!rights) return fail(rights.error());
  auto house = House::open(config, dir);
  if (!house) return fail(house.error());
  auto work = [](House& here) -> Task<Result<int>> {
    std::function<Result<int>(Tx&)> hold = [now = here.clock.now()](Tx& tx) {
      return api::hold_after_restore(tx, now);
    };
    co_return co_await here.store->write_value<int>(hold);
  };
  auto ended = asio::co_spawn((*house)->loop, work(**house), asio::use_future);
  (*house)->loop.run();
  return ended.get();
}

}  // namespace restante::daemon
