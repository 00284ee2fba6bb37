// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "jobs/ports.hpp"
#include "net/curl_url.hpp"

#include <string>
#include <vector>

namespace restante::transfer {

/// The header lines of one hop. They hold secrets.
struct HopHeaders {
  std::vector<std::string> lines;
  bool credentials = false;  ///< a credential of the order is among them
};

/// Builds them anew for every hop, so that nothing follows a redirect by itself (THREATS.md C1, M33): a
/// credential goes only to the origins of its scope, cookies by RFC 6265 §5.4 besides; fields of the request
/// go to the source's own origin, elsewhere only Accept, Accept-Language and User-Agent, and Referer cut to
/// its origin. Fields that we decide ourselves (Host, Range, Accept-Encoding, ...) are left out. Error:
/// invalid (a line break in a name or value, C3).
/// `digest`: the answer to a Digest challenge, in the place of what the sign-in would send.
Result<HopHeaders> hop_headers(const jobs::TransferOrder& order, const net::HttpUrl& source,
                               const net::HttpUrl& hop, Instant now, const std::string& digest = {});

/// The credential that signs in at this hop with Authorization: the first basic, digest, bearer or oauth one
/// with the hop's origin in its scope; nullptr: none.
const proxy::Credential* sign_in_for(const jobs::TransferOrder& order, const net::HttpUrl& hop);

/// The client certificate for this hop: https, and its origin in the scope; nullptr: none.
const proxy::Credential* certificate_for(const jobs::TransferOrder& order, const net::HttpUrl& hop);

/// Connections are shared by transfers with the same key only (THREATS.md C4): account and credentials.
std::string credential_domain(const jobs::TransferOrder& order);

}  // namespace restante::transfer
