// SPDX-License-Identifier: Apache-2.0
#include "net/curl_multi.hpp"

#include "net/curl_url.hpp"

#include <curl/curl.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <clocale>
#include <cstring>
#include <ctime>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace restante::net {

namespace {

using Clock = std::chrono::steady_clock;

int local_port_of(curl_socket_t socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) return -1;
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port);
  return -1;
}

/// Whether the server ended the handshake, or what follows it under TLS 1.3, because of our certificate or
/// for want of one: the alerts of RFC 8446 §6.2 that are about the other side's certificate.
bool refuses_our_certificate(std::string_view text) {
  for (const std::string_view alert :
       {"alert certificate required", "alert bad certificate", "alert certificate expired",
        "alert certificate revoked", "alert certificate unknown", "alert unsupported certificate",
        "alert unknown ca", "alert access denied"})
    if (text.find(alert) != std::string_view::npos) return true;
  return false;
}

/// Whether the socket is connected to that address. One local port may lead to several places at a time.
bool leads_to(curl_socket_t socket, const char* ip, int port) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) return false;
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = address.ss_family == AF_INET;
  const auto& four = reinterpret_cast<const sockaddr_in&>(address);
  const auto& six = reinterpret_cast<const sockaddr_in6&>(address);
  const void* raw = v4 ? static_cast<const void*>(&four.sin_addr) : static_cast<const void*>(&six.sin6_addr);
  if (::inet_ntop(address.ss_family, raw, text.data(), text.size()) == nullptr) return false;
  return ntohs(v4 ? four.sin_port : six.sin6_port) == port && std::strcmp(text.data(), ip) == 0;
}

/// What means something else with FTP and SFTP.
std::optional<CurlEnding> ftp_ending(CURLcode code) {
  switch (code) {
    case CURLE_LOGIN_DENIED:
      return CurlEnding::login_refused;
    case CURLE_REMOTE_ACCESS_DENIED:
    case CURLE_REMOTE_FILE_NOT_FOUND:
      return CurlEnding::not_there;
    case CURLE_FTP_COULDNT_RETR_FILE:
    case CURLE_FTP_COULDNT_USE_REST:
    case CURLE_FTP_COULDNT_SET_TYPE:
      return CurlEnding::not_done;
    case CURLE_USE_SSL_FAILED:
      return CurlEnding::tls_failed;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_FTP_WEIRD_PASS_REPLY:
    case CURLE_FTP_WEIRD_PASV_REPLY:
    case CURLE_FTP_WEIRD_227_FORMAT:
    case CURLE_FTP_CANT_GET_HOST:
    case CURLE_SSH:
      return CurlEnding::malformed;
    case CURLE_RECV_ERROR:
      return CurlEnding::cut;
    default:
      return std::nullopt;
  }
}

/// Between the answers of HTTP/2 the server may say things that belong to no request.
bool speaks_http2(void* ssl) {
  if (ssl == nullptr) return false;
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(static_cast<const SSL*>(ssl), &name, &length);
  return std::string_view(reinterpret_cast<const char*>(name), length) == "h2";
}

bool has_input(curl_socket_t socket) {
  char byte = 0;
  return ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

class Multi;

class Handle final : public CurlHandle {
public:
  Handle(Multi& multi, const TrustStore& trust, const CurlOptions& options, CurlEvents& events);
  ~Handle() override;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  void look_behind_end(std::chrono::milliseconds patience) override;
  void go_on() override { curl_easy_pause(easy_, CURLPAUSE_CONT); }
  void forbid_reuse() override { curl_easy_setopt(easy_, CURLOPT_FORBID_REUSE, 1L); }

  CURL* easy() { return easy_; }
  CurlEvents& events() { return events_; }
  CurlEnd end(CURLcode code);
  void detach();

private:
  static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  static int on_debug(CURL*, curl_infotype type, char* data, std::size_t size, void* self);
  static CURLcode on_ssl_context(CURL*, void* context, void* self);
  static int on_host_key(void* self, int type, const char* key, std::size_t size);
  static int before_request(void* self, char* ip, char*, int port, int local_port);
  static int close_socket(void* multi, curl_socket_t socket);

  void* ssl();
  void set_request(const CurlOptions& options);
  void set_http(const CurlOptions& options);
  void set_ftp(const CurlOptions& options);

  Multi& multi_;
  const TrustStore& trust_;
  CurlEvents& events_;
  CURL* easy_ = curl_easy_init();
  curl_slist* headers_ = nullptr;
  curl_slist* connect_to_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  std::shared_ptr<const TlsClose> tls_close_, tls_made_;  ///< of the connection in use; of one made anew
  curl_socket_t socket_ = CURL_SOCKET_BAD;
  int os_errno_ = 0;
  bool connected_anew_ = false;
  bool stale_ = false;
  bool attached_ = true;
  bool verbose_ = true;
  bool excess_ = false;
  bool aborted_ = false;
  bool tls_ = false;
  bool ftp_ = false, sftp_ = false;
  bool host_refused_ = false;
};

class Multi final : public CurlMulti {
public:
  Multi(Poller& poller, const TrustStore& trust, Limits limits)
      : poller_(poller), trust_(trust), asks_again_(limits.ask_again) {
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Multi::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Multi::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, limits.connections);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, limits.kept_connections);
  }
  ~Multi() override {
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, nullptr);
    curl_multi_cleanup(multi_);  // closes idle connections, which still tells on_socket
  }
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;

  std::unique_ptr<CurlHandle> start(const CurlOptions& options, CurlEvents& events) override {
    auto handle = std::make_unique<Handle>(*this, trust_, options, events);
    live_.insert(handle.get());
    curl_multi_add_handle(multi_, handle->easy());
    return handle;
  }
  std::optional<Clock::time_point> deadline() const override {
    if (!asks_again_ || live_.empty()) return deadline_;
    return deadline_ ? std::min(*deadline_, ask_at_) : ask_at_;
  }
  void on_time(Clock::time_point now) override {
    if (asks_again_ && !live_.empty() && ask_at_ <= now) {
      int running = 0;
      curl_multi_perform(multi_, &running);
      take_ends();
    }
    if (!deadline_ || *deadline_ > now) return;
    deadline_.reset();
    act(CURL_SOCKET_TIMEOUT, 0);
  }

  void opened(curl_socket_t socket) { sockets_[socket] = 0; }
  void closed(curl_socket_t socket) { sockets_.erase(socket); }
  /// The socket of the connection between these ends.
  curl_socket_t socket_at(int local_port, const char* ip, int remote_port) {
    for (auto& [socket, port] : sockets_) {
      if (port == 0) port = local_port_of(socket);
      if (port == local_port && leads_to(socket, ip, remote_port)) return socket;
    }
    return CURL_SOCKET_BAD;
  }

  void remove(Handle& handle) {
    live_.erase(&handle);
    curl_multi_remove_handle(multi_, handle.easy());
  }

private:
  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
    static_cast<Multi*>(self)->watch(socket, what);
    return 0;
  }
  static int on_timer(CURLM*, long milliseconds, void* self) {
    auto& multi = *static_cast<Multi*>(self);
    multi.deadline_.reset();
    if (milliseconds >= 0) multi.deadline_ = Clock::now() + std::chrono::milliseconds(milliseconds);
    return 0;
  }

  void watch(curl_socket_t socket, int what) {
    if (what == CURL_POLL_REMOVE) return poller_.forget(socket);
    const std::uint32_t events =
        ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
    poller_.watch(socket, events, [this, socket](std::uint32_t ready) {
      int action = 0;
      if ((ready & (EPOLLIN | EPOLLHUP | EPOLLRDHUP)) != 0) action |= CURL_CSELECT_IN;
      if ((ready & EPOLLOUT) != 0) action |= CURL_CSELECT_OUT;
      if ((ready & EPOLLERR) != 0) action |= CURL_CSELECT_ERR;
      act(socket, action);
    });
  }

  void act(curl_socket_t socket, int action) {
    int running = 0;
    curl_multi_socket_action(multi_, socket, action, &running);
    take_ends();
  }

  void take_ends() {
    ask_at_ = Clock::now() + ask_after;
    // Results are copied first: removing a handle makes its message invalid, and on_end may drop others.
    std::vector<std::pair<Handle*, CURLcode>> done;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      void* handle = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &handle);
      done.emplace_back(static_cast<Handle*>(handle), message->data.result);
    }
    for (const auto& [handle, code] : done) {
      if (!live_.contains(handle)) continue;
      const CurlEnd end = handle->end(code);
      handle->detach();
      handle->events().on_end(end);
    }
  }

  static constexpr std::chrono::milliseconds ask_after{10};  ///< without anything to do

  Poller& poller_;
  const TrustStore& trust_;
  const bool asks_again_;
  Clock::time_point ask_at_ = Clock::now();
  CURLM* multi_ = curl_multi_init();
  std::unordered_set<Handle*> live_;
  std::unordered_map<curl_socket_t, int> sockets_;  ///< to local ports, 0: not looked up yet
  std::optional<Clock::time_point> deadline_;
};

Handle::Handle(Multi& multi, const TrustStore& trust, const CurlOptions& options, CurlEvents& events)
    : multi_(multi), trust_(trust), events_(events) {
  const auto set = [this](CURLoption option, auto value) { curl_easy_setopt(easy_, option, value); };
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  set(CURLOPT_HTTP09_ALLOWED, 0L);
  set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  set(CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_CAPATH, static_cast<char*>(nullptr));  // the roots come from the trust store, no file is opened
  set(CURLOPT_CAINFO, static_cast<char*>(nullptr));
  set(CURLOPT_SSL_CTX_FUNCTION, &Handle::on_ssl_context);
  set(CURLOPT_SSL_CTX_DATA, static_cast<void*>(this));
  set(CURLOPT_OPENSOCKETFUNCTION, &Handle::open_socket);
  set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
  set(CURLOPT_CLOSESOCKETFUNCTION, &Handle::close_socket);
  set(CURLOPT_CLOSESOCKETDATA, static_cast<void*>(&multi_));  // called when this handle is gone already
  set(CURLOPT_PREREQFUNCTION, &Handle::before_request);
  set(CURLOPT_PREREQDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &Handle::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &Handle::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_ERRORBUFFER, error_text_.data());
  // libcurl only says in its log that a read held bytes behind the body's end (M2).
  set(CURLOPT_VERBOSE, 1L);
  set(CURLOPT_DEBUGFUNCTION, &Handle::on_debug);
  set(CURLOPT_DEBUGDATA, static_cast<void*>(this));
  set_request(options);
}

void Handle::set_request(const CurlOptions& options) {
  const auto set = [this](CURLoption option, auto value) { curl_easy_setopt(easy_, option, value); };
  set(CURLOPT_URL, options.url.c_str());
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_time.count()));
  set(CURLOPT_BUFFERSIZE, static_cast<long>(options.buffer_bytes));
  set(CURLOPT_FRESH_CONNECT, options.fresh ? 1L : 0L);
  const bool v6 = options.connect_address.find(':') != std::string::npos;
  const std::string address = v6 ? "[" + options.connect_address + "]" : options.connect_address;
  connect_to_ =
      curl_slist_append(nullptr, ("::" + address + ":" + std::to_string(options.connect_port)).c_str());
  set(CURLOPT_CONNECT_TO, connect_to_);
  options.ftp != nullptr ? set_ftp(options) : set_http(options);
}

void Handle::set_ftp(const CurlOptions& options) {
  const auto set = [this](CURLoption option, auto value) { curl_easy_setopt(easy_, option, value); };
  const FtpOptions& ftp = *options.ftp;
  ftp_ = true;
  sftp_ = options.url.starts_with("sftp:");
  set(CURLOPT_PROTOCOLS_STR, "ftp,ftps,sftp");
  if (!ftp.user.empty() || sftp_) {
    set(CURLOPT_USERNAME, ftp.user.c_str());
    set(CURLOPT_PASSWORD, ftp.password.c_str());
  }
  const bool implicit = options.url.starts_with("ftps:");
  set(CURLOPT_USE_SSL, long{implicit ? CURLUSESSL_ALL : ftp.encrypt ? CURLUSESSL_TRY : CURLUSESSL_NONE});
  set(CURLOPT_FTPPORT, static_cast<char*>(nullptr));  // never an address of ours (THREATS.md A7)
  set(CURLOPT_FTP_SKIP_PASV_IP, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(options.connect_time.count() / 1000 + 1));
  set(CURLOPT_FILETIME, ftp.only_look ? 1L : 0L);
  set(CURLOPT_NOBODY, ftp.only_look && !sftp_ ? 1L : 0L);
  if (ftp.from > 0) set(CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(ftp.from));
  const bool file = !options.url.ends_with('/') && !ftp.only_look && !sftp_;
  if (file && ftp.from == 0) set(CURLOPT_IGNORE_CONTENT_LENGTH, 1L);
  if (!ftp.list_command.empty()) set(CURLOPT_CUSTOMREQUEST, ftp.list_command.c_str());
  // Without it every host key is taken; without a password libcurl looks for keys in files.
  set(CURLOPT_SSH_AUTH_TYPES, long{CURLSSH_AUTH_PASSWORD | CURLSSH_AUTH_KEYBOARD});
  set(CURLOPT_SSH_HOSTKEYFUNCTION, &Handle::on_host_key);
  set(CURLOPT_SSH_HOSTKEYDATA, static_cast<void*>(this));
}

void Handle::set_http(const CurlOptions& options) {
  const auto set = [this](CURLoption option, auto value) { curl_easy_setopt(easy_, option, value); };
  if (options.http2) set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_2TLS});
  for (const std::string& line : options.header_lines) headers_ = curl_slist_append(headers_, line.c_str());
  headers_ = curl_slist_append(headers_, "Expect:");
  set(CURLOPT_HTTPHEADER, headers_);
  if (options.body != nullptr) {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(options.body->size()));
    set(CURLOPT_POSTFIELDS, options.body->c_str());
  }
  if (options.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (options.method != "GET" || options.body != nullptr) {
    set(CURLOPT_CUSTOMREQUEST, options.method.c_str());
  }
  if (options.certificate != nullptr && options.certificate_key != nullptr) {
    const auto blob = [](const std::string& text) {
      return curl_blob{const_cast<char*>(text.data()), text.size(), CURL_BLOB_COPY};
    };
    curl_blob certificate = blob(*options.certificate), key = blob(*options.certificate_key);
    set(CURLOPT_SSLCERTTYPE, "PEM");
    set(CURLOPT_SSLKEYTYPE, "PEM");
    set(CURLOPT_SSLCERT_BLOB, &certificate);
    set(CURLOPT_SSLKEY_BLOB, &key);
  }
}

Handle::~Handle() {
  detach();
  curl_easy_cleanup(easy_);
  curl_slist_free_all(headers_);
  curl_slist_free_all(connect_to_);
}

void Handle::detach() {
  if (!std::exchange(attached_, false)) return;
  multi_.remove(*this);
}

void* Handle::ssl() {
  curl_tlssessioninfo* info = nullptr;
  if (curl_easy_getinfo(easy_, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || info == nullptr) return nullptr;
  return info->backend == CURLSSLBACKEND_OPENSSL ? info->internals : nullptr;
}

void Handle::look_behind_end(std::chrono::milliseconds patience) {
  void* connection = ssl();
  if (!excess_ && socket_ != CURL_SOCKET_BAD && !speaks_http2(connection)) {
    const auto look = [&] {
      return connection != nullptr ? application_data_waits(connection, socket_) : has_input(socket_);
    };
    excess_ = look();
    pollfd wanted{socket_, POLLIN, 0};
    if (!excess_ && patience.count() > 0 && ::poll(&wanted, 1, static_cast<int>(patience.count())) > 0) {
      excess_ = look();
    }
  }
  if (excess_) forbid_reuse();
}

/// libcurl 7.88 sends the next request on a kept connection even if bytes wait there, and takes them for its
/// answer.
int Handle::before_request(void* self, char* ip, char*, int port, int local_port) {
  auto& handle = *static_cast<Handle*>(self);
  handle.socket_ = handle.multi_.socket_at(local_port, ip, port);
  void* connection = handle.ssl();
  if (handle.connected_anew_ || speaks_http2(connection)) return CURL_PREREQFUNC_OK;
  handle.stale_ =
      (handle.socket_ != CURL_SOCKET_BAD && has_input(handle.socket_)) || decrypted_data_waits(connection);
  return handle.stale_ ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

int Handle::close_socket(void* multi, curl_socket_t socket) {
  static_cast<Multi*>(multi)->closed(socket);
  return ::close(socket);
}

curl_socket_t Handle::open_socket(void* self, curlsocktype purpose, curl_sockaddr* address) {
  auto& handle = *static_cast<Handle*>(self);
  if (purpose != CURLSOCKTYPE_IPCXN) return CURL_SOCKET_BAD;
  const int fd =
      handle.events_.open_socket(address->family, address->socktype, &address->addr, address->addrlen);
  if (fd >= 0) {
    handle.connected_anew_ = true;
    handle.multi_.opened(fd);
    return fd;
  }
  handle.os_errno_ = -fd;
  return CURL_SOCKET_BAD;
}

int Handle::on_host_key(void* self, int, const char* key, std::size_t size) {
  auto& handle = *static_cast<Handle*>(self);
  handle.host_refused_ = !handle.events_.on_host_key({key, size});
  return handle.host_refused_ ? CURLKHMATCH_MISMATCH : CURLKHMATCH_OK;
}

std::size_t Handle::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  auto& handle = *static_cast<Handle*>(self);
  if (!handle.tls_close_) {
    void* connection = handle.ssl();
    handle.tls_ = connection != nullptr;
    handle.tls_close_ = close_state_of(connection);
  }
  if (handle.events_.on_header({data, size * count}) == CurlEvents::Taken::all) return size * count;
  handle.aborted_ = true;
  return 0;
}

std::size_t Handle::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& handle = *static_cast<Handle*>(self);
  // Later reads never go behind the announced end, so the log has nothing more to say.
  if (std::exchange(handle.verbose_, false)) curl_easy_setopt(handle.easy_, CURLOPT_VERBOSE, 0L);
  switch (handle.events_.on_body({data, size * count})) {
    case CurlEvents::Taken::all:
      return size * count;
    case CurlEvents::Taken::later:
      return CURL_WRITEFUNC_PAUSE;
    case CurlEvents::Taken::abort:
      break;
  }
  handle.aborted_ = true;
  return 0;
}

int Handle::on_debug(CURL*, curl_infotype type, char* data, std::size_t size, void* self) {
  constexpr std::string_view said = "Excess found";
  if (type == CURLINFO_TEXT && std::string_view(data, size).starts_with(said)) {
    static_cast<Handle*>(self)->excess_ = true;
  }
  return 0;
}

CURLcode Handle::on_ssl_context(CURL*, void* context, void* self) {
  auto& handle = *static_cast<Handle*>(self);
  handle.tls_made_ = handle.trust_.apply(context);
  return CURLE_OK;
}

CurlEnd Handle::end(CURLcode code) {
  CurlEnd end;
  end.text = error_text_[0] != '\0' ? error_text_.data() : curl_easy_strerror(code);
  end.os_errno = os_errno_;
  end.tls = tls_;
  end.clean_tls_close = tls_close_ && tls_close_->clean;
  end.excess = excess_;
  long connect_errno = 0;
  curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &connect_errno);
  if (end.os_errno == 0) end.os_errno = static_cast<int>(connect_errno);
  double connected_s = 0;
  curl_easy_getinfo(easy_, CURLINFO_PRETRANSFER_TIME, &connected_s);

  switch (code) {
    case CURLE_OK:
      end.ending = CurlEnding::finished;
      break;
    case CURLE_COULDNT_CONNECT:
      end.ending = CurlEnding::not_connected;
      break;
    case CURLE_OPERATION_TIMEDOUT:
      end.ending = connected_s > 0 ? CurlEnding::cut : CurlEnding::connect_timeout;
      break;
    case CURLE_PEER_FAILED_VERIFICATION:
      end.ending = CurlEnding::tls_untrusted;
      if (tls_made_) end.certificate = *tls_made_;
      // The name is compared by libcurl itself, behind a good chain.
      if (end.certificate.fault == TlsFault::none) end.certificate.fault = TlsFault::wrong_host;
      break;
    case CURLE_SSL_CONNECT_ERROR:
      end.ending = CurlEnding::tls_failed;
      break;
    case CURLE_SSL_CERTPROBLEM:
      end.ending = CurlEnding::bad_certificate;
      break;
    case CURLE_GOT_NOTHING:
      end.ending = CurlEnding::nothing;
      break;
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:  // as GOAWAY and RST_STREAM end it, or a fault of the frames: what came is good
    case CURLE_HTTP2_STREAM:
      end.ending = CurlEnding::cut;
      break;
    case CURLE_RECV_ERROR: {
      // 7.88 uses one code for a lost connection and for what it could not understand.
      const bool lost = end.text.find("Recv failure") != std::string::npos ||
                        end.text.find("SSL_read") != std::string::npos ||
                        end.text.find("SSL read") != std::string::npos;
      end.ending = lost ? CurlEnding::cut : CurlEnding::malformed;
      break;
    }
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
#if LIBCURL_VERSION_NUM >= 0x080600
    case CURLE_TOO_LARGE:
#endif
    case CURLE_FILESIZE_EXCEEDED:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_OUT_OF_MEMORY:
      end.ending = CurlEnding::malformed;
      break;
    default:
      end.ending = CurlEnding::other;
      break;
  }
  if (ftp_) {
    long reply = 0;
    curl_off_t size = -1, modified = -1;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &reply);
    curl_easy_getinfo(easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
    curl_easy_getinfo(easy_, CURLINFO_FILETIME_T, &modified);
    end.reply = static_cast<int>(reply);
    if (size >= 0) end.size_bytes = static_cast<std::uint64_t>(size);
    if (modified >= 0) end.modified = modified;
    if (const auto ending = ftp_ending(code)) end.ending = *ending;
    // libssh2's words; libcurl has no code for it.
    if (sftp_ && end.text.find("exchange encryption keys") != std::string::npos)
      end.ending = CurlEnding::no_protocol;
    if (host_refused_) end.ending = CurlEnding::host_refused;
  }
  if (code == CURLE_SSL_CONNECT_ERROR && end.text.find("alert no application protocol") != std::string::npos)
    end.ending = CurlEnding::no_protocol;
  if (code != CURLE_OK && refuses_our_certificate(end.text)) end.ending = CurlEnding::tls_refused_us;
  if (aborted_) end.ending = CurlEnding::aborted;
  // libcurl asks again by itself only over HTTP/1.
  const bool unanswered = end.ending == CurlEnding::nothing || end.ending == CurlEnding::cut;
  long head_bytes = 0;
  curl_easy_getinfo(easy_, CURLINFO_HEADER_SIZE, &head_bytes);
  if (stale_ || (unanswered && !ftp_ && !connected_anew_ && head_bytes == 0)) end.ending = CurlEnding::stale;
  return end;
}

}  // namespace

void warm_up_curl() {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  std::array<unsigned char, 16> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  ::tzset();
  // Host names beyond ASCII are turned into xn-- by the character set of the locale.
  std::setlocale(LC_CTYPE, "C.UTF-8");
  static_cast<void>(parse_url("http://\xC3\xBC.test/"));
  // What OpenSSL and libcurl load lazily (default contexts, error texts) is loaded now.
  CURLM* multi = curl_multi_init();
  CURL* easy = curl_easy_init();
  curl_easy_cleanup(easy);
  curl_multi_cleanup(multi);
}

std::unique_ptr<CurlMulti> make_curl_multi(Poller& poller, const TrustStore& trust,
                                           CurlMulti::Limits limits) {
  return std::make_unique<Multi>(poller, trust, limits);
}

}  // namespace restante::net
