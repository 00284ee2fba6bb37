// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the files that make and read certificates share: owners of OpenSSL's objects.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

namespace restante::http {

struct FreeX509 {
  void operator()(BIO* x) const { BIO_free(x); }
  void operator()(X509* x) const { X509_free(x); }
  void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
  void operator()(X509_EXTENSION* x) const { X509_EXTENSION_free(x); }
  void operator()(GENERAL_NAMES* x) const { GENERAL_NAMES_free(x); }
  void operator()(NAME_CONSTRAINTS* x) const { NAME_CONSTRAINTS_free(x); }
};
template <class T>
using X509Ptr = std::unique_ptr<T, FreeX509>;

/// Reads PEM from memory; `text` outlives it.
inline X509Ptr<BIO> pem_reader(std::string_view text) {
  return X509Ptr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// The unencrypted private key in this PEM text; null: there is none. An encrypted key is an error, never a
/// prompt on the terminal.
X509Ptr<EVP_PKEY> private_key_of(std::string_view pem);

/// What was written to a memory BIO.
std::string written_to(const X509Ptr<BIO>& out);

}  // namespace restante::http
