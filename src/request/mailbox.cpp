// SPDX-License-Identifier: Apache-2.0
#include "request/mailbox.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "net/http_client.hpp"
#include "request/json.hpp"
#include "request/outbox.hpp"
#include "request/seal.hpp"
#include "request/sealing.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>

namespace restante::request {
namespace {

constexpr const char* mail_file = "mail.sealed";
constexpr std::string_view password_bound = "mailbox-password";
constexpr std::chrono::seconds longest_upload{60};
constexpr std::size_t mail_line = 76;

bool is_mail_address(std::string_view text) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+/=?^_`{|}~-@";
  const auto at = text.find('@');
  return text.size() <= 254 && at != text.npos && at > 0 && at + 1 < text.size() && text.rfind('@') == at &&
         text.find_first_not_of(plain) == text.npos;
}

bool is_folder_url(const std::string& url) {
  const bool here = url.starts_with("http://127.0.0.1") || url.starts_with("http://localhost") ||
                    url.starts_with("http://[::1]");
  if (!url.starts_with("https://") && !here) return false;
  return url.ends_with('/') && url.size() <= 2048 && url.find_first_of(" \t\r\n\"<>@?#\\") == url.npos;
}

/// A mail with a few words for people and the request attached (RFC 2045, 2046, 2183).
std::string message_of(const OutgoingMail& mail, const std::string& to, const std::string& document,
                       const std::string& request_id, Instant now) {
  const std::string boundary = "restante-" + request_id;
  const auto seconds = std::chrono::floor<Seconds>(now).time_since_epoch().count();
  const std::string encoded = to_base64(document);
  std::string out = fmt::format(
      "From: <{}>\r\nTo: <{}>\r\nSubject: Restante request\r\nDate: {:%a, %d %b %Y %H:%M:%S} +0000\r\n"
      "Message-ID: <{}@restante.invalid>\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\n"
      "Content-Type: multipart/mixed; boundary=\"{}\"\r\n\r\n",
      mail.from, to, fmt::gmtime(static_cast<std::time_t>(seconds)), request_id, boundary);
  out += fmt::format(
      "--{}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
      "A sealed request for a Restante place is attached. Only that place can read it.\r\n"
      "--{}\r\nContent-Type: {}; name=\"{}.restante\"\r\nContent-Disposition: attachment; "
      "filename=\"{}.restante\"\r\nContent-Transfer-Encoding: base64\r\n\r\n",
      boundary, boundary, media_type_of(document), request_id, request_id);
  for (std::size_t at = 0; at < encoded.size(); at += mail_line)
    out += encoded.substr(at, mail_line) + "\r\n";
  return out + "--" + boundary + "--\r\n";
}

Result<void> leave_by_mail(const OutgoingMail& mail, const Mailbox& box, const std::string& document,
                           const std::string& request_id, Instant now) {
  const std::atomic<bool> never_stop = false;
  const auto answer = net::send_mail(
      mail.server, {mail.from, box.address, message_of(mail, box.address, document, request_id, now)},
      never_stop);
  if (answer.outcome == net::MailAnswer::Outcome::accepted) return {};
  return fail(Reason::unreachable, "the mail server did not take it: " + answer.message);
}

Result<void> leave_by_webdav(const Home& home, const Mailbox& box, const std::string& document,
                             const std::string& request_id) {
  net::HttpClient client(net::HttpClient::Options{});
  net::ClientRequest request;
  request.method = "PUT";
  request.url = box.address + request_id + ".restante";
  request.headers = {{"Content-Type", media_type_of(document)}, {"If-None-Match", "*"}};
  request.total_time = longest_upload;
  request.body = document;
  if (!box.user.empty()) {
    auto key = outbox_key(home);
    if (!key) return fail(std::move(key.error()));
    auto password = unseal(*key, from_base64url(box.sealed_password).value_or(""), password_bound);
    if (!password)
      return fail(Reason::storage, "the mailbox's password cannot be read", "connect the device anew");
    const Secret both(box.user + ":" + *password);
    wipe(*password);
    request.headers.emplace_back("Authorization", "Basic " + to_base64(both.text));
  }
  auto answer = client.send(request);
  for (auto& [name, value] : request.headers) wipe(value);
  if (!answer) return fail(std::move(answer.error()));
  // 412: it lies there already.
  if (answer->status / 100 == 2 || answer->status == 412) return {};
  return fail(Reason::unreachable,
              fmt::format("the mailbox's folder answered with status {}", answer->status));
}

}  // namespace

Result<std::optional<OutgoingMail>> load_mail(const Home& home) {
  auto sealed = home.read(mail_file);
  if (!sealed) return fail(std::move(sealed.error()));
  if (!*sealed) return std::optional<OutgoingMail>();
  auto key = outbox_key(home);
  if (!key) return fail(std::move(key.error()));
  auto plain = unseal(*key, **sealed, mail_file);
  const auto damaged = [&] {
    return fail(Reason::storage, home.path() + "/" + mail_file + " is damaged, or of another device",
                "`restante mail set` writes it anew");
  };
  if (!plain) return damaged();
  const Secret kept(std::move(*plain));
  auto root = json::parse_object(kept.text, "the settings for mail");
  if (!root) return damaged();
  OutgoingMail out;
  out.server.url = json::text(*root, "url");
  out.server.user = json::text(*root, "user");
  out.server.password = json::text(*root, "password");
  out.server.ca_bundle = json::text(*root, "ca_bundle");
  out.server.starttls = json::truth(*root, "starttls");
  out.from = json::text(*root, "from");
  return std::optional(std::move(out));
}

Result<void> save_mail(const Home& home, const OutgoingMail& mail) {
  if (!is_mail_address(mail.from))
    return fail(Reason::usage, "--from is not a mail address", "write it as in ana@example.org");
  if (auto good = net::check(mail.server); !good) return good;
  auto key = outbox_key(home);
  if (!key) return fail(std::move(key.error()));
  boost::json::object root;
  root["url"] = mail.server.url;
  root["user"] = mail.server.user;
  root["password"] = mail.server.password;
  root["ca_bundle"] = mail.server.ca_bundle;
  root["starttls"] = mail.server.starttls;
  root["from"] = mail.from;
  const Secret plain(boost::json::serialize(root));
  return home.write(mail_file, seal(*key, plain.text, mail_file));
}

Result<void> forget_mail(const Home& home) {
  return home.remove(mail_file);
}

Result<std::string> seal_password(const Home& home, std::string_view password) {
  auto key = outbox_key(home);
  if (!key) return fail(std::move(key.error()));
  return to_base64url(seal(*key, password, password_bound));
}

Result<void> check_mailbox(const Mailbox& box) {
  const bool good =
      box.kind == Mailbox::Kind::mail ? is_mail_address(box.address) : is_folder_url(box.address);
  if (good) return {};
  return fail(Reason::invalid, "the place names a mailbox that cannot be used");
}

std::string mailbox_name(std::string_view document) {
  const Digest256 digest = sha256(document);
  return to_base64url({reinterpret_cast<const char*>(digest.data()), 16});
}

Result<std::string> leave_at_mailbox(const Home& home, const Place& place, const std::string& document,
                                     const std::string& request_id, Instant now) {
  auto mail = load_mail(home);
  if (!mail) return fail(std::move(mail.error()));
  Error last = fail(Reason::not_found, place.name + " has no mailbox that this device can use",
                    "if it has one for mail: `restante mail set` tells how this device sends mails")
                   .value();
  for (const Mailbox& box : place.mailboxes) {
    if (!check_mailbox(box)) continue;
    Result<void> left;
    if (box.kind == Mailbox::Kind::webdav)
      left = leave_by_webdav(home, box, document, request_id);
    else if (*mail)
      left = leave_by_mail(**mail, box, document, request_id, now);
    else
      continue;
    if (left) return box.address;
    last = left.error();
  }
  return fail(std::move(last));
}

}  // namespace restante::request
