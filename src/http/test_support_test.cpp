// SPDX-License-Identifier: Apache-2.0
#include "http/test_support.hpp"

#include "base/text.hpp"
#include "http/local_ca.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace restante::http::test {

std::string_view Answer::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (iequals(key, name)) return value;
  return {};
}

void EchoHandler::set_file(FileBody file) {
  const std::lock_guard lock(mutex_);
  file_ = std::move(file);
}

Peer EchoHandler::last_peer() {
  const std::lock_guard lock(mutex_);
  return last_peer_;
}

std::string EchoHandler::last_host() {
  const std::lock_guard lock(mutex_);
  return last_host_;
}

namespace {

/// Tells the handler when a stream of events is let go.
struct Watch {
  explicit Watch(EchoHandler& to) : handler(to) {}
  ~Watch() {
    ++handler.streams_ended;
    handler.streams_ended.notify_all();
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  EchoHandler& handler;
  bool greeted = false;
};

}  // namespace

Task<Response> EchoHandler::handle(Request request) {
  ++requests;
  std::optional<FileBody> file;
  {
    const std::lock_guard lock(mutex_);
    file = file_;
    last_peer_ = request.peer;
    last_host_ = request.header("Host");
  }
  if (request.path == "/throw") throw std::runtime_error("on purpose");
  if (request.path == "/wait") co_await sleep_for(std::chrono::hours(1));
  Response response;
  response.set("Content-Type", "text/plain");
  if (request.path == "/file" && file) {
    response.body = *file;
  } else if (request.path == "/stream") {
    auto count = std::make_shared<int>(0);
    StreamBody body;
    body.next = [count]() -> Task<std::optional<std::string>> {
      const int piece = ++*count;
      if (piece > 3) co_return std::nullopt;
      co_return "piece " + std::to_string(piece) + "\n";
    };
    response.body = std::move(body);
  } else if (request.path == "/events") {
    StreamBody body;
    body.next = [watch = std::make_shared<Watch>(*this)]() -> Task<std::optional<std::string>> {
      if (!std::exchange(watch->greeted, true)) co_return "hello\n";
      co_await sleep_for(std::chrono::hours(1));
      co_return std::nullopt;
    };
    response.body = std::move(body);
  } else if (request.path == "/split") {
    response.set("X-Bad", "a\r\nSet-Cookie: stolen=1");
    response.body = std::string("x");
  } else if (request.path == "/big") {
    response.body = std::string(32u << 20, 'b');
  } else {
    std::string text = request.method + " " + request.path + " ";
    for (const auto& [name, value] : request.query) text += name + "=" + value + " ";
    text += request.body;
    response.body = std::move(text);
  }
  response.may_go_on = [this] {
    if (permitted) return true;
    ++barred;
    barred.notify_all();
    return false;
  };
  co_return response;
}

std::string new_key_pem() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free(out);
  EVP_PKEY_free(key);
  return pem;
}

Running::Running(ServerLimits limits, bool tls, TrustsProxy trusts_proxy) {
  ServerOptions options;
  options.limits = limits;
  options.trusts_proxy = std::move(trusts_proxy);
  if (tls) {
    const auto authority = LocalCa::make("test", home_names()).value();
    options.certificate = authority.issue(new_key_pem(), {"localhost", "127.0.0.1"}).value();
    authority_file_ = write_temporary(authority.certificate_pem());
  }
  server_ = make_server(handler_, std::move(options));
  Listen where;
  where.address = "127.0.0.1";
  where.tls = tls;
  bound_ = server_->listen(where).value();
  server_->start();
}

Running::~Running() {
  server_->stop();
  if (!authority_file_.empty()) ::unlink(authority_file_.c_str());
}

std::string write_temporary(std::string_view text) {
  std::string path = "/tmp/restante-http-XXXXXX";
  const UniqueFd out(::mkstemp(path.data()));
  if (!out || ::write(out.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("a temporary file could not be written");
  return path;
}

Client::Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval limit{20, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const int on = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(port);
  if (::connect(fd_.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
    throw std::runtime_error("connect: " + errno_text(errno));
}

void Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool Client::more() {
  char piece[65536];
  const ssize_t got = ::recv(fd_.get(), piece, sizeof piece, 0);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    ADD_FAILURE() << "the server said nothing for 20 s";
  if (got <= 0) return false;
  in_.append(piece, static_cast<std::size_t>(got));
  return true;
}

Answer Client::response(bool head_only) {
  std::size_t end;
  while ((end = in_.find("\r\n\r\n")) == std::string::npos)
    if (!more()) return {};
  Answer answer;
  const std::string head = in_.substr(0, end + 2);
  in_.erase(0, end + 4);
  answer.status = std::stoi(head.substr(9, 3));
  for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
    const auto stop = head.find("\r\n", at);
    const auto colon = head.find(": ", at);
    answer.headers.emplace_back(head.substr(at, colon - at), head.substr(colon + 2, stop - colon - 2));
    at = stop + 2;
  }
  if (head_only || answer.status == 304 || answer.status == 204 || answer.status == 100) return answer;
  if (answer.header("Transfer-Encoding") == "chunked") {
    for (;;) {
      std::size_t line;
      while ((line = in_.find("\r\n")) == std::string::npos)
        if (!more()) return {};
      const std::size_t size = std::stoul(in_.substr(0, line), nullptr, 16);
      while (in_.size() < line + 2 + size + 2)
        if (!more()) return {};
      answer.body += in_.substr(line + 2, size);
      in_.erase(0, line + 2 + size + 2);
      if (size == 0) return answer;
    }
  }
  const auto length = answer.header("Content-Length");
  if (length.empty()) {
    while (more()) {
    }
    answer.body = std::exchange(in_, {});
    return answer;
  }
  const std::size_t size = std::stoul(std::string(length));
  while (in_.size() < size)
    if (!more()) return {};
  answer.body = in_.substr(0, size);
  in_.erase(0, size);
  return answer;
}

std::string Client::rest() {
  while (more()) {
  }
  return std::exchange(in_, {});
}

bool Client::ended_by_server() {
  return in_.empty() && !more() && in_.empty();
}

void Client::half_close() {
  ::shutdown(fd_.get(), SHUT_WR);
}

Ran run(const std::vector<std::string>& command, std::string_view input) {
  int to_child[2], from_child[2];
  if (::pipe(to_child) != 0 || ::pipe(from_child) != 0) throw std::runtime_error("pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to_child[0], 0);
  posix_spawn_file_actions_adddup2(&actions, from_child[1], 1);
  for (int fd : {to_child[0], to_child[1], from_child[0], from_child[1]})
    posix_spawn_file_actions_addclose(&actions, fd);
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int error = ::posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(to_child[0]);
  ::close(from_child[1]);
  Ran ran;
  if (error != 0) throw std::runtime_error(command[0] + ": " + errno_text(error));
  static_cast<void>(!::write(to_child[1], input.data(), input.size()));
  ::close(to_child[1]);
  char piece[65536];
  ssize_t got;
  while ((got = ::read(from_child[0], piece, sizeof piece)) > 0)
    ran.out.append(piece, static_cast<std::size_t>(got));
  ::close(from_child[0]);
  ::waitpid(child, &ran.status, 0);
  return ran;
}

}  // namespace restante::http::test
