// SPDX-License-Identifier: Apache-2.0
#include "net/curl_multi.hpp"
#include "transfer/engine.hpp"
#include "worker/messages.hpp"
#include "worker/sandbox.hpp"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

// The sandboxed worker that fetches from content servers. Started by the server with its channels as
// descriptors 3 and 4 and the bundle of trusted roots as its only argument; ends when the server closes the
// channel.
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

}  // namespace

int main(int argc, char** argv) {
  using namespace restante;
  if (argc != 2) return fault("it is started by restanted, with the bundle of trusted roots");
  std::string roots = whole_file(argv[1]);
  if (roots.empty()) return fault(std::string("cannot read the trusted roots in ") + argv[1]);

  net::warm_up_curl();
  transfer::Engine::Options options;
  options.channel = UniqueFd(worker::channel_fd);
  options.connector = UniqueFd(worker::connector_fd);
  options.roots_pem = std::move(roots);
  auto engine = transfer::Engine::make(std::move(options));
  if (!engine) return fault(engine.error().message);

  auto locks = worker::lock_down({});
  if (!locks) return fault(locks.error().message);
  (*engine)->run(std::move(*locks));
  return 0;
}
