// SPDX-License-Identifier: Apache-2.0
#include "http/server.hpp"

#include "base/log.hpp"
#include "http/connection.hpp"
#include "http/crowd.hpp"
#include "http/listener.hpp"
#include "http/tls.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <future>
#include <list>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <thread>
#include <unistd.h>

namespace restante::http {

namespace {

constexpr std::chrono::milliseconds sweep_time{250};  ///< how exact deadlines are
constexpr std::chrono::minutes tells_refusals_every{1};
constexpr std::chrono::milliseconds accept_pause{100};  ///< when the process is out of descriptors
constexpr int accepts_a_turn = 64;

/// What all loops share; written before the threads start.
struct Shared {
  Handler& handler;
  ServerLimits limits;
  TrustsProxy trusts_proxy;
  SslContextPtr tls;                       ///< on the first loop only, once it runs
  Crowd crowd;                             ///< on the first loop only
  asio::io_context* first_loop = nullptr;  ///< outlives every connection
  std::atomic<std::size_t> connections{0};
  BodyMemory body_memory{0};
};

/// One thread with its connections. A sweep closes those whose deadline has passed: one timer for a loop
/// instead of one for each connection. Everything but `post` and `join` happens on the thread.
class Loop {
public:
  explicit Loop(Shared& shared) : shared_(shared) {}

  asio::io_context& context() { return context_; }

  void start() {
    asio::co_spawn(context_, sweep(), asio::detached);
    thread_ = std::thread([this] {
      // sendfile(2) and OpenSSL's write(2) raise it when a client has gone; the error code is enough.
      sigset_t pipe;
      sigemptyset(&pipe);
      sigaddset(&pipe, SIGPIPE);
      pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
      context_.run();
    });
  }

  void adopt(UniqueFd socket, SslPtr ssl, Peer peer, std::string key) {
    auto serve = [](Loop& loop, UniqueFd s, SslPtr tls, Peer from, std::string k) -> Task<void> {
      Connection connection(loop.context_.get_executor(), s.release(), std::move(tls), std::move(from),
                            loop.shared_.handler, loop.shared_.limits, loop.shared_.trusts_proxy,
                            loop.shared_.body_memory);
      Place place(loop.shared_, connection, std::move(k));
      Registration registration(loop, connection);
      co_await connection.run();
    };
    group_.spawn(serve(*this, std::move(socket), std::move(ssl), std::move(peer), std::move(key)));
  }

  TaskGroup& acceptors() { return acceptors_; }

  /// Returns when no connection is accepted any more.
  void stop_accepting() {
    std::promise<void> stopped;
    auto task = [](Loop& loop) -> Task<void> { co_await loop.acceptors_.stop(); };
    asio::co_spawn(context_, task(*this), [&stopped](std::exception_ptr) { stopped.set_value(); });
    stopped.get_future().wait();
  }
  /// After stop_accepting of the first loop: what it has dealt out stands in the queue before this.
  void stop() {
    asio::post(context_, [this] { asio::co_spawn(context_, wind_up(), asio::detached); });
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

private:
  /// A connection's place in the crowd, which is counted on the first loop.
  class Place {
  public:
    Place(Shared& shared, Connection& connection, std::string key)
        : shared_(shared), connection_(connection), key_(std::move(key)) {
      if (key_.empty()) return;
      connection_.on_greeting = [this] {
        asio::post(*shared_.first_loop, [crowd = &shared_.crowd, key = key_] { crowd->greet(key); });
      };
    }
    ~Place() {
      if (key_.empty()) return;
      asio::post(*shared_.first_loop, [crowd = &shared_.crowd, key = std::move(key_),
                                       greeted = connection_.greeted()] { crowd->leave(key, greeted); });
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

  private:
    Shared& shared_;
    Connection& connection_;
    std::string key_;
  };

  /// Keeps a connection in the list that the sweep reads, for as long as it lives.
  struct Registration {
    Registration(Loop& to, Connection& connection)
        : loop(to), at(loop.connections_.insert(loop.connections_.end(), &connection)) {
      if (loop.connections_.size() == 1) loop.sweeper_.cancel();
    }
    ~Registration() {
      loop.connections_.erase(at);
      --loop.shared_.connections;
    }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;
    Loop& loop;
    std::list<Connection*>::iterator at;
  };

  Task<void> sweep() {
    while (!stopped_) {
      if (connections_.empty())
        sweeper_.expires_at(std::chrono::steady_clock::time_point::max());
      else
        sweeper_.expires_after(sweep_time);
      boost::system::error_code ignored;
      co_await sweeper_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      const auto now = std::chrono::steady_clock::now();
      for (Connection* connection : connections_)
        if (connection->is_barred())
          connection->cut();
        else if (connection->stream().deadline < now || connection->is_deserted())
          connection->abandon();
    }
  }

  Task<void> wind_up() {
    for (Connection* connection : connections_) connection->finish_up();
    const auto until = std::chrono::steady_clock::now() + shared_.limits.stop_time;
    while (!connections_.empty() && std::chrono::steady_clock::now() < until)
      co_await sleep_for(std::chrono::milliseconds(5));
    for (Connection* connection : connections_) connection->abandon();
    co_await group_.stop();
    stopped_ = true;
    sweeper_.cancel();
  }

  Shared& shared_;
  asio::io_context context_{1};
  TaskGroup group_{context_.get_executor(), "http connection"};
  TaskGroup acceptors_{context_.get_executor(), "http listener"};
  asio::steady_timer sweeper_{context_};
  std::list<Connection*> connections_;
  std::thread thread_;
  bool stopped_ = false;
};

class ServerOfLoops final : public Server {
public:
  ServerOfLoops(Handler& handler, ServerOptions options)
      : shared_{handler, options.limits, std::move(options.trusts_proxy), nullptr, Crowd(options.limits)} {
    if (options.certificate) {
      auto context = make_server_context(*options.certificate);
      if (context)
        shared_.tls = std::move(*context);
      else
        tls_error_ = std::move(context.error());
    }
    for (std::size_t i = 0; i < std::max<std::size_t>(options.threads, 1); ++i)
      loops_.push_back(std::make_unique<Loop>(shared_));
    shared_.first_loop = &first().context();
  }
  ~ServerOfLoops() override { stop(); }

  Result<Bound> listen(const Listen& where) override {
    if (where.tls && tls_error_) return fail(*tls_error_);
    if (where.tls && !shared_.tls)
      return fail(Reason::tls, "a TLS listener needs a certificate", "give [tls] certificate and key");
    auto opened = open_listener(where);
    if (!opened) return fail(std::move(opened.error()));
    Bound bound = opened->bound;
    listeners_.push_back(std::make_unique<Listener>(std::move(*opened)));
    if (started_) {
      Listener* added = listeners_.back().get();
      asio::post(first().context(), [this, added] { first().acceptors().spawn(accept(*added)); });
    }
    return bound;
  }

  Result<void> replace_certificate(const Certificate& certificate) override {
    auto context = make_server_context(certificate);
    if (!context) return fail(std::move(context.error()));
    asio::post(first().context(), [this, fresh = std::move(*context)]() mutable {
      shared_.tls = std::move(fresh);  // a connection keeps the context that it began with
    });
    return {};
  }

  void start() override {
    RESTANTE_REQUIRE(!started_);
    started_ = true;
    for (auto& listener : listeners_) first().acceptors().spawn(accept(*listener));
    for (auto& loop : loops_) loop->start();
  }

  void stop() override {
    if (started_ && !stopped_) {
      first().stop_accepting();
      for (auto& loop : loops_) loop->stop();
      for (auto& loop : loops_) loop->join();
    }
    stopped_ = true;
    for (auto& listener : listeners_)
      if (listener->unix_socket) ::unlink(listener->bound.address.c_str());
    listeners_.clear();
  }

private:
  Loop& first() { return *loops_.front(); }

  Task<void> accept(Listener& listener) {
    const int descriptor = listener.socket.get();
    asio::posix::stream_descriptor ready(co_await asio::this_coro::executor, ::dup(descriptor));
    for (;;) {
      co_await ready.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
      for (int i = 0; i < accepts_a_turn; ++i) {
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        UniqueFd socket(
            ::accept4(descriptor, reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (socket) {
          take(std::move(socket), from, listener);
          continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) break;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
          log::warn("http: a connection cannot be accepted: {}", errno_text(errno));
          co_await sleep_for(accept_pause);
          break;
        }
      }
    }
  }

  void take(UniqueFd socket, const sockaddr_storage& from, const Listener& listener) {
    Peer peer = peer_of(socket.get(), from, listener);
    // Everybody comes from the address of a reverse proxy: it does its own counting.
    std::string key = shared_.trusts_proxy && shared_.trusts_proxy(peer.address) ? "" : Crowd::key_of(from);
    if (shared_.connections >= shared_.limits.connections || !shared_.crowd.enter(key)) {
      if (!listener.bound.tls) say_busy(socket.get());
      count_refusal();
      return;
    }
    ++shared_.connections;
    if (!listener.unix_socket) {
      const int on = 1;
      ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    SslPtr ssl;
    if (listener.bound.tls) ssl.reset(SSL_new(shared_.tls.get()));
    Loop& loop = *loops_[next_++ % loops_.size()];
    asio::post(loop.context(), [&loop, accepted = std::move(socket), tls = std::move(ssl),
                                who = std::move(peer), counted = std::move(key)]() mutable {
      loop.adopt(std::move(accepted), std::move(tls), std::move(who), std::move(counted));
    });
  }

  /// With what came already read away: closing over unread bytes would take the answer back.
  static void say_busy(int socket) {
    static const std::string busy = whole_refusal(
        "503 Service Unavailable",
        Error{Reason::busy, "there are too many connections", "try again in a moment", {}, true});
    static_cast<void>(::send(socket, busy.data(), busy.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
    ::shutdown(socket, SHUT_WR);
    char unread[4096];
    static_cast<void>(!::recv(socket, unread, sizeof unread, MSG_DONTWAIT));
  }

  void count_refusal() {
    ++refused_;
    const auto now = std::chrono::steady_clock::now();
    if (refused_told_ && now - *refused_told_ < tells_refusals_every) return;
    refused_told_ = now;
    log::warn("http: too many connections at once; {} were refused since the start", refused_);
  }

  Shared shared_;
  std::uint64_t refused_ = 0;
  std::optional<std::chrono::steady_clock::time_point> refused_told_;
  std::optional<Error> tls_error_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::size_t next_ = 0;
  bool started_ = false, stopped_ = false;
};

}  // namespace

std::unique_ptr<Server> make_server(Handler& handler, ServerOptions options) {
  return std::make_unique<ServerOfLoops>(handler, std::move(options));
}

}  // namespace restante::http
