// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/curl_multi.hpp"
#include "net/curl_poller.hpp"
#include "net/curl_tls.hpp"
#include "transfer/buffers.hpp"
#include "transfer/connector_client.hpp"
#include "transfer/file_server_run.hpp"
#include "transfer/limits.hpp"
#include "transfer/small_request.hpp"
#include "transfer/transfer.hpp"
#include "worker/channel.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace restante::transfer {

/// The worker's loop: takes orders from the channel and runs them, all on one thread. Made by main before the
/// worker is locked; `run` ends when the server closes the channel.
class Engine final : private Surroundings {
public:
  struct Options {
    UniqueFd channel, connector;
    std::string roots_pem;
    Limits limits;
    int requests_per_origin = 6;
    HttpVersions::Http2 http2 = HttpVersions::Http2::needed;
  };
  /// Error tls: the roots cannot be read.
  static Result<std::unique_ptr<Engine>> make(Options options);

  /// Tells the server which locks are on, then works.
  void run(std::vector<std::string> locks);

private:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Domain {
    std::unique_ptr<net::CurlMulti> multi;
    TimePoint used;
  };

  Engine(Options options, net::TrustStore trust);

  // Surroundings
  void send(worker::ToServer message) override;
  int open_socket(std::uint32_t transfer, std::uint32_t part, int family, int socktype,
                  const sockaddr* address, socklen_t length) override;
  std::unique_ptr<net::CurlHandle> start_request(const std::string& domain, const net::CurlOptions& options,
                                                 net::CurlEvents& events) override;
  BufferPool& buffers() override { return buffers_; }
  NonceMemory& nonces() override { return nonces_; }
  HttpVersions& http_versions() override { return http_versions_; }
  std::set<std::string>& doubted() override { return doubted_; }
  bool crowded() const override { return transfers_.size() > limits_.fast_transfers; }
  std::chrono::milliseconds tells_every() const override {
    return limits_.progress_every * (1 + static_cast<int>(transfers_.size() / limits_.chatty_transfers));
  }
  bool alone() const override { return transfers_.size() + files_.size() == 1; }
  ClockWitness& clock_witness() override { return witness_; }

  void watch_channel();
  void read_channel();
  void take(worker::Received received);
  void start(worker::Start start);
  void start(worker::Ask ask);
  void start(worker::Browse browse);
  void begin_at_file_server(std::uint32_t id, jobs::TransferOrder order, Transfer::Purpose purpose);
  bool takes(std::uint32_t id, std::uint64_t offset);  ///< else it was told that there is no room
  void begin(std::uint32_t id, jobs::TransferOrder order, Transfer::Purpose purpose);
  std::chrono::milliseconds until_next() const;
  void give_slots();
  void sweep();  ///< drops finished transfers, and domains beyond the limit

  Limits limits_;
  int requests_per_origin_;
  net::Poller poller_;
  net::TrustStore trust_;
  worker::WorkerChannel channel_;
  ConnectorClient connector_;
  BufferPool buffers_;
  NonceMemory nonces_;
  HttpVersions http_versions_;
  ClockWitness witness_;
  std::set<std::string> doubted_;
  std::map<std::string, Domain> domains_;
  std::map<std::uint32_t, std::unique_ptr<Transfer>> transfers_;        ///< dropped before their domains
  std::map<std::uint32_t, std::unique_ptr<SmallRequestRun>> requests_;  ///< as well
  struct FileRun {
    std::string domain;
    std::unique_ptr<FileServerRun> run;
    bool finished() const { return run->finished(); }
  };
  std::map<std::uint32_t, FileRun> files_;  ///< as well
  TimePoint last_tick_;
  bool open_ = true;
  bool watching_writes_ = false;
};

}  // namespace restante::transfer
