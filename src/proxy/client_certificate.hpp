// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "proxy/document.hpp"

#include <string>
#include <string_view>

namespace restante::proxy {

/// Whether OpenSSL reads the chain and the key of a `tls` credential and the key belongs to the first
/// certificate. Whether it is in date is not asked: the place may need it at another time. Error: invalid,
/// with the pointer `at` + "/cert" or "/key".
Result<void> check_client_certificate(const Credential& credential, const std::string& at);

/// The blocks of a PEM text by what they are; empty: there is none. A key that is encrypted counts.
struct PemParts {
  std::string certificates, key;
};
PemParts split_pem(std::string_view text);

/// "2026-11-22T10:00:00Z": when the first certificate ends; empty if it cannot be read.
std::string certificate_end(std::string_view certificate_pem);

}  // namespace restante::proxy
