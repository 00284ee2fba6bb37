// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"
#include "net/connector.hpp"

#include <memory>
#include <thread>

namespace restante::worker {

/// Answers one worker's ConnectRequests: a thread of its own, because the worker waits inside a libcurl
/// callback and its whole loop stands still meanwhile (SPIKES.md C-A). It reads memory and asks the kernel;
/// no name, disk or wait is involved. A request of the wrong size closes the channel.
class ConnectorThread {
public:
  ConnectorThread(UniqueFd channel, std::shared_ptr<const net::Connector> connector);
  ~ConnectorThread();  ///< ends the thread; does not wait for the worker
  ConnectorThread(const ConnectorThread&) = delete;
  ConnectorThread& operator=(const ConnectorThread&) = delete;

private:
  void serve();

  UniqueFd channel_;
  std::shared_ptr<const net::Connector> connector_;
  std::thread thread_;
};

}  // namespace restante::worker
