// SPDX-License-Identifier: Apache-2.0
#include "proxy/client_certificate.hpp"

#include "base/text.hpp"
#include "proxy/evp.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

namespace restante::proxy {

namespace {

using CertificatePtr = std::unique_ptr<X509, Freeing<X509_free>>;

constexpr int most_certificates = 16;

BioPtr reader(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// OpenSSL would ask on the terminal for the passphrase of an encrypted key.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

CertificatePtr next_certificate(BIO* bio) {
  return CertificatePtr(PEM_read_bio_X509(bio, nullptr, no_passphrase, nullptr));
}

}  // namespace

Result<void> check_client_certificate(const Credential& credential, const std::string& at) {
  const auto wrong = [](const std::string& pointer, const std::string& what, const std::string& hint) {
    ERR_clear_error();
    return fail(Reason::invalid, pointer + " " + what, hint, pointer);
  };
  const BioPtr chain = reader(credential.certificate);
  const CertificatePtr own = next_certificate(chain.get());
  if (!own)
    return wrong(at + "/cert", "is not a certificate that can be read", "give it as PEM, with its chain");
  int count = 1;
  while (next_certificate(chain.get()))
    if (++count > most_certificates)
      return wrong(at + "/cert", "has more than 16 certificates", "leave out the roots");
  ERR_clear_error();

  if (credential.key.find("ENCRYPTED") != std::string::npos)
    return wrong(at + "/key", "is encrypted with a passphrase, which the place does not have",
                 "decrypt it first: openssl pkey -in key.pem -out plain.pem");
  const BioPtr secret = reader(credential.key);
  const KeyPtr key(PEM_read_bio_PrivateKey(secret.get(), nullptr, no_passphrase, nullptr));
  if (!key) return wrong(at + "/key", "is not a private key that can be read", "give it as PEM (PKCS#8)");
  if (X509_check_private_key(own.get(), key.get()) != 1)
    return wrong(at + "/key", "does not belong to the first certificate", "give the key of that certificate");
  ERR_clear_error();
  return {};
}

PemParts split_pem(std::string_view text) {
  constexpr std::string_view begin = "-----BEGIN ", dashes = "-----";
  PemParts out;
  for (auto at = text.find(begin); at != std::string_view::npos; at = text.find(begin, at)) {
    const auto label_end = text.find(dashes, at + begin.size());
    if (label_end == std::string_view::npos) break;
    const std::string label(text.substr(at + begin.size(), label_end - at - begin.size()));
    const std::string end = "-----END " + label + "-----";
    const auto found = text.find(end, label_end);
    if (found == std::string_view::npos) break;
    const auto stop = found + end.size();
    const bool certificate = label == "CERTIFICATE" || label == "X509 CERTIFICATE";
    if (certificate)
      out.certificates.append(text.substr(at, stop - at)).append("\n");
    else if (label.ends_with("PRIVATE KEY") && out.key.empty())
      out.key.append(text.substr(at, stop - at)).append("\n");
    at = stop;
  }
  return out;
}

std::string certificate_end(std::string_view certificate_pem) {
  const BioPtr chain = reader(certificate_pem);
  const CertificatePtr own = next_certificate(chain.get());
  std::tm when{};
  const bool known = own && ASN1_TIME_to_tm(X509_get0_notAfter(own.get()), &when) == 1;
  ERR_clear_error();
  if (!known) return {};
  return to_rfc3339(Instant(Seconds(::timegm(&when))));
}

}  // namespace restante::proxy
