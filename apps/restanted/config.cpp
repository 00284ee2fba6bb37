// SPDX-License-Identifier: Apache-2.0
#include "config.hpp"

#include "base/text.hpp"
#include "config_rates.hpp"
#include "data_dir.hpp"
#include "notify/mime.hpp"
#include "proxy/zone.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <arpa/inet.h>
#include <charconv>
#include <functional>
#include <grp.h>
#include <map>
#include <pwd.h>
#include <tuple>
#include <unistd.h>

namespace restante::daemon {

namespace {

using Setter = std::function<Result<void>(const toml::node&)>;
using Keys = std::map<std::string, Setter, std::less<>>;

std::string at(const std::string& file, const toml::node& node) {
  return fmt::format("{} line {}", file, node.source().begin.line);
}

tl::unexpected<Error> wrong(std::string_view expected) {
  return fail(Reason::invalid, fmt::format("must be {}", expected));
}

Setter text(std::string& target) {
  return [&target](const toml::node& node) -> Result<void> {
    if (!node.is_string()) return wrong("a text in quotes");
    target = node.as_string()->get();
    return {};
  };
}

/// A whole number from `least` on, or a size such as "64M".
template <class T>
Setter number(T& target, std::int64_t least, std::int64_t most) {
  return [&target, least, most](const toml::node& node) -> Result<void> {
    std::optional<std::int64_t> value;
    if (node.is_integer()) value = node.as_integer()->get();
    if (node.is_string())
      if (const auto size = parse_size(node.as_string()->get())) value = static_cast<std::int64_t>(*size);
    if (!value || *value < least || *value > most)
      return wrong(fmt::format("a number from {} to {}", least, most));
    target = static_cast<T>(*value);
    return {};
  };
}

/// "3d", "12h", "90s", "P3D".
Setter duration(Seconds& target, Seconds least, Seconds most) {
  return [&target, least, most](const toml::node& node) -> Result<void> {
    if (!node.is_string()) return wrong("a duration in quotes, such as \"3d\"");
    const auto value = proxy::parse_duration(node.as_string()->get());
    if (!value || *value < least || *value > most)
      return wrong(
          fmt::format("a duration from {} to {}", proxy::duration_text(least), proxy::duration_text(most)));
    target = *value;
    return {};
  };
}

/// "required", or "none" in so many words.
Setter starttls(bool& target) {
  return [&target](const toml::node& node) -> Result<void> {
    const std::string value = node.is_string() ? node.as_string()->get() : std::string();
    if (value != "required" && value != "none") return wrong("\"required\" or \"none\"");
    target = value == "required";
    return {};
  };
}

/// One of two words.
Setter choice(bool& target, std::string_view off, std::string_view on) {
  return [&target, off, on](const toml::node& node) -> Result<void> {
    const std::string value = node.is_string() ? node.as_string()->get() : std::string();
    if (value != off && value != on) return wrong(fmt::format("\"{}\" or \"{}\"", off, on));
    target = value == on;
    return {};
  };
}

/// A section inside a section: [mailbox.imap].
Setter section(Keys keys) {
  return [keys = std::move(keys)](const toml::node& node) -> Result<void> {
    if (!node.is_table()) return wrong("a section of its own");
    for (const auto& [key, value] : *node.as_table()) {
      const auto setter = keys.find(key.str());
      if (setter == keys.end()) return fail(Reason::invalid, fmt::format("has no key {}", key.str()));
      if (auto done = setter->second(value); !done)
        return fail(Reason::invalid, fmt::format("{} {}", key.str(), done.error().message),
                    done.error().hint);
    }
    return {};
  };
}

Setter texts(std::function<Result<void>(const std::string&)> add) {
  return [add = std::move(add)](const toml::node& node) -> Result<void> {
    if (!node.is_array()) return wrong("a list of texts");
    for (const auto& one : *node.as_array()) {
      if (!one.is_string()) return wrong("a list of texts");
      if (auto done = add(one.as_string()->get()); !done) return done;
    }
    return {};
  };
}

/// A number, or a name that `find` knows.
template <class Find>
Result<unsigned> id_of(const toml::node& node, std::string_view what, Find find) {
  if (node.is_integer() && node.as_integer()->get() >= 0 && node.as_integer()->get() < 0xffffffff)
    return static_cast<unsigned>(node.as_integer()->get());
  if (!node.is_string()) return wrong(fmt::format("the name or number of a {}", what));
  const std::string name = node.as_string()->get();
  const auto id = find(name);
  if (!id)
    return fail(Reason::invalid, fmt::format("names a {} that this system does not know: {}", what, name));
  return *id;
}

Setter owner(Config& config) {
  return [&config](const toml::node& node) -> Result<void> {
    auto id = id_of(node, "user", [](const std::string& name) -> std::optional<unsigned> {
      const passwd* found = ::getpwnam(name.c_str());
      return found != nullptr ? std::optional<unsigned>(found->pw_uid) : std::nullopt;
    });
    if (!id) return fail(id.error());
    config.area_files.owner = config.area_folders.owner = *id;
    return {};
  };
}

Setter group(Config& config) {
  return [&config](const toml::node& node) -> Result<void> {
    auto id = id_of(node, "group", [](const std::string& name) -> std::optional<unsigned> {
      const ::group* found = ::getgrnam(name.c_str());
      return found != nullptr ? std::optional<unsigned>(found->gr_gid) : std::nullopt;
    });
    if (!id) return fail(id.error());
    config.area_files.group = config.area_folders.group = *id;
    return {};
  };
}

/// Octal, as a text or as TOML's 0o640. Our own user keeps `least`, and others are never given more than
/// reading, writing and entering.
Setter mode(mode_t& target, mode_t least) {
  return [&target, least](const toml::node& node) -> Result<void> {
    std::int64_t value = -1;
    if (node.is_integer()) value = node.as_integer()->get();
    if (node.is_string()) {
      const std::string& digits = node.as_string()->get();
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
      if (error != std::errc{} || end != digits.data() + digits.size()) value = -1;
    }
    const std::int64_t most = least == 0700 ? 02777 : 0777;
    if (value < 0 || value > most || (value & least) != least)
      return wrong(fmt::format("an octal mode in quotes, such as \"{}\", with at least {:o} for the owner",
                               least == 0700 ? "0755" : "0644", least));
    target = static_cast<mode_t>(value);
    return {};
  };
}

/// Several sections of one name: [[limits.hours]].
Setter tables(std::function<Result<void>(const toml::table&)> add) {
  return [add = std::move(add)](const toml::node& node) -> Result<void> {
    const toml::array* all = node.as_array();
    if (all == nullptr) return wrong("written in double brackets, [[...]]");
    for (const auto& one : *all) {
      if (!one.is_table()) return wrong("written in double brackets, [[...]]");
      if (auto done = add(*one.as_table()); !done) return done;
    }
    return {};
  };
}

Setter rate(std::optional<std::uint64_t>& target) {
  return [&target](const toml::node& node) { return read_rate(node, target); };
}

std::map<std::string, Keys, std::less<>> sections_of(Config& config) {
  auto listen = [&config, fresh = true](const std::string& address) mutable -> Result<void> {
    auto parsed = parse_listen(address);
    if (!parsed) return fail(parsed.error());
    if (std::exchange(fresh, false)) config.listen.clear();
    config.listen.push_back(*parsed);
    return {};
  };
  auto open_door = [&config](const std::string& address) -> Result<void> {
    auto parsed = parse_listen(address);
    if (!parsed) return fail(parsed.error());
    config.listen_open.push_back(*parsed);
    return {};
  };
  auto proxy_range = [&config](const std::string& text_of_range) -> Result<void> {
    auto parsed = net::AddressRange::parse(text_of_range);
    if (!parsed) return fail(parsed.error());
    config.trusted_proxies.push_back(*parsed);
    return {};
  };
  auto host = [&config](const std::string& name) -> Result<void> {
    config.hosts.push_back(name);
    return {};
  };
  auto range = [&config](const std::string& text_of_range) -> Result<void> {
    auto parsed = net::AddressRange::parse(text_of_range);
    if (!parsed) return fail(parsed.error());
    config.address_guard_allow.push_back(*parsed);
    return {};
  };
  auto hours = [&config](const toml::table& table) { return add_hours(table, config.job_limits.rates); };
  constexpr std::int64_t many = 1'000'000;
  return {
      {"listen",
       {{"addresses", texts(listen)},
        {"open", texts(open_door)},
        {"trusted_proxies", texts(proxy_range)},
        {"hosts", texts(host)},
        {"public_url", text(config.public_url)},
        {"lan_url", text(config.lan_url)}}},
      {"place", {{"name", text(config.place_name)}, {"time_zone", text(config.time_zone)}}},
      {"tls", {{"certificate", text(config.tls_certificate)}, {"key", text(config.tls_key)}}},
      {"areas",
       {{"path", text(config.areas_path)},
        {"owner", owner(config)},
        {"group", group(config)},
        {"file_mode", mode(config.area_files.mode, 0600)},
        {"folder_mode", mode(config.area_folders.mode, 0700)},
        {"trash_keep", duration(config.trash_keep, Seconds{0}, Seconds{366 * 86400})}}},
      {"address_guard", {{"allow", texts(range)}}},
      {"worker",
       {{"program", text(config.worker_program)},
        {"ca_bundle", text(config.worker_ca_bundle)},
        {"http2", text(config.worker_http2)},
        {"max_workers", number(config.max_workers, 1, 1024)}}},
      {"limits",
       {{"submit_per_minute", number(config.api_limits.submit_per_minute, 1, many)},
        {"batch_bytes", number(config.api_limits.batch_bytes, 1024, 1ll << 32)},
        {"connections", number(config.connections, 1, many)},
        {"connections_per_download", number(config.job_limits.connections_per_download, 1, 16)},
        {"connections_per_server", number(config.connections_per_server, 1, 1000)},
        {"running_at_once", number(config.job_limits.running_at_once, 1, 10'000)},
        {"running_per_account", number(config.job_limits.running_per_account, 1, 10'000)},
        {"running_per_origin", number(config.job_limits.running_per_origin, 1, 10'000)},
        {"attempts", number(config.job_limits.default_attempts, 1, 100)},
        {"low_speed", rate(config.job_limits.low_speed)},
        {"low_speed_time", duration(config.job_limits.low_speed_time, Seconds{5}, Seconds{3600})},
        {"rate", rate(config.job_limits.rates.bytes_per_s)},
        {"hours", tables(hours)}}},
      {"guests",
       {{"quota", number(config.account_limits.guests.quota_bytes, 1, 1ll << 60)},
        {"traffic", number(config.account_limits.guests.traffic_bytes, 1, 1ll << 60)},
        {"grace", duration(config.account_limits.guests.grace, Seconds{0}, Seconds{366 * 86400})}}},
      {"mail",
       {{"server", text(config.mail.url)},
        {"user", text(config.mail.user)},
        {"password_file", text(config.mail_password_file)},
        {"from", text(config.mail_from)},
        {"ca_bundle", text(config.mail.ca_bundle)},
        {"starttls", starttls(config.mail.starttls)}}},
      {"drop", {{"path", text(config.drop_path)}}},
      {"mailbox",
       {{"interval", duration(config.mailbox.interval, Seconds{1}, Seconds{86400})},
        {"done", choice(config.mailbox.keep_done, "delete", "keep")},
        {"address", text(config.mailbox.address)},
        {"imap", section({{"url", text(config.mailbox.imap.url)},
                          {"user", text(config.mailbox.imap.user)},
                          {"password_file", text(config.mailbox.imap_password_file)},
                          {"ca_bundle", text(config.mailbox.imap.ca_bundle)},
                          {"starttls", starttls(config.mailbox.imap.starttls)}})},
        {"webdav", section({{"url", text(config.mailbox.webdav.url)},
                            {"user", text(config.mailbox.webdav.user)},
                            {"password_file", text(config.mailbox.webdav_password_file)},
                            {"ca_bundle", text(config.mailbox.webdav_ca_bundle)}})},
        {"upload", section({{"url", text(config.mailbox.upload.url)},
                            {"user", text(config.mailbox.upload.user)},
                            {"password_file", text(config.mailbox.upload_password_file)}})}}},
      {"log", {{"level", text(config.log_level)}}},
  };
}

std::string names_of(const auto& map) {
  std::string out;
  for (const auto& [name, value] : map) out += (out.empty() ? "" : ", ") + name;
  return out;
}

Result<void> fill(Config& config, const toml::table& table, const std::string& file) {
  const auto sections = sections_of(config);
  for (const auto& [section_key, section] : table) {
    const std::string name(section_key.str());
    if (name == "servers") {
      const auto add = [&](const toml::table& one) { return add_server(one, config.job_limits.rates); };
      if (auto done = tables(add)(section); !done)
        return fail(Reason::invalid,
                    fmt::format("{}: [[servers]] {}", at(file, section), done.error().message),
                    "see docs/configuration.md");
      continue;
    }
    const auto known = sections.find(name);
    if (known == sections.end() || !section.is_table())
      return fail(Reason::invalid, fmt::format("{}: there is no section [{}]", at(file, section), name),
                  "sections are " + names_of(sections) + "; see docs/configuration.md");
    for (const auto& [key, value] : *section.as_table()) {
      const std::string key_name(key.str());
      const auto setter = known->second.find(key_name);
      if (setter == known->second.end())
        return fail(Reason::invalid, fmt::format("{}: [{}] has no key {}", at(file, value), name, key_name),
                    "keys are " + names_of(known->second) + "; see docs/configuration.md");
      if (auto done = setter->second(value); !done)
        return fail(Reason::invalid,
                    fmt::format("{}: [{}] {} {}", at(file, value), name, key_name, done.error().message),
                    done.error().hint.empty() ? "see docs/configuration.md" : done.error().hint);
    }
  }
  return {};
}

Result<void> check_mail(const Config& config, const std::string& file) {
  const bool any =
      !config.mail.user.empty() || !config.mail_from.empty() || !config.mail_password_file.empty();
  if (config.mail.url.empty())
    return any ? Result<void>(fail(Reason::invalid, file + ": [mail] names no server",
                                   "write server = \"smtp://HOST:587\" or \"smtps://HOST:465\""))
               : Result<void>();
  if (auto fits = net::check(config.mail); !fits)
    return fail(Reason::invalid, file + ": [mail] server: " + fits.error().message, fits.error().hint);
  if (!notify::is_mail_address(config.mail_from))
    return fail(Reason::invalid, file + ": [mail] from is not a mail address", "write name@host.example");
  if (config.mail.user.empty() != config.mail_password_file.empty())
    return fail(Reason::invalid, file + ": [mail] needs both user and password_file",
                "give both, or neither");
  return {};
}

Result<void> check_mailbox(const MailboxConfig& mailbox, const std::string& file) {
  const auto wrong_part = [&](std::string_view part, const Error& error) {
    return fail(Reason::invalid, fmt::format("{}: [{}] {}", file, part, error.message), error.hint);
  };
  if (!mailbox.imap.url.empty())
    if (auto fits = net::check(mailbox.imap); !fits) return wrong_part("mailbox.imap", fits.error());
  for (const auto& [part, folder] :
       {std::pair("mailbox.webdav", &mailbox.webdav), std::pair("mailbox.upload", &mailbox.upload)})
    if (!folder->url.empty())
      if (auto fits = net::check(*folder); !fits) return wrong_part(part, fits.error());
  if (!mailbox.address.empty() && !notify::is_mail_address(mailbox.address))
    return fail(Reason::invalid, file + ": [mailbox] address is not a mail address",
                "write name@host.example");
  for (const auto& [part, url, user, password] :
       {std::tuple("imap", &mailbox.imap.url, &mailbox.imap.user, &mailbox.imap_password_file),
        std::tuple("webdav", &mailbox.webdav.url, &mailbox.webdav.user, &mailbox.webdav_password_file),
        std::tuple("upload", &mailbox.upload.url, &mailbox.upload.user, &mailbox.upload_password_file)}) {
    if (user->empty() != password->empty() || (url->empty() && !user->empty()))
      return fail(Reason::invalid,
                  fmt::format("{}: [mailbox.{}] needs url, user and password_file together", file, part),
                  "give all of them");
    if (std::string_view(part) == "imap" && !url->empty() && user->empty())
      return fail(Reason::invalid, file + ": [mailbox.imap] needs user and password_file", "give both");
  }
  return {};
}

/// What a value of the right kind must be besides.
Result<void> check(Config& config, const std::string& file) {
  for (auto [key, url] :
       {std::pair("public_url", &config.public_url), std::pair("lan_url", &config.lan_url)}) {
    while (url->ends_with('/')) url->pop_back();
    const auto authority = api::authority_of(*url);
    const bool web = *url == "http://" + authority || *url == "https://" + authority;
    if (!url->empty() &&
        (!web || authority.find('@') != std::string::npos || api::host_only(authority).empty()))
      return fail(Reason::invalid, fmt::format("{}: [listen] {} is not a URL of a place", file, key),
                  "write https://HOST[:PORT]");
  }
  if (auto mail = check_mail(config, file); !mail) return mail;
  if (auto mailbox = check_mailbox(config.mailbox, file); !mailbox) return mailbox;
  if (config.tls_certificate.empty() != config.tls_key.empty())
    return fail(Reason::invalid, file + ": [tls] needs both certificate and key", "give both, or neither");
  if (!config.time_zone.empty() && !proxy::is_zone(config.time_zone))
    return fail(Reason::invalid, file + ": [place] time_zone is not a zone: " + config.time_zone,
                "write an IANA name such as Europe/Paris");
  if (!config.areas_path.empty() &&
      (!config.areas_path.starts_with('/') || config.areas_path.find("{user}") == std::string::npos))
    return fail(Reason::invalid, file + ": [areas] path must be absolute and hold {user}",
                "write for example \"/srv/media/{user}\"");
  if (config.worker_http2 != "never" && config.worker_http2 != "needed" && config.worker_http2 != "always")
    return fail(Reason::invalid, file + ": [worker] http2 is unknown: " + config.worker_http2,
                "use never, needed or always");
  if (config.log_level != "debug" && config.log_level != "info" && config.log_level != "warn" &&
      config.log_level != "error")
    return fail(Reason::invalid, file + ": [log] level is unknown", "use debug, info, warn or error");
  return {};
}

}  // namespace

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

std::string url_host(const std::string& address) {
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

Result<ListenAddress> parse_listen(std::string_view text) {
  const auto wrong_form = [&] {
    return fail(Reason::usage, fmt::format("{} is not an address to listen on", text),
                "write ADDR:PORT with a numeric address, such as 127.0.0.1:8470, 0.0.0.0:8470 or [::1]:8470");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong_form();
  ListenAddress out;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (port.empty() || error != std::errc{} || end != port.data() + port.size()) return wrong_form();
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  out.address = host == "localhost" ? "127.0.0.1" : std::string(host);
  in6_addr parsed;
  const int family = bracketed ? AF_INET6 : AF_INET;
  if (inet_pton(family, out.address.c_str(), &parsed) != 1) return wrong_form();
  return out;
}

Result<Config> parse_config(std::string_view text_of_file, const std::string& file) {
  Config config;
  config.file = file;
  try {
    const toml::table table = toml::parse(text_of_file, file);
    if (auto done = fill(config, table, file); !done) return fail(done.error());
  } catch (const toml::parse_error& error) {
    return fail(Reason::invalid,
                fmt::format("{} line {}: {}", file, error.source().begin.line, error.description()),
                "the configuration is TOML; see docs/configuration.md");
  }
  if (auto done = check(config, file); !done) return fail(done.error());
  return config;
}

Result<Config> load_config(const std::string& file) {
  auto content = read_whole(file);
  if (!content)
    return fail(Reason::storage,
                fmt::format("the configuration {} cannot be read: {}", file, errno_text(content.error())),
                "give an existing file with --config");
  return parse_config(*content, file);
}

}  // namespace restante::daemon
