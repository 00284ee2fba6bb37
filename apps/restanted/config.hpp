// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/api.hpp"
#include "base/result.hpp"
#include "net/address_guard.hpp"
#include "net/dav_client.hpp"
#include "net/imap_client.hpp"
#include "net/mail_client.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace restante::daemon {

struct ListenAddress {
  std::string address;  ///< numeric, without brackets
  std::uint16_t port = 0;
};

/// "127.0.0.1:8470", "[::1]:8470", "localhost:8470". Error usage.
Result<ListenAddress> parse_listen(std::string_view text);
bool is_loopback(std::string_view address);
std::string url_host(const std::string& address);  ///< IPv6 in brackets

/// Where requests come when this place cannot be reached: what it asks itself, and what devices are told.
struct MailboxConfig {
  Seconds interval{60};
  bool keep_done = false;  ///< what was accepted is set aside, too, and not deleted
  net::ImapFolder imap;    ///< without its password, as the others; an empty URL: none
  net::DavFolder webdav;
  std::string imap_password_file, webdav_password_file, webdav_ca_bundle;
  std::string address;    ///< to which devices send mail; empty: none
  net::DavFolder upload;  ///< into which devices put files
  std::string upload_password_file;
};

/// restanted's configuration; docs/configuration.md explains every key.
struct Config {
  std::string file;  ///< where it was read from; empty: there is none

  std::vector<ListenAddress> listen{{"127.0.0.1", 8470}};
  std::vector<ListenAddress> listen_open;  ///< plain doors for people who do not trust this place yet
  std::vector<net::AddressRange> trusted_proxies;
  std::vector<std::string> hosts;
  std::string public_url;  ///< without a closing slash
  std::string lan_url;     ///< the same for people in the place's own network; empty: none

  std::string place_name;  ///< default: the machine's name
  std::string time_zone;   ///< default: the machine's

  std::string tls_certificate, tls_key;  ///< files

  net::MailServer mail;  ///< without its password
  std::string mail_from, mail_password_file;

  MailboxConfig mailbox;
  std::string drop_path;  ///< default: drop/ in the data folder

  std::string areas_path;
  files::FolderTerms area_files{0644, std::nullopt, std::nullopt};  ///< of what is published
  files::FolderTerms area_folders;
  Seconds trash_keep{7 * 86400};
  std::vector<net::AddressRange> address_guard_allow;

  std::string worker_program;  ///< default: restante-transfer beside this program
  std::string worker_ca_bundle = "/etc/ssl/certs/ca-certificates.crt";
  std::string worker_http2 = "needed";
  int max_workers = 32;

  accounts::AccountLimits account_limits;
  api::ApiLimits api_limits;
  jobs::ServiceLimits job_limits;
  std::size_t connections = 4096;
  int connections_per_server = 16;  ///< of all workers to one content server

  std::string log_level = "info";
};

/// Error invalid, naming file and line: not TOML, an unknown key, a value of the wrong kind; storage:
/// unreadable.
Result<Config> load_config(const std::string& file);
Result<Config> parse_config(std::string_view text, const std::string& file);

}  // namespace restante::daemon
