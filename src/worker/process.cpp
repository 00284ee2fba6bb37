// SPDX-License-Identifier: Apache-2.0
#include "worker/process.hpp"

#include "base/crypto.hpp"
#include "base/log.hpp"
#include "worker/channel.hpp"
#include "worker/connector_thread.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cerrno>
#include <unistd.h>

namespace restante::worker {

namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

struct Process::State : std::enable_shared_from_this<State> {
  State(Executor on, Spawned spawned, ProcessLimits l, net::Judge layer2)
      : loop(std::move(on)),
        limits(l),
        pid(spawned.pid),
        pidfd(std::move(spawned.pidfd)),
        errors(std::move(spawned.errors)),
        channel(loop, std::move(spawned.channel)),
        connector(std::make_shared<net::Connector>(layer2)),
        connector_thread(std::make_unique<ConnectorThread>(std::move(spawned.connector), connector)),
        ended(loop, pidfd.get()),
        log(loop, errors.get()),
        timer(loop) {}
  ~State() {
    ended.release();
    log.release();
  }

  std::size_t sent = 0;  ///< packets to it within this second

  void kill(std::string because) {
    if (why.empty()) why = std::move(because);
    kill_worker(pidfd.get());
    channel.close();
  }

  void kill_after(std::chrono::milliseconds time, const char* because) {
    timer.expires_after(time);
    timer.async_wait([self = shared_from_this(), because](boost::system::error_code error) {
      if (!error) self->kill(because);
    });
  }

  void end() {
    if (ending) return;
    ending = true;
    channel.close();
    kill_after(limits.end_time, "it did not end in time");
  }

  /// Takes what is there now from the worker's stderr.
  void read_log() {
    char buffer[4096];
    for (;;) {
      const ssize_t size = ::read(errors.get(), buffer, sizeof buffer);
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) {
        log_open = size < 0;
        return;
      }
      for (ssize_t i = 0; i < size; ++i) {
        const char c = buffer[i];
        if (c == '\n')
          flush_line();
        else if (line.size() < limits.log_line_bytes)
          line += (c >= ' ' && c <= '~') ? c : '?';
      }
    }
  }
  void flush_line() {
    if (!line.empty() && lines < limits.log_lines) log::warn("worker {}: {}", pid, line);
    if (!line.empty() && ++lines == limits.log_lines)
      log::warn("worker {}: its further lines are dropped", pid);
    line.clear();
  }
  void watch_log() {
    log.async_wait(asio::posix::stream_descriptor::wait_read,
                   [self = shared_from_this()](boost::system::error_code error) {
                     if (error) return;
                     self->read_log();
                     if (self->log_open) self->watch_log();
                   });
  }

  Result<void> take(Received received, WorkerEvents& events) {
    if (received.fd) return fail(Reason::malformed, "it sent a descriptor");
    auto message = decode_to_server(received.packet);
    wipe(received.packet);
    if (!message) return fail(std::move(message.error()));
    const auto* hello = std::get_if<Ready>(&*message);
    if ((hello != nullptr) == ready)
      return fail(Reason::malformed, "its first packet, and no other, is \"ready\"");
    if (hello == nullptr) return events.on_message(std::move(*message));
    ready = true;
    timer.cancel();
    events.on_ready(*hello);
    return {};
  }

  Executor loop;
  ProcessLimits limits;
  pid_t pid;
  UniqueFd pidfd, errors;
  LoopChannel channel;
  std::shared_ptr<net::Connector> connector;
  std::unique_ptr<ConnectorThread> connector_thread;
  asio::posix::stream_descriptor ended, log;  // watch pidfd and errors, which own the descriptors
  asio::steady_timer timer;                   // until ready, later until the end
  std::string why, line;
  std::size_t lines = 0;
  bool ready = false, ending = false, log_open = true;
};

Process::Process(Executor loop, Spawned spawned, ProcessLimits limits, net::Judge layer2)
    : state_(std::make_shared<State>(std::move(loop), std::move(spawned), limits, layer2)) {
}

Process::~Process() = default;

Task<Process::End> Process::run(WorkerEvents& events) {
  auto state = state_;
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  state->kill_after(state->limits.start_time, "it did not say in time that it is ready");
  state->watch_log();

  auto window = Clock::now();
  std::size_t packets = 0;
  for (;;) {
    auto received = co_await state->channel.receive();
    if (!received) {
      if (received.error().reason == Reason::malformed) state->kill(received.error().message);
      break;
    }
    // A busy worker must not keep the loop from the others, and a flooding one is not heard any longer.
    if (++packets % 32 == 0) co_await asio::post(asio::use_awaitable);
    if (Clock::now() - window > std::chrono::seconds(1)) window = Clock::now(), packets = state->sent = 0;
    if (packets > state->limits.packets_per_s &&
        packets > state->limits.packets_per_s + state->sent * state->limits.packets_per_order +
                      events.under_way() * state->limits.packets_per_transfer) {
      state->kill("it floods its channel");
      break;
    }
    auto taken = state->take(std::move(*received), events);
    if (!taken) {
      state->kill(taken.error().message);
      break;
    }
  }
  state->channel.close();
  state->connector_thread.reset();
  if (!state->ending) state->kill_after(state->limits.end_time, "it closed its channel and did not end");
  boost::system::error_code ignored;
  co_await state->ended.async_wait(asio::posix::stream_descriptor::wait_read,
                                   asio::redirect_error(asio::use_awaitable, ignored));
  state->timer.cancel();
  End end;
  end.how = reap(state->pidfd.get());
  end.expected = state->ending;
  state->read_log();
  state->flush_line();
  state->log.cancel();
  if (!state->why.empty()) end.how += ": " + state->why;
  co_return end;
}

Result<void> Process::send(const ToWorker& message, UniqueFd fd) {
  ++state_->sent;
  return state_->channel.send(encode(message), std::move(fd));
}
net::Connector& Process::connector() {
  return *state_->connector;
}
int Process::pid() const {
  return state_->pid;
}
bool Process::ending() const {
  return state_->ending;
}
void Process::end() {
  state_->end();
}
void Process::kill(std::string why) {
  state_->kill(std::move(why));
}

}  // namespace restante::worker
