// SPDX-License-Identifier: Apache-2.0
#include "net/curl_tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <array>
#include <ctime>
#include <sys/socket.h>
#include <utility>

namespace restante::net {

namespace {

void free_close_state(void*, void* pointer, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<std::shared_ptr<TlsClose>*>(pointer);
}

int close_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_close_state);
  return index;
}

void on_info(const SSL* ssl, int where, int value) {
  if ((where & SSL_CB_READ) == 0 || (where & SSL_CB_ALERT) == 0) return;
  if ((value & 0xff) != SSL_AD_CLOSE_NOTIFY) return;
  const auto* state =
      static_cast<std::shared_ptr<TlsClose>*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), close_index()));
  if (state != nullptr) (*state)->clean = true;
}

TlsFault fault_of(int error) {
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return TlsFault::expired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return TlsFault::not_yet_valid;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return TlsFault::self_signed;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
      return TlsFault::unknown_issuer;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return TlsFault::wrong_host;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return TlsFault::weak;
    case X509_V_ERR_CERT_REVOKED:
      return TlsFault::revoked;
    default:
      return TlsFault::other;
  }
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(::timegm(&parts)) : 0;
}

int on_verify(int good, X509_STORE_CTX* store) {
  const auto* ssl =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  if (good == 1 || ssl == nullptr) return good;
  const auto* state =
      static_cast<std::shared_ptr<TlsClose>*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), close_index()));
  if (state == nullptr || (*state)->fault != TlsFault::none) return good;
  (*state)->fault = fault_of(X509_STORE_CTX_get_error(store));
  if (const X509* certificate = X509_STORE_CTX_get_current_cert(store); certificate != nullptr) {
    (*state)->valid_from = seconds_of(X509_get0_notBefore(certificate));
    (*state)->valid_until = seconds_of(X509_get0_notAfter(certificate));
  }
  return good;
}

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

}  // namespace

struct TrustStore::State {
  X509_STORE* store = X509_STORE_new();
  ~State() { X509_STORE_free(store); }
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

TrustStore::TrustStore(std::unique_ptr<State> state) : state_(std::move(state)) {
}
TrustStore::~TrustStore() = default;
TrustStore::TrustStore(TrustStore&&) noexcept = default;
TrustStore& TrustStore::operator=(TrustStore&&) noexcept = default;

Result<TrustStore> TrustStore::from_pem(std::string_view pem) {
  auto state = std::make_unique<State>();
  const std::unique_ptr<BIO, FreeBio> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  int count = 0;
  while (true) {
    const std::unique_ptr<X509, FreeCertificate> certificate(
        PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) break;
    X509_STORE_add_cert(state->store, certificate.get());
    ++count;
  }
  ERR_clear_error();
  if (count == 0) return fail(Reason::tls, "the bundle of trusted roots has no certificate");
  // As libcurl does with its own: shortest trusted chain first, and intermediates may be anchors.
  X509_STORE_set_flags(state->store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  close_index();
  return TrustStore(std::move(state));
}

std::shared_ptr<const TlsClose> TrustStore::apply(void* ssl_ctx) const {
  auto* context = static_cast<SSL_CTX*>(ssl_ctx);
  // Not left to the machine's configuration: no TLS before 1.2, no key of less than 112 bits of strength, no
  // signature with SHA-1 or MD5 (RFC 9325 §3.1, §4.5).
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_security_level(context, 2);
  SSL_CTX_set1_cert_store(context, state_->store);
  auto state = std::make_shared<TlsClose>();
  SSL_CTX_set_ex_data(context, close_index(), new std::shared_ptr<TlsClose>(state));
  SSL_CTX_set_info_callback(context, on_info);
  SSL_CTX_set_verify(context, SSL_CTX_get_verify_mode(context), on_verify);
  return state;
}

std::shared_ptr<const TlsClose> close_state_of(void* ssl) {
  if (ssl == nullptr) return nullptr;
  const auto* state = static_cast<std::shared_ptr<TlsClose>*>(
      SSL_CTX_get_ex_data(SSL_get_SSL_CTX(static_cast<SSL*>(ssl)), close_index()));
  return state != nullptr ? *state : nullptr;
}

bool decrypted_data_waits(void* ssl) {
  return ssl != nullptr && SSL_pending(static_cast<const SSL*>(ssl)) > 0;
}

bool application_data_waits(void* ssl, int socket) {
  const auto* connection = static_cast<const SSL*>(ssl);
  if (SSL_pending(connection) > 0) return true;
  std::array<unsigned char, 5> head{};
  if (::recv(socket, head.data(), head.size(), MSG_PEEK | MSG_DONTWAIT) != ssize_t(head.size())) return false;
  constexpr unsigned char application_data = 23;
  if (head[0] != application_data) return false;
  constexpr int alert_record = 19, key_update_record = 22;  // RFC 8446 §5.2: content, type, tag of 16
  const int length = head[3] * 256 + head[4];
  return SSL_version(connection) < TLS1_3_VERSION || (length != alert_record && length != key_update_record);
}

}  // namespace restante::net
