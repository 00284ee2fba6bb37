// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "proxy/document.hpp"

#include <string>

namespace restante::cli {

/// The first line of stdin without its line break. Error: usage (nothing there, or longer than 8 KiB).
Result<std::string> read_secret_line();

/// Asks on the terminal without showing what is typed. Error: usage.
Result<std::string> ask_secret(const std::string& prompt);

/// Everything on stdin, at most 64 KiB. Error: usage.
Result<std::string> read_secret_text();

/// A file of at most `limit` bytes. Error: usage, naming `option`.
Result<std::string> read_option_file(const std::string& option, const std::string& path, std::size_t limit);

/// The client certificate of --cert and --key, as PEM; a key of "-" is read from stdin, an empty one lies in
/// the certificate's file. Error: usage.
Result<proxy::Credential> read_certificate(const std::string& certificate_path, const std::string& key_path);

int process_id();

}  // namespace restante::cli
