// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "base/task.hpp"
#include "net/connector.hpp"
#include "worker/messages.hpp"
#include "worker/spawn.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace restante::worker {

struct ProcessLimits {
  std::chrono::milliseconds start_time{10000};  ///< until it has said Ready
  std::chrono::milliseconds end_time{1000};     ///< from closing its channel until it is killed
  std::size_t packets_per_s = 5000;             ///< more is a flood, beside what its work explains:
  std::size_t packets_per_order = 16;           ///< for each packet that it was sent in that second
  std::size_t packets_per_transfer = 8;         ///< for each transfer under way
  std::size_t log_lines = 200;                  ///< in its life; the rest is dropped
  std::size_t log_line_bytes = 1000;
};

/// What a worker says, already decoded. On the control loop.
class WorkerEvents {
public:
  virtual ~WorkerEvents() = default;
  virtual void on_ready(const Ready& ready) = 0;
  virtual std::size_t under_way() const { return 0; }  ///< transfers
  /// Anything but Ready. An error is a violation: the worker is killed.
  virtual Result<void> on_message(ToServer message) = 0;
};

/// One started worker as the server sees it: reads its messages and its log lines, holds its connector, ends
/// and reaps it. Lives on the control loop; nothing it says is trusted.
class Process {
public:
  /// `layer2` judges what this worker connects to.
  Process(Executor loop, Spawned spawned, ProcessLimits limits, net::Judge layer2 = net::judge);
  ~Process();  ///< after `run` has returned
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  struct End {
    std::string how;        ///< "exit 0", "signal 9 (Killed)", with why it was killed
    bool expected = false;  ///< after `end`
  };
  /// Until the process has ended and is reaped; does not throw and is not cancelled: use `end` or `kill`.
  Task<End> run(WorkerEvents& events);

  Result<void> send(const ToWorker& message, UniqueFd fd = {});  ///< as LoopChannel
  net::Connector& connector();
  int pid() const;
  bool ending() const;

  void end();                  ///< closes the channel; killed if it does not go
  void kill(std::string why);  ///< at once

private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace restante::worker
