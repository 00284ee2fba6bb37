// SPDX-License-Identifier: Apache-2.0
#include "http/tls.hpp"

#include "base/crypto.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <cstring>

namespace restante::http {

namespace {

constexpr int certificate_days = 397;

struct Free {
  void operator()(BIO* x) const { BIO_free(x); }
  void operator()(X509* x) const { X509_free(x); }
  void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
  void operator()(X509_EXTENSION* x) const { X509_EXTENSION_free(x); }
  void operator()(GENERAL_NAMES* x) const { GENERAL_NAMES_free(x); }
  void operator()(ASN1_OCTET_STRING* x) const { ASN1_OCTET_STRING_free(x); }
};
template <class T>
using Ptr = std::unique_ptr<T, Free>;

Ptr<BIO> reader(const std::string& text) {
  return Ptr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

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
  const auto chain = reader(certificate.chain_pem);
  Ptr<X509> leaf(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
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
  const auto key_text = reader(certificate.key_pem);
  // A callback that gives no pass phrase: an encrypted key is an error, never a prompt on the terminal.
  const auto no_phrase = [](char*, int, int, void*) { return 0; };
  Ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, no_phrase, nullptr));
  if (!key) return fail(Reason::tls, "the certificate's key cannot be read: " + openssl_error(), hint);
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1)
    return fail(Reason::tls, "the key does not belong to the certificate: " + openssl_error(), hint);
  return {};
}

bool add_extension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  Ptr<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

/// DNS names and addresses as structures, never as text for OpenSSL's configuration parser.
bool add_names(X509* certificate, const std::vector<std::string>& names) {
  Ptr<GENERAL_NAMES> list(GENERAL_NAMES_new());
  for (const auto& name : names) {
    unsigned char address[16];
    int size = 0;
    if (inet_pton(AF_INET, name.c_str(), address) == 1)
      size = 4;
    else if (inet_pton(AF_INET6, name.c_str(), address) == 1)
      size = 16;
    GENERAL_NAME* entry = GENERAL_NAME_new();
    ASN1_STRING* text = size != 0 ? static_cast<ASN1_STRING*>(ASN1_OCTET_STRING_new())
                                  : static_cast<ASN1_STRING*>(ASN1_IA5STRING_new());
    if (size != 0)
      ASN1_STRING_set(text, address, size);
    else
      ASN1_STRING_set(text, name.data(), static_cast<int>(name.size()));
    GENERAL_NAME_set0_value(entry, size != 0 ? GEN_IPADD : GEN_DNS, text);
    sk_GENERAL_NAME_push(list.get(), entry);
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, X509V3_ADD_DEFAULT) == 1;
}

bool set_random_serial(X509* certificate) {
  std::uint8_t bytes[16];
  random_bytes(bytes, sizeof bytes);
  bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x7f) | 0x40);  // positive and of full length
  BIGNUM* number = BN_bin2bn(bytes, sizeof bytes, nullptr);
  const bool done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return done;
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

Result<Certificate> self_made_certificate(const std::string& key_pem, const std::vector<std::string>& names) {
  const auto key_text = reader(key_pem);
  const auto no_phrase = [](char*, int, int, void*) { return 0; };
  Ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, no_phrase, nullptr));
  if (!key) return fail(Reason::tls, "the identity key cannot be read: " + openssl_error());

  Ptr<X509> certificate(X509_new());
  X509* c = certificate.get();
  X509_set_version(c, X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(c), -3600);  // a client's clock may be a little behind
  X509_gmtime_adj(X509_getm_notAfter(c), 86400L * certificate_days - 3600);
  X509_set_pubkey(c, key.get());
  X509_NAME* subject = X509_get_subject_name(c);
  const auto* common = reinterpret_cast<const unsigned char*>("Restante");
  bool good = X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common, -1, -1, 0) == 1;
  good = good && X509_set_issuer_name(c, subject) == 1 && set_random_serial(c);
  good = good && add_extension(c, NID_basic_constraints, "critical,CA:FALSE");
  good = good && add_extension(c, NID_key_usage, "critical,digitalSignature");
  good = good && add_extension(c, NID_ext_key_usage, "serverAuth");
  good = good && add_extension(c, NID_subject_key_identifier, "hash");
  if (!names.empty()) good = good && add_names(c, names);
  good = good && X509_sign(c, key.get(), EVP_sha256()) != 0;
  Ptr<BIO> out(BIO_new(BIO_s_mem()));
  good = good && PEM_write_bio_X509(out.get(), c) == 1;
  if (!good) return fail(Reason::tls, "a certificate could not be made: " + openssl_error());
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return Certificate{std::string(text, static_cast<std::size_t>(size)), key_pem};
}

}  // namespace restante::http
