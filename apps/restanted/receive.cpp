// SPDX-License-Identifier: Apache-2.0
#include "receive.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "data_dir.hpp"
#include "house.hpp"
#include "installation.hpp"
#include "intake/mime.hpp"
#include "net/http_client.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>
#include <iterator>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace restante::daemon {

namespace {

namespace json = boost::json;

constexpr std::chrono::seconds answer_time{10};  ///< for a server that is starting or stopping
constexpr std::chrono::milliseconds try_again{50};

std::string text(const json::object& object, const char* member) {
  const auto* found = object.if_contains(member);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

/// What was refused, as our error.
Error error_in(const json::object& object) {
  const auto reason = reason_from_code(text(object, "reason")).value_or(Reason::invalid);
  Error error{reason, text(object, "message"), text(object, "hint"), "", false};
  error.transient = info(reason).kind == ReasonClass::transient;
  return error;
}

void print_line(const json::object& line, const Output& output) {
  if (output.json) {
    std::cout << json::serialize(line) << '\n';
    return;
  }
  std::cout << text(line, "status");
  if (const auto job = text(line, "job"); !job.empty()) std::cout << "  " << job;
  if (const auto reason = text(line, "reason"); !reason.empty()) std::cout << "  " << reason;
  std::cout << '\n';
}

Result<void> print_answer(const net::ClientResponse& response, const Output& output) {
  Result<void> outcome;
  std::string_view rest = response.body;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    boost::system::error_code unreadable;
    const auto value = json::parse(rest.substr(0, end), unreadable);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (unreadable || !value.is_object()) return fail(Reason::internal, "the answer could not be understood");
    const auto& line = value.as_object();
    if (response.status != 200) {
      json::object problem = line;
      const std::string type = text(line, "type");
      problem["reason"] = type.substr(type.rfind('/') + 1);
      problem["message"] = text(line, "detail");
      return fail(error_in(problem));
    }
    print_line(line, output);
    if (text(line, "status") != "refused") continue;
    // What may be taken later has to come again, whatever else was refused.
    Error error = error_in(line);
    if (outcome || (error.transient && !outcome.error().transient)) outcome = fail(std::move(error));
  }
  std::cout << std::flush;
  return outcome;
}

Result<net::ClientResponse> ask_server(const std::string& dir, const std::string& message) {
  const SocketPath socket(dir, "submit.sock");
  net::HttpClient::Options options;
  options.unix_socket = socket.path();
  net::HttpClient client(options);
  net::ClientRequest request;
  request.method = "POST";
  request.url = "http://localhost/submit";
  request.headers = {{"Content-Type", "application/octet-stream"}};
  request.body = message;
  return client.send(request);
}

/// Durable on return; what is wrong with it shows when the server starts.
Result<void> lay_down(const Config& config, const std::string& dir, const std::string& message,
                      const Output& output) {
  auto documents = intake::documents_in(message);
  if (!documents) return fail(documents.error());
  const std::string folder = config.drop_path.empty() ? dir + "/drop" : config.drop_path;
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno(Reason::storage, "cannot make " + folder, errno);
  for (const auto& document : *documents) {
    const std::string path = folder + "/" + to_base64url(random_string(12)) + ".restante";
    if (auto written = write_secret(path, document); !written) return written;
    print_line({{"status", "queued"}}, output);
  }
  std::cout << std::flush;
  return {};
}

}  // namespace

Result<void> receive(const Config& config, const std::string& dir, const Output& output) {
  std::string message;
  const std::size_t most = intake::MimeLimits().message_bytes;
  char buffer[65536];
  while (message.size() <= most && (std::cin.read(buffer, sizeof buffer), std::cin.gcount() > 0))
    message.append(buffer, static_cast<std::size_t>(std::cin.gcount()));
  if (message.empty())
    return fail(Reason::usage, "there is nothing on stdin",
                "give a request or a mail: restanted receive < FILE");
  if (message.size() > most)
    return fail(Reason::too_large, "it is larger than " + human_size(most), "send fewer requests at once");
  if (::access((dir + "/restante.db").c_str(), F_OK) != 0)
    return fail(Reason::usage, dir + " is not the data folder of a place",
                "give the right one with --data DIR, or begin with `restanted user add NAME`");
  const auto rights = OwnerRights::take(dir, OwnerRights::Until::scope_ends);
  if (!rights) return fail(rights.error());
  const auto until = std::chrono::steady_clock::now() + answer_time;
  for (;;) {
    auto answer = ask_server(dir, message);
    if (answer) return print_answer(*answer, output);
    if (answer.error().reason != Reason::unreachable) return fail(answer.error());
    auto house = House::open(config, dir);
    if (house) return lay_down(config, dir, message, output);
    if (house.error().reason != Reason::in_use || std::chrono::steady_clock::now() > until)
      return fail(house.error());
    std::this_thread::sleep_for(try_again);
  }
}

}  // namespace restante::daemon
