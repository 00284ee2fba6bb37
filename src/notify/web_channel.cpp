// SPDX-License-Identifier: Apache-2.0
#include "notify/web_channel.hpp"

#include "base/text.hpp"
#include "base/unicode.hpp"
#include "notify/signing.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace restante::notify {

namespace {

namespace json = boost::json;
using Outcome = Delivery::Outcome;

constexpr std::size_t longest_topic = 64, longest_token = 512;

/// Another try would end in the same way.
bool is_final(Reason reason) {
  return reason == Reason::address || reason == Reason::scheme || reason == Reason::invalid ||
         reason == Reason::too_large;
}

Result<net::HttpUrl> read_address(std::string& address, std::size_t most) {
  net::SmallRequest probe;
  probe.url = address;
  if (address.size() > most) return fail(Reason::invalid, "the address is too long");
  auto url = net::check(probe);
  if (!url) return url;
  address = url->text;
  return url;
}

/// The server's root and the topic of https://SERVER/TOPIC.
struct Topic {
  std::string root, name;
};
Result<Topic> topic_of(const net::HttpUrl& url) {
  const std::string name = url.path.substr(1);
  const bool sound =
      !name.empty() && name.size() <= longest_topic && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_';
      });
  if (!sound || url.text != url.origin + url.path)
    return fail(Reason::invalid, "the address of a topic is https://SERVER/TOPIC",
                "a topic has letters, digits, - and _, at most 64");
  return Topic{url.origin + "/", name};
}

/// How an event looks on a phone: ntfy's priority (3 is usual) and its name of an emoji.
struct Look {
  int priority;
  const char* tag;
};
Look look_of(Event event) {
  switch (event) {
    case Event::job_done:
      return {3, "inbox_tray"};
    case Event::job_failed:
      return {4, "x"};
    case Event::job_late:
      return {3, "hourglass"};
    case Event::job_needs_you:
      return {4, "raised_hand"};
    case Event::account_quota:
    case Event::stay_ending:
    case Event::request_refused:
      return {4, "warning"};
    case Event::test:
    case Event::contact_confirm:
      return {3, "envelope"};
  }
  return {3, "envelope"};
}

}  // namespace

WebChannel::WebChannel(Requests& requests, const jobs::AccountRules& accounts, const Clock& clock,
                       WebLimits limits)
    : limits_(limits), requests_(requests), accounts_(accounts), clock_(clock) {
}

std::string WebChannel::host(const Contact& contact) const {
  const auto url = net::parse_url(contact.address);
  return url ? url->origin : std::string();
}

Task<Delivery> WebChannel::send(Contact contact, Message message) {
  auto wanted = request(contact, message, clock_.now());
  if (!wanted) co_return Delivery{Outcome::refused, wanted.error().message, {}};
  const net::Lan lan = accounts_.may_use_lan(contact.account) ? net::Lan::allowed : net::Lan::refused;
  net::SmallRequest asked = std::move(*wanted);
  const auto answer = co_await requests_.request(contact.account, lan, std::move(asked));
  co_return delivery(answer);
}

Delivery WebChannel::delivery(const Result<net::SmallAnswer>& answer) const {
  if (!answer) {
    const Error& error = answer.error();
    return {is_final(error.reason) ? Outcome::refused : Outcome::later,
            fmt::format("{}: {}", what(), info(error.reason).words),
            {}};
  }
  const int status = answer->status;
  if (status >= 200 && status < 300) return {Outcome::sent, {}, {}};
  std::optional<Seconds> rest = answer->retry_after;
  if (rest) rest = std::min(*rest, limits_.longest_rest);
  const std::string words = fmt::format("{} answered {}", what(), status);
  if (status == 410) return {Outcome::gone, words, {}};
  return {status == 429 ? Outcome::later : judge(status), words, rest};
}

// ---- webhooks

Result<void> WebhookChannel::check(Contact& contact) const {
  if (auto url = read_address(contact.address, limits_.address_bytes); !url)
    return fail(std::move(url.error()));
  if (contact.secret.empty()) contact.secret = new_webhook_secret();
  const auto usable = sign_webhook(contact.secret, "", 0, "", Instant{});
  if (!usable) return fail(Reason::invalid, "a webhook's secret is whsec_ and base64 of 24 to 64 bytes");
  return {};
}

std::string webhook_body(const Message& message, std::size_t most_bytes) {
  boost::system::error_code bad;
  json::value read = json::parse(message.data, bad);
  json::object data = !bad && read.is_object() ? std::move(read.get_object()) : json::object();
  data["title"] = message.title;
  data["text"] = message.text;
  if (!message.url.empty()) data["url"] = message.url;
  const auto body = [&] {
    json::object out;
    out["type"] = name(message.event);
    out["timestamp"] = to_rfc3339(message.at);
    out["data"] = data;
    return json::serialize(out);
  };
  std::string out = body();
  auto* files = data.if_contains("files");
  while (out.size() > most_bytes && files != nullptr && files->is_array() && !files->get_array().empty()) {
    files->get_array().pop_back();
    out = body();
  }
  if (out.size() > most_bytes) {
    data = json::object{{"title", message.title}};
    out = body();
  }
  return out;
}

Result<net::SmallRequest> WebhookChannel::request(const Contact& contact, const Message& message,
                                                  Instant now) const {
  net::SmallRequest out;
  out.url = contact.address;
  out.body = webhook_body(message, limits_.body_bytes);
  out.deadline = limits_.deadline;
  const std::string id = message.id.text();
  const std::int64_t at = std::chrono::floor<Seconds>(now).time_since_epoch().count();
  auto signature = sign_webhook(contact.secret, id, at, out.body, now);
  if (!signature) return fail(std::move(signature.error()));
  out.headers = {{"Content-Type", "application/json"},
                 {"webhook-id", id},
                 {"webhook-timestamp", std::to_string(at)},
                 {"webhook-signature", std::move(*signature)}};
  return out;
}

// ---- ntfy

Result<void> NtfyChannel::check(Contact& contact) const {
  auto url = read_address(contact.address, limits_.address_bytes);
  if (!url) return fail(std::move(url.error()));
  if (auto topic = topic_of(*url); !topic) return fail(std::move(topic.error()));
  const auto visible = [](char c) { return c > ' ' && c <= '~'; };
  if (contact.secret.size() > longest_token ||
      !std::all_of(contact.secret.begin(), contact.secret.end(), visible))
    return fail(Reason::invalid, "an access token is one line of letters, digits and marks");
  return {};
}

std::string ntfy_body(const std::string& topic, const Message& message, std::size_t text_bytes) {
  const Look look = look_of(message.event);
  std::string text = message.text;
  if (!message.code.empty()) text += "\nThe number that confirms it: " + message.code;
  for (const auto& file : message.files)
    if (!file.url.empty()) text += "\n" + printable(file.name) + ": " + file.url;
  if (!message.lan_url.empty()) text += "\nIn the place's own network: " + message.lan_url;
  if (!message.more.empty()) text += "\n" + message.more;
  for (const auto& line : message.others) text += "\n" + line;
  json::object out;
  out["topic"] = topic;
  out["title"] = message.title;
  out["message"] = whole_characters(text, text_bytes);
  out["priority"] = look.priority;
  out["tags"] = json::array{look.tag};
  if (!message.url.empty()) out["click"] = message.url;
  return json::serialize(out);
}

Result<net::SmallRequest> NtfyChannel::request(const Contact& contact, const Message& message,
                                               Instant) const {
  const auto url = net::parse_url(contact.address);
  if (!url) return fail(url.error());
  auto topic = topic_of(*url);
  if (!topic) return fail(std::move(topic.error()));
  net::SmallRequest out;
  out.url = topic->root;
  out.body = ntfy_body(topic->name, message, limits_.text_bytes);
  out.deadline = limits_.deadline;
  out.headers = {{"Content-Type", "application/json"}};
  if (!contact.secret.empty()) out.headers.emplace_back("Authorization", "Bearer " + contact.secret);
  return out;
}

Delivery::Outcome NtfyChannel::judge(int status) const {
  const bool will_not = status == 400 || status == 401 || status == 403 || status == 404 || status == 413;
  return will_not ? Outcome::refused : Outcome::later;
}

}  // namespace restante::notify
