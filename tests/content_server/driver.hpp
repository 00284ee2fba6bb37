// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"
#include "jobs/ports.hpp"
#include "worker/channel.hpp"
#include "worker/messages.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <sys/types.h>
#include <thread>
#include <vector>

namespace restante::test {

/// A child process with pipes on its standard input and output; closing the input tells it to end.
class ContentServer {
public:
  explicit ContentServer(std::vector<std::string> options = {});
  ~ContentServer();
  ContentServer(const ContentServer&) = delete;

  std::string http, other, https;  ///< origins
  std::string ca_file;

private:
  pid_t child_ = -1;
  UniqueFd input_;
};

struct Fetched {
  jobs::TransferResult result;
  std::vector<jobs::ResponseFacts> responded;
  std::vector<std::uint64_t> progress;
  std::vector<std::string> resolved;  ///< "scheme://host:port" of each Resolve
  std::string file;                   ///< what lies in the file
};

/// The real worker program, started and served as the server does it: names are found in a table, sockets
/// connect to loopback only.
class WorkerDriver {
public:
  explicit WorkerDriver(const std::string& ca_file);
  ~WorkerDriver();
  WorkerDriver(const WorkerDriver&) = delete;

  /// host to addresses; other hosts are answered with a dns error.
  std::map<std::string, std::vector<std::string>> hosts{{"localhost", {"127.0.0.1"}},
                                                        {"127.0.0.1", {"127.0.0.1"}}};

  /// Runs one order; `held` is what the file has already (its length becomes the offset). `each` may stop it
  /// by returning false when it sees a message.
  using Watch = std::function<bool(const worker::ToServer&)>;
  Fetched fetch(jobs::TransferOrder order, const std::string& held = {}, const Watch& each = {});
  /// Several at once, without files held before.
  std::vector<Fetched> fetch_all(std::vector<jobs::TransferOrder> orders);

  const std::vector<std::string>& locks() const { return locks_; }
  std::uint64_t memory_pss_bytes() const;
  std::chrono::microseconds cpu_time() const;

private:
  worker::ToServer next_message();
  void send(const worker::ToWorker& message, UniqueFd fd = {});
  void start(std::uint32_t id, jobs::TransferOrder order, const std::string& held, UniqueFd& kept);
  void resolve(const worker::Resolve& question);
  static void serve_connector(int channel);

  pid_t child_ = -1;
  std::unique_ptr<worker::WorkerChannel> channel_;
  UniqueFd connector_;
  std::thread connector_thread_;
  std::vector<std::string> locks_;
  std::uint32_t next_id_ = 1;
};

/// The same bytes as server.py's content().
std::string content(std::size_t size);
inline constexpr std::size_t content_bytes = 100000;

}  // namespace restante::test
