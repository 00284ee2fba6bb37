// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "context.hpp"
#include "request/compose.hpp"

#include <string>
#include <vector>

namespace restante::cli {

/// What `send` and `make` are asked for.
struct WishOptions {
  std::vector<std::string> urls;
  std::string to, cookies_path, certificate_path, key_path;
  std::string preset;
  bool secret_stdin = false, no_probe = false;
  request::Wish wish;
};

/// The options that say what is wanted, from where, when and with which sign-in. `options` outlives the
/// command.
void add_wish_options(CLI::App& command, WishOptions& options);
/// Refuses empty values: they are most often a script's unset variable, and would mean "now", or "no limit".
/// After all options were added.
void refuse_empty_values(CLI::App& command);

/// `--preset NAME`: its settings where the command line says nothing, and its folder before short names.
/// While the command is being read, so that a wrong value is told as one. Errors: not-found, usage.
Result<void> apply_preset(CLI::App& command, WishOptions& options);

/// Passwords, certificates and cookies, from stdin, the terminal and files. Errors: usage.
Result<void> read_secrets(const Context& context, WishOptions& options);
/// What belongs to one URL is refused with several. Error: usage.
Result<void> check_wish(const WishOptions& options);

/// A request of its own for a URL, and what of it is told.
struct Composed {
  std::string id, core;
  std::int64_t exp = 0;
  std::string shown;  ///< the URL as it may be shown
  std::string name;   ///< what the download is called until the place knows better
  std::optional<Instant> start;
  std::vector<std::string> logins;  ///< stored ones that go along, by name
};
/// `lean`: as it is signed, without what the signature says anyway. Errors: those of request::compose.
Result<Composed> compose_one(const WishOptions& options, const std::string& url, const request::Place& place,
                             Instant now, bool lean);

}  // namespace restante::cli
