// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"
#include "config.hpp"
#include "net/address_guard.hpp"
#include "net/curl_multi.hpp"
#include "net/curl_url.hpp"
#include "net/resolver.hpp"
#include "serve.hpp"
#include "web_app.hpp"

#include <boost/json.hpp>

#include <arpa/inet.h>
#include <cstring>
#include <iostream>
#include <netinet/in.h>
#include <string>
#include <string_view>

/// The guard is tried without the web app.
restante::api::App restante::daemon::web_app() {
  return {};
}

// restanted with layers of the address guard taken away, and the guard's plain functions for mass
// comparisons.
//   guard_server none|names|sockets|both --config FILE --data DIR serve --listen ADDR:PORT
//   guard_server judge   a line in: an address, "lan " before it for an account with --lan; out: "pass" or
//   why guard_server urls    a line in: a URL as a JSON string; out: {"host","port","text"} or
//   {"reason","message"}
// Only tests build it; nothing that is shipped can do this.
namespace restante::test {
namespace {

Result<void> lets_everything_pass(const sockaddr&, socklen_t, const net::AddressPolicy&, net::Lan) {
  return {};
}

int serve(std::string_view without, int count, char** arguments) {
  net::AddressGuard guard;
  if (without == "names" || without == "both") guard.names = lets_everything_pass;
  if (without == "sockets" || without == "both") guard.sockets = lets_everything_pass;
  daemon::Config config;
  std::string file, data;
  for (int i = 2; i + 1 < count; ++i) {
    const std::string_view option = arguments[i];
    if (option == "--config") file = arguments[i + 1];
    if (option == "--data") data = arguments[i + 1];
  }
  auto loaded = daemon::load_config(file);
  if (!loaded) {
    std::cerr << loaded.error().message << '\n';
    return 2;
  }
  config = std::move(*loaded);
  config.listen.clear();
  for (int i = 2; i + 1 < count; ++i)
    if (std::string_view(arguments[i]) == "--listen")
      config.listen.push_back(daemon::parse_listen(arguments[i + 1]).value());
  log::start("restanted", config.log_level.c_str());
  const auto ended = daemon::serve(config, data, guard);
  if (!ended) std::cerr << ended.error().message << '\n';
  return ended ? 0 : 1;
}

std::string judged(std::string_view line) {
  const bool lan = line.starts_with("lan ");
  const std::string text(lan ? line.substr(4) : line);
  sockaddr_storage storage{};
  auto* in = reinterpret_cast<sockaddr_in*>(&storage);
  auto* in6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (::inet_pton(AF_INET, text.c_str(), &in->sin_addr) == 1)
    in->sin_family = AF_INET;
  else if (::inet_pton(AF_INET6, text.c_str(), &in6->sin6_addr) == 1)
    in6->sin6_family = AF_INET6;
  else
    return "no address";
  const auto verdict = net::judge(reinterpret_cast<const sockaddr&>(storage), sizeof *in6, {},
                                  lan ? net::Lan::allowed : net::Lan::refused);
  return verdict ? "pass" : verdict.error().message;
}

boost::json::object read_url(const std::string& line) {
  const auto refused = [](const Error& error) -> boost::json::object {
    return {{"reason", std::string(info(error.reason).code)}, {"message", error.message}};
  };
  const auto url = net::parse_url(std::string(boost::json::parse(line).as_string()));
  if (!url) return refused(url.error());
  if (const auto literal = net::read_literal(url->host, url->port); !literal) return refused(literal.error());
  return {{"host", url->host}, {"port", url->port}, {"text", url->text}};
}

}  // namespace
}  // namespace restante::test

int main(int count, char** arguments) {
  using namespace restante::test;
  const std::string_view what = count > 1 ? arguments[1] : "";
  if (what != "judge" && what != "urls") return serve(what, count, arguments);
  if (what == "urls") restante::net::warm_up_curl();
  std::string line;
  while (std::getline(std::cin, line)) {
    if (what == "judge")
      std::cout << judged(line) << '\n';
    else
      std::cout << boost::json::serialize(read_url(line)) << '\n';
  }
  return 0;
}
