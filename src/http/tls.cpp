// SPDX-License-Identifier: Apache-2.0
#include "http/tls.hpp"

#include "http/x509.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <ctime>

namespace restante::http {

namespace {

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned int offered_size, void*) {
  static constexpr unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, ours, sizeof ours, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Result<void> use_certificate(SSL_CTX* context, const Certificate& certificate) {
  const std::string hint = "give the PEM files of a certificate chain (leaf first) and its unencrypted key";
  const auto chain = pem_reader(certificate.chain_pem);
  X509Ptr<X509> leaf(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
  if (!leaf) return fail(Reason::tls, "the certificate file holds no certificate: " + openssl_error(), hint);
  if (SSL_CTX_use_certificate(context, leaf.get()) != 1)
    return fail(Reason::tls, "the certificate cannot be used: " + openssl_error(), hint);
  while (X509* more = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, more) != 1) {
      X509_free(more);
      return fail(Reason::tls, "the certificate chain cannot be used: " + openssl_error(), hint);
    }
  }
  ERR_clear_error();
  const auto key = private_key_of(certificate.key_pem);
  if (!key) return fail(Reason::tls, "the certificate's key cannot be read: " + openssl_error(), hint);
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1)
    return fail(Reason::tls, "the key does not belong to the certificate: " + openssl_error(), hint);
  return {};
}

}  // namespace

std::string openssl_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

Result<SslContextPtr> make_server_context(const Certificate& certificate) {
  SslContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context) return fail(Reason::tls, "TLS cannot be set up: " + openssl_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(),
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20");
  static constexpr unsigned char session_context[] = "restante";
  SSL_CTX_set_session_id_context(context.get(), session_context, sizeof session_context - 1);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  if (auto done = use_certificate(context.get(), certificate); !done) return fail(std::move(done.error()));
  return context;
}

std::optional<Instant> end_of(const Certificate& certificate) {
  const auto chain = pem_reader(certificate.chain_pem);
  const X509Ptr<X509> leaf(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
  tm end{};
  if (!leaf || ASN1_TIME_to_tm(X509_get0_notAfter(leaf.get()), &end) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  return Instant(Seconds(::timegm(&end)));
}

X509Ptr<EVP_PKEY> private_key_of(std::string_view pem) {
  const auto text = pem_reader(pem);
  const auto no_phrase = [](char*, int, int, void*) { return 0; };
  return X509Ptr<EVP_PKEY>(PEM_read_bio_PrivateKey(text.get(), nullptr, no_phrase, nullptr));
}

std::string written_to(const X509Ptr<BIO>& out) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace restante::http
