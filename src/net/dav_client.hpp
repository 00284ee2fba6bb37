// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace restante::net {

/// A folder of a WebDAV server (RFC 4918). Reached as configured.
struct DavFolder {
  std::string url;  ///< "https://host/folder/"; http:// only for a server on this machine
  std::string user, password;
  std::string roots_pem;  ///< certificates that its own is verified against; empty: the system's
};

/// Error invalid: not such a URL, or with user information or a query.
Result<void> check(const DavFolder& folder);

struct DavFile {
  std::string name;  ///< last part of its address, as the server encodes it
  std::string etag;  ///< may be empty
  std::uint64_t bytes = 0;
};

/// The files in the folder itself, out of the answer to a PROPFIND of depth 1 (RFC 4918 §9.1); what lies
/// elsewhere, whatever the answer says, collections and names that begin with a dot are passed over. Error
/// malformed.
Result<std::vector<DavFile>> files_in(std::string_view multistatus, const std::string& folder_url);

/// Keeps its connection. Blocking; one thread at a time. Errors of all calls: unreachable, dns, timeout, tls,
/// auth-required; malformed (another answer than the standard names).
class DavClient {
public:
  /// `stop` ends what is under way once it is set; it outlives the client.
  DavClient(DavFolder folder, const std::atomic<bool>& stop);
  ~DavClient();
  DavClient(DavClient&&) noexcept;

  Result<std::vector<DavFile>> list();
  /// Errors: too-large, not-found.
  Result<std::string> fetch(const DavFile& file, std::size_t most_bytes);
  /// If it is still the same; gone already is as good. Error conflict: it was written anew.
  Result<void> erase(const DavFile& file);
  /// Into a folder inside this one, which is made if it is missing; what is there by that name is replaced.
  Result<void> set_aside(const DavFile& file, const std::string& folder);

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace restante::net
