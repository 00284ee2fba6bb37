// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/task.hpp"

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace restante::worker {

struct ChannelLimits {
  std::size_t queued_packets = 1024;       ///< that the other side did not take yet
  std::size_t queued_bytes = 8 * 1048576;  ///< of them
};

/// A packet and the descriptor that came with it, if any.
struct Received {
  std::string packet;
  UniqueFd fd;
};

/// Two connected ends (SOCK_SEQPACKET, close-on-exec, non-blocking) with room for at least two of the largest
/// packets. Error: internal (out of descriptors).
Result<std::pair<UniqueFd, UniqueFd>> make_channel();

/// One end of a channel that never blocks, for an epoll loop: wait for EPOLLIN, `receive` until it says
/// nullopt; while `wants_write()`, also wait for EPOLLOUT and `flush`. Uses only sendto/sendmsg, recvmsg and
/// close. One thread.
class WorkerChannel {
public:
  explicit WorkerChannel(UniqueFd socket, ChannelLimits limits = {});

  int fd() const { return socket_.get(); }

  /// Sends, or queues while the other side is slow; keeps the order. The packet is overwritten when it is on
  /// its way (it may hold secrets). Errors: too-large (packet), busy (queue full), worker-died (the other
  /// side has gone).
  Result<void> send(std::string packet, UniqueFd fd = {});
  Result<void> flush();  ///< worker-died
  bool wants_write() const { return !queue_.empty(); }

  /// nullopt: nothing there now. Errors: worker-died (the other side has closed), malformed (a packet too
  /// large, or with more than one descriptor).
  Result<std::optional<Received>> receive();

private:
  enum class Sent { yes, later, gone };
  Sent try_send(const std::string& packet, int fd);

  UniqueFd socket_;
  ChannelLimits limits_;
  std::string buffer_;
  std::deque<Received> queue_;
  std::size_t queued_bytes_ = 0;
};

/// The server's end on the control loop. Its owner awaits `receive` in one task; `send` may be called at any
/// time on the loop. `close` ends the waiting receive with worker-died.
class LoopChannel {
public:
  LoopChannel(Executor loop, UniqueFd socket, ChannelLimits limits = {});
  ~LoopChannel();
  LoopChannel(const LoopChannel&) = delete;
  LoopChannel& operator=(const LoopChannel&) = delete;

  Result<void> send(std::string packet, UniqueFd fd = {});  ///< as WorkerChannel
  Task<Result<Received>> receive();                         ///< worker-died, malformed
  void close();

private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace restante::worker
