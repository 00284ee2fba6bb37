// SPDX-License-Identifier: Apache-2.0
#include "replay.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstdlib>
#include <fcntl.h>
#include <linux/tcp.h>
#include <mutex>
#include <netinet/in.h>
#include <optional>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <unordered_map>
#include <unordered_set>

namespace restante::test {

namespace {

/// A certificate that signs itself, for 127.0.0.1, into `context`; returns its PEM, which is the only root.
std::string make_certificate(SSL_CTX* context, Replay::Validity validity) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), validity.from);
  X509_gmtime_adj(X509_getm_notAfter(certificate), validity.until);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("replay"), -1,
                             -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(certificate, key, EVP_sha256());
  SSL_CTX_use_certificate(context, certificate);
  SSL_CTX_use_PrivateKey(context, key);
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return pem;
}

int port_of(int fd, bool other_side) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  const int error = other_side ? ::getpeername(fd, raw, &length) : ::getsockname(fd, raw, &length);
  return error == 0 ? ntohs(address.sin_port) : -1;
}

int listen_on_loopback(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(fd, 512) != 0)
    throw std::runtime_error("cannot listen");
  port = static_cast<std::uint16_t>(port_of(fd, false));
  return fd;
}

struct Play {
  Script script;
  Cut cut;
  std::vector<std::string> sent;
};

struct Connection {
  int fd = -1;
  int client = -1;  ///< a copy of the other end
  int port = -1, client_port = -1;
  SSL* ssl = nullptr;
  bool ready = false;  ///< TLS is up
  std::string in;
  std::optional<std::uint32_t> play;
  std::size_t answer = 0;
  std::string bytes;  ///< of the answer under way
  std::size_t done = 0;
  Answer::Then then = Answer::Then::keep;
  bool silent = false;  ///< everything was sent and the end was told
};

}  // namespace

struct Replay::State {
  SSL_CTX* tls = SSL_CTX_new(TLS_server_method());
  int poll = ::epoll_create1(EPOLL_CLOEXEC);
  int wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  std::unordered_map<int, bool> listeners;  ///< to: with TLS
  std::unordered_map<int, Connection> connections;
  std::unordered_set<int> playing;

  std::mutex mutex;  // for what follows
  std::unordered_map<std::uint32_t, std::shared_ptr<Play>> plays;
  std::vector<std::uint32_t> over;
  std::unordered_multimap<int, int> clients;  ///< local port to a copy of the client's socket
  bool stop = false;

  void accept_from(int listener, bool with_tls);
  void drop(int fd);
  void find_client(Connection& connection);
  bool everything_was_read(Connection& connection);
  void read(Connection& connection);
  bool take_request(Connection& connection);
  bool advance(Connection& connection);
  void send(Connection& connection, std::string_view piece) const;
  bool end(Connection& connection);
  void handle_over();
};

Replay::Replay(int origins, Validity validity) : state_(std::make_unique<State>()) {
  ca_pem_ = make_certificate(state_->tls, validity);
  SSL_CTX_set_options(state_->tls, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(state_->tls, SSL_SESS_CACHE_OFF);
  const auto watch = [this](int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(state_->poll, EPOLL_CTL_ADD, fd, &event);
  };
  for (int i = 0; i < 2 * origins; ++i) {
    std::uint16_t port = 0;
    const bool with_tls = i % 2 == 1;
    const int fd = listen_on_loopback(port);
    state_->listeners[fd] = with_tls;
    (with_tls ? tls_ports_ : plain_ports_).push_back(port);
    watch(fd);
  }
  watch(state_->wake);
  thread_ = std::thread(&Replay::serve, this);
}

Replay::~Replay() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  const std::uint64_t one = 1;
  static_cast<void>(::write(state_->wake, &one, sizeof one));
  thread_.join();
  for (const auto& [fd, with_tls] : state_->listeners) ::close(fd);
  for (auto& [fd, connection] : state_->connections) {
    if (connection.ssl != nullptr) SSL_free(connection.ssl);
    if (connection.client >= 0) ::close(connection.client);
    ::close(fd);
  }
  for (const auto& [port, fd] : state_->clients) ::close(fd);
  ::close(state_->poll);
  ::close(state_->wake);
  SSL_CTX_free(state_->tls);
}

std::string Replay::origin(bool tls, int number) const {
  const auto& ports = tls ? tls_ports_ : plain_ports_;
  const auto port = ports[static_cast<std::size_t>(number) % ports.size()];
  return std::string(tls ? "https" : "http") + "://127.0.0.1:" + std::to_string(port);
}

void Replay::client_socket(int fd) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  const std::lock_guard lock(state_->mutex);
  state_->clients.emplace(port_of(fd, false), copy);
}

std::string Replay::add(std::uint32_t id, Script script, Cut cut, const std::string& leaf) {
  const std::lock_guard lock(state_->mutex);
  state_->plays[id] = std::make_shared<Play>(Play{std::move(script), cut, {}});
  return "/" + std::to_string(id) + "/" + leaf;
}

std::vector<std::string> Replay::finished(std::uint32_t id) {
  std::vector<std::string> sent;
  {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->plays.find(id);
    if (found != state_->plays.end()) sent = found->second->sent;
    state_->plays.erase(id);
    state_->over.push_back(id);
  }
  const std::uint64_t one = 1;
  static_cast<void>(::write(state_->wake, &one, sizeof one));
  return sent;
}

void Replay::serve() {
  State& state = *state_;
  std::array<epoll_event, 128> events{};
  bool moved = false;
  while (true) {
    // Whether the other side has read cannot be waited for, only looked at.
    const int patience = state.playing.empty() ? -1 : moved ? 0 : 1;
    const int count = ::epoll_wait(state.poll, events.data(), events.size(), patience);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (const auto listener = state.listeners.find(fd); listener != state.listeners.end()) {
        state.accept_from(fd, listener->second);
      } else if (fd == state.wake) {
        std::uint64_t number = 0;
        static_cast<void>(::read(fd, &number, sizeof number));
        state.handle_over();
      } else if (const auto found = state.connections.find(fd); found != state.connections.end()) {
        state.read(found->second);
      }
    }
    {
      const std::lock_guard lock(state.mutex);
      if (state.stop) return;
    }
    moved = false;
    const std::vector<int> ready(state.playing.begin(), state.playing.end());
    for (const int fd : ready) {
      const auto found = state.connections.find(fd);
      if (found != state.connections.end()) moved = state.advance(found->second) || moved;
    }
  }
}

void Replay::State::accept_from(int listener, bool with_tls) {
  while (true) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Connection& connection = connections[fd];
    connection.fd = fd;
    connection.ready = !with_tls;
    connection.port = port_of(fd, false);
    connection.client_port = port_of(fd, true);
    if (with_tls) {
      connection.ssl = SSL_new(tls);
      SSL_set_fd(connection.ssl, fd);
      SSL_set_accept_state(connection.ssl);
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
  }
}

/// The same local port may lead to several of our ports, and to one of them at a time.
void Replay::State::find_client(Connection& connection) {
  const std::lock_guard lock(mutex);
  const auto [begin, end] = clients.equal_range(connection.client_port);
  for (auto it = begin; it != end; ++it) {
    if (port_of(it->second, true) != connection.port) continue;
    connection.client = it->second;
    clients.erase(it);
    return;
  }
}

void Replay::State::drop(int fd) {
  const auto found = connections.find(fd);
  if (found == connections.end()) return;
  Connection& connection = found->second;
  if (connection.client < 0) find_client(connection);
  if (connection.client >= 0) ::close(connection.client);
  if (connection.ssl != nullptr) SSL_free(connection.ssl);
  ::close(fd);
  playing.erase(fd);
  connections.erase(found);
}

bool Replay::State::everything_was_read(Connection& connection) {
  if (connection.client < 0) find_client(connection);
  if (connection.client < 0) return false;
  tcp_info here{}, there{};
  socklen_t here_size = sizeof here, there_size = sizeof there;
  ::getsockopt(connection.fd, IPPROTO_TCP, TCP_INFO, &here, &here_size);
  ::getsockopt(connection.client, IPPROTO_TCP, TCP_INFO, &there, &there_size);
  int waiting = 1;
  const bool arrived = here.tcpi_bytes_sent - here.tcpi_bytes_retrans == there.tcpi_bytes_received;
  return arrived && ::ioctl(connection.client, FIONREAD, &waiting) == 0 && waiting == 0;
}

void Replay::State::read(Connection& connection) {
  const int fd = connection.fd;
  if (!connection.ready) {
    const int code = SSL_do_handshake(connection.ssl);
    if (code != 1) {
      const int why = SSL_get_error(connection.ssl, code);
      if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) drop(fd);
      return;
    }
    connection.ready = true;
  }
  std::array<char, 16384> buffer{};
  while (true) {
    const ssize_t count = connection.ssl != nullptr
                              ? SSL_read(connection.ssl, buffer.data(), static_cast<int>(buffer.size()))
                              : ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count <= 0) {
      const bool later = connection.ssl != nullptr
                             ? SSL_get_error(connection.ssl, static_cast<int>(count)) == SSL_ERROR_WANT_READ
                             : count < 0 && errno == EAGAIN;
      if (!later) drop(fd);
      return;
    }
    connection.in.append(buffer.data(), static_cast<std::size_t>(count));
    if (!connection.play && !take_request(connection)) return;
  }
}

/// False: the connection is gone.
bool Replay::State::take_request(Connection& connection) {
  const std::size_t end = connection.in.find("\r\n\r\n");
  if (end == std::string::npos) return true;
  const std::string request = connection.in.substr(0, end + 2);
  connection.in.erase(0, end + 4);
  const std::size_t slash = request.find('/');
  const auto id = static_cast<std::uint32_t>(std::strtoul(request.c_str() + slash + 1, nullptr, 10));
  std::uint64_t start = 0;
  if (const std::size_t at = request.find("\r\nRange: bytes="); at != std::string::npos)
    start = std::strtoull(request.c_str() + at + 15, nullptr, 10);
  std::shared_ptr<Play> play;
  {
    const std::lock_guard lock(mutex);
    const auto found = plays.find(id);
    if (found != plays.end()) play = found->second;
  }
  if (!play) {
    drop(connection.fd);
    return false;
  }
  Answer answer = play->script(play->sent.size(), start);
  {
    const std::lock_guard lock(mutex);
    connection.answer = play->sent.size();
    play->sent.push_back(answer.bytes);
  }
  connection.play = id;
  connection.bytes = std::move(answer.bytes);
  connection.then = answer.then;
  connection.done = 0;
  connection.silent = false;
  playing.insert(connection.fd);
  return true;
}

void Replay::State::send(Connection& connection, std::string_view piece) const {
  if (connection.ssl != nullptr)
    SSL_write(connection.ssl, piece.data(), static_cast<int>(piece.size()));
  else
    static_cast<void>(::send(connection.fd, piece.data(), piece.size(), MSG_NOSIGNAL));
}

/// Sends the next segment if its time has come. True: something was done.
bool Replay::State::advance(Connection& connection) {
  if (connection.done > 0 && !everything_was_read(connection)) return false;
  if (connection.done == connection.bytes.size()) return end(connection);
  Cut cut;
  {
    const std::lock_guard lock(mutex);
    const auto found = plays.find(*connection.play);
    if (found != plays.end()) cut = found->second->cut;
  }
  std::size_t until = connection.bytes.size();
  if (cut.answer == connection.answer && cut.how == Cut::How::every_byte) until = connection.done + 1;
  if (cut.answer == connection.answer && cut.how == Cut::How::once && connection.done < cut.at)
    until = std::min(cut.at, until);
  send(connection, std::string_view(connection.bytes).substr(connection.done, until - connection.done));
  connection.done = until;
  // Nobody has to have read the last byte before another request may come on the same connection.
  if (until == connection.bytes.size() && connection.then == Answer::Then::keep) return end(connection);
  return true;
}

bool Replay::State::end(Connection& connection) {
  switch (connection.then) {
    case Answer::Then::keep:
      connection.play.reset();
      playing.erase(connection.fd);
      return !connection.in.empty() ? take_request(connection) : true;
    case Answer::Then::close:
      if (connection.ssl != nullptr) SSL_shutdown(connection.ssl);
      [[fallthrough]];
    case Answer::Then::cut:
      ::shutdown(connection.fd, SHUT_WR);
      connection.silent = true;
      playing.erase(connection.fd);
      return true;
    case Answer::Then::reset: {
      const linger at_once{1, 0};
      ::setsockopt(connection.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      drop(connection.fd);
      return true;
    }
  }
  return true;
}

void Replay::State::handle_over() {
  std::vector<std::uint32_t> ids;
  {
    const std::lock_guard lock(mutex);
    ids.swap(over);
  }
  std::vector<int> useless;
  for (const auto& [fd, connection] : connections) {
    if (connection.play && std::find(ids.begin(), ids.end(), *connection.play) != ids.end())
      useless.push_back(fd);
  }
  for (const int fd : useless) drop(fd);
}

}  // namespace restante::test
