// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config.hpp"
#include "http/local_ca.hpp"
#include "proxy/keys.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace restante::daemon {

/// Whether the files of [tls] can be read and belong together. Blocking. Errors: storage, tls.
Result<void> check_tls_files(const Config& config);

/// What TLS listeners show: the files of [tls], read again when they change; or certificates of our own
/// authority in DATA/keys/ca.pem, made anew when our names change or time runs out. One loop, but
/// `authority`.
class Certificates {
public:
  Certificates(const Config& config, const proxy::PrivateKey& identity, std::string dir, const Clock& clock);

  /// The first one; none when no listener speaks TLS. Blocking, as `renewed` is: small files. Errors:
  /// storage, tls; each names the file.
  Result<std::optional<http::Certificate>> begin();

  /// A new one if there is reason for it; none otherwise. Errors as above: what was shown before stays good.
  /// Told once for each state of the files; `Again::yes` looks at them also if they did not change.
  enum class Again { no, yes };
  Result<std::optional<http::Certificate>> renewed(Again again);

  /// Until when what is shown holds; none: nothing is shown, or it cannot be read.
  std::optional<Instant> until() const { return until_; }

  /// Our own authority; null while others vouch for us, or nobody. Any thread.
  std::shared_ptr<const http::LocalCa> authority() const { return std::atomic_load(&authority_); }

private:
  Result<http::Certificate> read_files();
  std::string state_of_files() const;
  Result<void> find_authority();
  Result<http::Certificate> issue(std::set<std::string> names);
  std::set<std::string> configured_names() const, own_names() const;

  const Config& config_;
  const proxy::PrivateKey& identity_;
  const std::string file_;
  const Clock& clock_;
  bool needed_ = false;
  std::string files_;            ///< state of [tls]'s files when they were read
  std::set<std::string> names_;  ///< of the certificate of our own that is shown
  Instant renew_at_{};
  std::optional<Instant> until_;
  std::shared_ptr<const http::LocalCa> authority_;  // read by any thread: only through std::atomic_load
};

}  // namespace restante::daemon
