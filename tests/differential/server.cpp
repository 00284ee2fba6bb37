// SPDX-License-Identifier: Apache-2.0
#include "server.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <chrono>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace restante::test {

namespace {

void must(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}

/// Both sorts of streams. Errors are ends: the client goes whenever it likes.
class Stream {
public:
  Stream(int fd, SSL* ssl) : fd_(fd), ssl_(ssl) {}

  std::size_t read(char* to, std::size_t size) {
    const auto got = ssl_ != nullptr ? SSL_read(ssl_, to, static_cast<int>(size)) : ::recv(fd_, to, size, 0);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto done =
          ssl_ != nullptr
              ? SSL_write(ssl_, bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 20)))
              : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (done <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(done));
    }
    return true;
  }
  void end(Ending how) {
    if (how == Ending::close && ssl_ != nullptr) SSL_shutdown(ssl_);
    if (how == Ending::reset) {
      const linger now{1, 0};
      ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
      return;  // close() resets
    }
    ::shutdown(fd_, SHUT_WR);
    // The client reads to the end; then it closes.
    char rest[4096];
    while (::recv(fd_, rest, sizeof rest, 0) > 0) {
    }
  }

private:
  int fd_;
  SSL* ssl_;
};

std::string_view value_of(std::string_view head, std::string_view lower_name) {
  for (std::size_t at = head.find('\n'); at != std::string_view::npos; at = head.find('\n', at + 1)) {
    const std::string_view line = head.substr(at + 1, head.find('\r', at + 1) - at - 1);
    const std::size_t colon = line.find(':');
    if (colon != lower_name.size()) continue;
    const bool same = std::equal(lower_name.begin(), lower_name.end(), line.begin(), [](char a, char b) {
      return a == std::tolower(static_cast<unsigned char>(b));
    });
    if (same) return line.substr(std::min(line.size(), line.find_first_not_of(' ', colon + 1)));
  }
  return {};
}

Request parsed(std::string_view head) {
  Request out;
  const std::size_t first = head.find(' '), second = head.find(' ', first + 1);
  out.path = head.substr(first + 1, second - first - 1);
  const std::string_view host = value_of(head, "host");
  out.host = host.substr(0, host.find(':'));
  const std::string_view range = value_of(head, "range");
  if (range.starts_with("bytes=")) out.range_start = std::stoull(std::string(range.substr(6)));
  out.if_range = value_of(head, "if-range");
  out.no_cache = value_of(head, "cache-control") == "no-cache";
  return out;
}

}  // namespace

struct CaseServer::Tls {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();

  ~Tls() {
    X509_free(certificate);
    EVP_PKEY_free(key);
    SSL_CTX_free(context);
  }

  void extension(int nid, const char* value) const {
    X509V3_CTX about;
    X509V3_set_ctx(&about, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, &about, nid, value);
    must(made != nullptr && X509_add_ext(certificate, made, -1) == 1, "a certificate extension");
    X509_EXTENSION_free(made);
  }

  std::string prepare() const {
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 48 * 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("throw-away"),
                               -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    extension(NID_basic_constraints, "critical,CA:TRUE");
    extension(NID_subject_alt_name, "DNS:*.content.test");
    must(X509_sign(certificate, key, EVP_sha256()) > 0, "signing a certificate");
    must(SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1,
         "TLS");
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, certificate);
    char* text = nullptr;
    const long size = BIO_get_mem_data(out, &text);
    std::string pem(text, static_cast<std::size_t>(size));
    BIO_free(out);
    return pem;
  }
};

CaseServer::CaseServer(std::uint64_t seed, Find find)
    : seed_(seed), find_(std::move(find)), tls_(std::make_unique<Tls>()) {
  ca_pem_ = tls_->prepare();
  http_ = listen(plain_listener_);
  https_ = listen(tls_listener_);
  plain_thread_ = std::thread(&CaseServer::accept_on, this, plain_listener_.get(), false);
  tls_thread_ = std::thread(&CaseServer::accept_on, this, tls_listener_.get(), true);
}

CaseServer::~CaseServer() {
  stopping_ = true;
  ::shutdown(plain_listener_.get(), SHUT_RDWR);
  ::shutdown(tls_listener_.get(), SHUT_RDWR);
  plain_thread_.join();
  tls_thread_.join();
  sweep(true);
}

std::uint16_t CaseServer::listen(UniqueFd& listener) {
  listener.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  must(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
           ::listen(listener.get(), 1024) == 0 &&
           ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0,
       "a listener");
  return ntohs(address.sin_port);
}

void CaseServer::accept_on(int listener, bool tls) {
  while (!stopping_) {
    UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) continue;
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sweep(false);
    const std::lock_guard lock(mutex_);
    Connection& made = connections_.emplace_back();
    made.fd = std::move(fd);
    made.thread = std::thread(&CaseServer::serve, this, std::ref(made), tls);
  }
}

void CaseServer::sweep(bool all) {
  std::list<Connection> gone;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = connections_.begin(); it != connections_.end();) {
      auto next = std::next(it);
      if (all && !it->ended) ::shutdown(it->fd.get(), SHUT_RDWR);
      if (all || it->ended) gone.splice(gone.end(), connections_, it);
      it = next;
    }
  }
  for (Connection& one : gone) one.thread.join();
}

std::size_t CaseServer::count(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  return counts_[number]++;
}

void CaseServer::forget(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  counts_.erase(number);
}

void CaseServer::serve(Connection& connection, bool tls) {
  SSL* ssl = tls ? SSL_new(tls_->context) : nullptr;
  Ending ending = Ending::close;
  bool speaks = true;
  if (tls) {
    SSL_set_fd(ssl, connection.fd.get());
    speaks = SSL_accept(ssl) == 1;
  }
  Stream stream(connection.fd.get(), ssl);
  std::string input;
  char piece[8192];
  for (bool keep = speaks; keep;) {
    std::size_t end;
    while ((end = input.find("\r\n\r\n")) == std::string::npos) {
      const std::size_t got = stream.read(piece, sizeof piece);
      if (got == 0) break;
      input.append(piece, got);
    }
    if (end == std::string::npos) break;
    const Request request = parsed(std::string_view(input).substr(0, end + 2));
    input.erase(0, end + 4);
    ++requests_;
    const std::uint64_t number = std::strtoull(request.path.c_str() + 1, nullptr, 10);
    const auto known = find_(number);
    if (!known) break;
    const std::size_t n = count(number);
    Rng rng((seed_ * 1'000'003 + number) * 31 + n);
    const Reply reply = known->answer(rng, request, n);
    // In pieces, so that heads, chunks and bodies come apart everywhere.
    std::string_view left = reply.bytes;
    for (std::size_t parts = rng.chance(40) ? rng.between(1, 5) : 0; parts > 0 && left.size() > 1; --parts) {
      const std::size_t some =
          rng.between(1, rng.chance(50) ? std::min<std::size_t>(left.size(), 400) : left.size());
      if (!stream.write(left.substr(0, some))) break;
      left.remove_prefix(some);
      if (rng.chance(10)) std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
    keep = stream.write(left) && reply.end == Ending::keep;
    ending = reply.end == Ending::keep ? Ending::close : reply.end;
    if (!reply.late.empty()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(rng.between(0, 4)));
      stream.write(reply.late);
    }
  }
  if (speaks) stream.end(ending);
  SSL_free(ssl);
  const std::lock_guard lock(mutex_);
  connection.fd.reset();
  connection.ended = true;
}

}  // namespace restante::test
