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
#include <memory>
#include <optional>
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
  std::string http2, both;         ///< origins that speak HTTP/2 alone, and both versions
  std::string ca_file;

private:
  pid_t child_ = -1;
  UniqueFd input_;
};

struct Fetched {
  jobs::TransferResult result;
  std::vector<jobs::ResponseFacts> responded;
  std::vector<std::uint64_t> progress;
  std::vector<SpanReport> apart;      ///< of all progress, one after the other
  std::vector<std::string> resolved;  ///< "scheme://host:port" of each Resolve
  std::string file;                   ///< what lies in the file
};

/// The real worker program, started and served as the server does it: names are found in a table, sockets
/// connect to loopback only.
class WorkerDriver {
public:
  /// `socket_made`: called with each socket that the worker gets, on a thread of the driver's own.
  /// `http2`: the worker's second argument.
  explicit WorkerDriver(const std::string& ca_file, std::function<void(int socket)> socket_made = {},
                        const std::string& http2 = "needed");
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

  /// Keeps up to `parallel` orders under way: `next` gives the next one with what its file holds already
  /// (nullopt: none at the moment), `done` takes each with its tag as it ends and may have made room for
  /// others. Ends when nothing is under way and `next` gives nothing.
  struct Wanted {
    std::size_t tag = 0;
    jobs::TransferOrder order;
    std::string held;
  };
  void flow(std::size_t parallel, const std::function<std::optional<Wanted>()>& next,
            const std::function<void(std::size_t tag, Fetched fetched)>& done);
  /// `count` of them, at most `at_once` at a time; `next` gives an order and what its file holds already.
  void fetch_many(std::size_t count, std::size_t at_once,
                  const std::function<std::pair<jobs::TransferOrder, std::string>(std::size_t)>& next,
                  const std::function<void(std::size_t, const Fetched&)>& done);

  const std::vector<std::string>& locks() const { return locks_; }
  std::uint64_t memory_pss_bytes() const;
  std::chrono::microseconds cpu_time() const;

private:
  worker::ToServer next_message();
  void send(const worker::ToWorker& message, UniqueFd fd = {});
  void start(std::uint32_t id, jobs::TransferOrder order, const std::string& held, UniqueFd& kept);
  void resolve(const worker::Resolve& question);
  void serve_connector(int channel) const;

  pid_t child_ = -1;
  std::unique_ptr<worker::WorkerChannel> channel_;
  UniqueFd connector_;
  std::function<void(int)> socket_made_;
  std::thread connector_thread_;
  std::vector<std::string> locks_;
  std::uint32_t next_id_ = 1;
};

/// The same bytes as server.py's content().
std::string content(std::size_t size);
inline constexpr std::size_t content_bytes = 100000;

}  // namespace restante::test
