// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Sign-in by challenge and answer (RFC 9110 §11, RFC 7616): plain functions, no I/O.
namespace restante::transfer {

/// One challenge of a WWW-Authenticate field.
struct Challenge {
  std::string scheme;                                        ///< lower case
  std::vector<std::pair<std::string, std::string>> members;  ///< names in lower case, values unquoted
  /// The first member of that name; nullptr: there is none.
  const std::string* member(std::string_view lower_name) const;
};

/// All challenges of an answer, in order; `values`: its WWW-Authenticate fields. What cannot be understood is
/// left out.
std::vector<Challenge> parse_challenges(const std::vector<std::string_view>& values);

/// What a Digest challenge asks for, in the strongest algorithm among those offered; nullopt: there is no
/// Digest challenge that we can answer (another algorithm, only auth-int).
struct DigestSpace {
  std::string realm, nonce, opaque;
  std::string algorithm;          ///< as offered, empty: not said (MD5)
  const char* openssl_name = "";  ///< of the algorithm
  bool session = false;           ///< "-sess"
  bool quality = false;           ///< qop=auth; else the older form of RFC 2069
  bool hide_user = false;         ///< userhash=true
  bool stale = false;             ///< only the nonce was too old
  std::uint32_t count = 0;        ///< answers given with this nonce
};
std::optional<DigestSpace> digest_space(const std::vector<Challenge>& challenges);

/// The value of Authorization for one request. `target` is the request target as it is sent, `client_nonce`
/// another one for each request. Counts in `space`.
struct DigestQuestion {
  std::string_view user, password, method, target, client_nonce;
};
std::string digest_answer(DigestSpace& space, const DigestQuestion& question);

/// The next nonce of an Authentication-Info field (RFC 7616 §3.5); "": it names none.
std::string next_nonce(std::string_view authentication_info);

}  // namespace restante::transfer
