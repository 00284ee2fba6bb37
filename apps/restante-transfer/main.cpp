// SPDX-License-Identifier: Apache-2.0
#include "net/curl_multi.hpp"
#include "transfer/engine.hpp"
#include "worker/messages.hpp"
#include "worker/sandbox.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

// The sandboxed worker that fetches from content servers. Started by the server with its channels as
// descriptors 3 and 4, and the bundle of trusted roots, the use of HTTP/2 ("never", "needed", "always"), the
// most transfers at once and the most of them at one content server as its arguments; ends when the server
// closes the channel.
namespace {

int fault(const std::string& message) {
  std::fprintf(stderr, "restante-transfer: %s\n", message.c_str());
  return 1;
}

/// Empty if it cannot be read. Leaves no descriptor open: a worker keeps none that it does not need.
std::string whole_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// 0 if it is none.
std::size_t number(const char* text) {
  std::size_t out = 0;
  const char* end = text + std::strlen(text);
  const auto [rest, error] = std::from_chars(text, end, out);
  return error == std::errc() && rest == end ? out : 0;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace restante;
  const auto http2 = argc == 5 ? transfer::HttpVersions::parse(argv[2]) : std::nullopt;
  const std::size_t transfers = argc == 5 ? number(argv[3]) : 0, at_origin = argc == 5 ? number(argv[4]) : 0;
  if (!http2 || transfers == 0 || at_origin == 0)
    return fault(
        "it is started by restanted, with the bundle of trusted roots, the use of HTTP/2 and its limits");
  std::string roots = whole_file(argv[1]);
  if (roots.empty()) return fault(std::string("cannot read the trusted roots in ") + argv[1]);

  net::warm_up_curl();
  transfer::Engine::Options options;
  options.channel = UniqueFd(worker::channel_fd);
  options.connector = UniqueFd(worker::connector_fd);
  options.roots_pem = std::move(roots);
  options.http2 = *http2;
  options.limits.transfers = transfers;
  options.requests_per_origin = static_cast<int>(at_origin);
  auto engine = transfer::Engine::make(std::move(options));
  if (!engine) return fault(engine.error().message);

  worker::SandboxPolicy policy;
  // A socket and a file for each, and connections that are kept.
  policy.max_open_files = std::max(policy.max_open_files, static_cast<unsigned>(3 * transfers + 256));
  auto locks = worker::lock_down(policy);
  if (!locks) return fault(locks.error().message);
  (*engine)->run(std::move(*locks));
  return 0;
}
