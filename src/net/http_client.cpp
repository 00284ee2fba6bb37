// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"

#include <curl/curl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

namespace restante::net {
namespace {

constexpr std::size_t collected_body_limit = 64u << 20;
constexpr std::size_t header_limit = 256u << 10;

/// RFC 7638 thumbprint of a P-256 key; another kind of key has none ("").
std::string thumbprint_of(EVP_PKEY* key) {
  std::array<char, 32> group{};
  std::array<unsigned char, 65> point{};
  std::size_t size = 0;
  if (key == nullptr || EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) != 1 ||
      std::string_view(group.data()) != SN_X9_62_prime256v1 ||
      EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(), &size) != 1 ||
      size != point.size() || point[0] != 4)
    return {};
  const std::string_view raw(reinterpret_cast<const char*>(point.data()), point.size());
  const Digest256 digest = sha256(R"({"crv":"P-256","kty":"EC","x":")" + to_base64url(raw.substr(1, 32)) +
                                  R"(","y":")" + to_base64url(raw.substr(33, 32)) + "\"}");
  return to_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

struct Pin {
  std::string wanted;
  std::string seen;  ///< of the last handshake; "other" when the key is no P-256 key
};

int judge_certificate(X509_STORE_CTX* context, void* argument) {
  auto& pin = *static_cast<Pin*>(argument);
  X509* leaf = X509_STORE_CTX_get0_cert(context);
  pin.seen = leaf == nullptr ? std::string() : thumbprint_of(X509_get0_pubkey(leaf));
  if (pin.seen.empty()) pin.seen = "another kind of key";
  const bool fits = pin.seen == pin.wanted;
  X509_STORE_CTX_set_error(context, fits ? X509_V_OK : X509_V_ERR_CERT_UNTRUSTED);
  return fits ? 1 : 0;
}

CURLcode install_pin(CURL*, void* ssl_context, void* pin) {
  SSL_CTX_set_cert_verify_callback(static_cast<SSL_CTX*>(ssl_context), judge_certificate, pin);
  return CURLE_OK;
}

/// What one transfer has gathered so far; libcurl's callbacks work on it.
struct Transfer {
  const ClientRequest* request = nullptr;
  ClientResponse response;
  std::size_t header_bytes = 0;
  bool head_complete = false;
  bool stopped = false;    ///< by on_body
  bool too_large = false;  ///< more than is collected
  std::chrono::steady_clock::time_point last_byte = std::chrono::steady_clock::now();
  curl_off_t sent = 0;

  void touch() { last_byte = std::chrono::steady_clock::now(); }

  /// Called by libcurl at least once a second. libcurl's own low-speed limit would call the rare, short
  /// heartbeats of an event stream a stall.
  bool stalled(curl_off_t sent_bytes) {
    if (sent_bytes != sent) touch();
    sent = sent_bytes;
    if (request->stop != nullptr && request->stop->load()) return true;
    return request->stall_time.count() > 0 &&
           std::chrono::steady_clock::now() - last_byte > request->stall_time;
  }

  bool take_header(std::string_view line) {
    touch();
    if (head_complete) return true;  // a trailer
    header_bytes += line.size();
    if (header_bytes > header_limit) return false;
    while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
    if (line.starts_with("HTTP/")) {
      response.headers.clear();
      const auto space = line.find(' ');
      response.status = space == line.npos ? 0 : std::atoi(std::string(line.substr(space + 1, 3)).c_str());
    } else if (line.empty()) {
      head_complete = response.status >= 200;
      if (head_complete && request->on_head) request->on_head(response.status, response.headers);
    } else if (const auto colon = line.find(':'); colon != line.npos) {
      std::string_view value = line.substr(colon + 1);
      while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
      while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
      response.headers.emplace_back(line.substr(0, colon), value);
    }
    return true;
  }

  bool take_body(std::string_view piece) {
    touch();
    if (request->on_body) {
      stopped = !request->on_body(piece);
      return !stopped;
    }
    too_large = piece.size() > collected_body_limit - response.body.size();
    if (!too_large) response.body.append(piece);
    return !too_large;
  }
};

std::size_t on_header_line(char* data, std::size_t size, std::size_t count, void* transfer) {
  return static_cast<Transfer*>(transfer)->take_header({data, size * count}) ? size * count : 0;
}

std::size_t on_body_piece(char* data, std::size_t size, std::size_t count, void* transfer) {
  return static_cast<Transfer*>(transfer)->take_body({data, size * count}) ? size * count : 0;
}

int on_progress(void* transfer, curl_off_t, curl_off_t, curl_off_t, curl_off_t sent_bytes) {
  return static_cast<Transfer*>(transfer)->stalled(sent_bytes) ? 1 : 0;
}

/// "host:port" of a URL, for people; the whole is shown as it may be logged if there is none.
std::string host_and_port(const std::string& url) {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), curl_url_cleanup);
  char* host = nullptr;
  char* port = nullptr;
  std::string out = url_for_logs(url);
  if (parsed && curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) == CURLUE_OK &&
      curl_url_get(parsed.get(), CURLUPART_HOST, &host, 0) == CURLUE_OK &&
      curl_url_get(parsed.get(), CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
    out = std::string(host) + ":" + port;
  curl_free(host);
  curl_free(port);
  return out;
}

void start_curl_once() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  RESTANTE_REQUIRE(started == CURLE_OK);
}

}  // namespace

std::string_view ClientResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (iequals(key, name)) return value;
  return {};
}

struct HttpClient::State {
  Options options;
  Pin pin;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy{nullptr, curl_easy_cleanup};

  template <class T>
  void set(CURLoption option, T value) {
    RESTANTE_REQUIRE(curl_easy_setopt(easy.get(), option, value) == CURLE_OK);
  }

  void set_connection() {
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    // A place is reached directly, as its pairing URL says; environment variables do not put others between.
    set(CURLOPT_PROXY, "");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_USERAGENT, options.user_agent.c_str());
    set(CURLOPT_TCP_NODELAY, 1L);
    if (!options.unix_socket.empty()) set(CURLOPT_UNIX_SOCKET_PATH, options.unix_socket.c_str());
    if (!options.pinned_jkt.empty()) {
      set(CURLOPT_SSL_VERIFYHOST, 0L);
      set(CURLOPT_SSL_VERIFYPEER, 1L);
      set(CURLOPT_CAINFO, static_cast<const char*>(nullptr));
      set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
      // A resumed session would skip the certificate.
      set(CURLOPT_SSL_SESSIONID_CACHE, 0L);
      set(CURLOPT_SSL_CTX_FUNCTION, install_pin);
      set(CURLOPT_SSL_CTX_DATA, &pin);
    } else if (!options.roots_pem.empty()) {
      curl_blob roots{options.roots_pem.data(), options.roots_pem.size(), CURL_BLOB_NOCOPY};
      set(CURLOPT_CAINFO_BLOB, &roots);
      set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
  }

  void set_request(const ClientRequest& request, curl_slist* headers, Transfer& transfer) {
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_HTTPHEADER, headers);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_time.count()));
    if (request.total_time) set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.total_time->count()));
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, on_progress);
    set(CURLOPT_XFERINFODATA, &transfer);
    if (request.on_body) set(CURLOPT_BUFFERSIZE, 256L * 1024);
    set(CURLOPT_HEADERFUNCTION, on_header_line);
    set(CURLOPT_HEADERDATA, &transfer);
    set(CURLOPT_WRITEFUNCTION, on_body_piece);
    set(CURLOPT_WRITEDATA, &transfer);
    if (request.method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    } else if (request.method != "GET") {
      const bool has_body = request.method == "POST" || !request.body.empty();
      if (has_body) {
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        set(CURLOPT_POSTFIELDS, request.body.data());
      }
      set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
  }

  Error explain(CURLcode code, const ClientRequest& request, const char* detail) const {
    const std::string where =
        options.unix_socket.empty() ? host_and_port(request.url) : "socket " + options.unix_socket;
    const std::string words = detail[0] != '\0' ? detail : curl_easy_strerror(code);
    switch (code) {
      case CURLE_URL_MALFORMAT:
        return fail(Reason::invalid, "not a http or https address: " + url_for_logs(request.url)).value();
      case CURLE_UNSUPPORTED_PROTOCOL:
      case CURLE_WEIRD_SERVER_REPLY:
        return fail(Reason::unreachable, "what answers at " + where + " does not speak HTTP",
                    "is restanted running there, and is it https rather than http?")
            .value();
      case CURLE_COULDNT_RESOLVE_HOST:
        return fail(Reason::dns, "the name of " + where + " was not found").value();
      case CURLE_COULDNT_CONNECT:
        return fail(Reason::unreachable, "nothing answers at " + where, "is restanted running there?")
            .value();
      case CURLE_OPERATION_TIMEDOUT:
      case CURLE_ABORTED_BY_CALLBACK:
        return fail(Reason::timeout, "no answer in time from " + where,
                    "check the network and that restanted runs there")
            .value();
      case CURLE_SSL_CONNECT_ERROR:
      case CURLE_PEER_FAILED_VERIFICATION:
        if (!options.pinned_jkt.empty() && !pin.seen.empty() && pin.seen != pin.wanted)
          return fail(Reason::tls,
                      "another server answers at " + where + ": its key is " + pin.seen + ", expected " +
                          pin.wanted,
                      "if the place was set up anew, connect this device again: `restanted pair NAME` there")
              .value();
        [[fallthrough]];
      case CURLE_SSL_CERTPROBLEM:
      case CURLE_SSL_CIPHER:
      case CURLE_SSL_CACERT_BADFILE:
        return fail(Reason::tls, "no secure connection to " + where + ": " + words).value();
      default:
        return fail(Reason::unreachable, "the connection to " + where + " failed: " + words,
                    "is restanted running there?")
            .value();
    }
  }
};

HttpClient::HttpClient(Options options) : state_(std::make_unique<State>()) {
  start_curl_once();
  state_->options = std::move(options);
  state_->pin.wanted = state_->options.pinned_jkt;
  state_->easy.reset(curl_easy_init());
  RESTANTE_REQUIRE(state_->easy != nullptr);
}

HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;

Result<ClientResponse> HttpClient::send(const ClientRequest& request) {
  if (!request.url.starts_with("http://") && !request.url.starts_with("https://"))
    return fail(Reason::invalid, "not a http or https address: " + url_for_logs(request.url));
  curl_slist* list = curl_slist_append(nullptr, "Expect:");
  for (const auto& [name, value] : request.headers)
    list = curl_slist_append(list, (name + (value.empty() ? ";" : ": " + value)).c_str());
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(list, curl_slist_free_all);
  Transfer transfer;
  transfer.request = &request;
  std::array<char, CURL_ERROR_SIZE> detail{};

  curl_easy_reset(state_->easy.get());  // keeps the connection
  state_->set_connection();
  state_->set_request(request, headers.get(), transfer);
  state_->set(CURLOPT_ERRORBUFFER, detail.data());
  state_->pin.seen.clear();
  const CURLcode code = curl_easy_perform(state_->easy.get());
  state_->set(CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));

  if (transfer.stopped) return fail(Reason::cancelled, "stopped");
  if (transfer.too_large) return fail(Reason::too_large, "the answer is larger than 64 MiB");
  if (code != CURLE_OK) return fail(state_->explain(code, request, detail.data()));
  return std::move(transfer.response);
}

}  // namespace restante::net
