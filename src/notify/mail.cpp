// SPDX-License-Identifier: Apache-2.0
#include "notify/mail.hpp"

#include "base/html.hpp"
#include "base/text.hpp"
#include "base/unicode.hpp"
#include "notify/mime.hpp"

#include <fmt/format.h>

namespace restante::notify {
namespace {

constexpr std::size_t secret_bytes = 16;

/// Of "https://[2001:db8::1]:8470" an address literal, of "https://home.example:8470" the name: what stands
/// on the right of a Message-ID.
std::string host_of(const std::string& url) {
  auto begin = url.find("://");
  begin = begin == std::string::npos ? 0 : begin + 3;
  const auto end = url[begin] == '[' ? url.find(']', begin) + 1 : url.find_first_of(":/", begin);
  std::string host = url.substr(begin, end == std::string::npos ? end : end - begin);
  return host.empty() ? "restante.invalid" : host;
}

std::string size_of(const ToldFile& file) {
  return file.size_bytes ? " (" + human_size(*file.size_bytes) + ")" : std::string();
}

struct Bodies {
  std::string text, html;
};

void add_files(const Message& message, Bodies& out) {
  const bool names = message.files.size() > 1;
  for (const auto& file : message.files) {
    const std::string name = printable(file.name) + size_of(file);
    if (names) out.text += "\n" + name + "\n";
    if (!file.url.empty()) out.text += file.url + "\n";
    if (!file.lan_url.empty()) out.text += "In the network of this place: " + file.lan_url + "\n";
    out.html += "<p>";
    out.html += file.url.empty() ? html_text(name)
                                 : fmt::format("<a href=\"{}\">{}</a>", html_text(file.url), html_text(name));
    if (!file.lan_url.empty())
      out.html += fmt::format("<br><a href=\"{}\">in the network of this place</a>", html_text(file.lan_url));
    out.html += "</p>\n";
  }
  if (!message.more.empty()) {
    out.text += "\n" + message.more + "\n";
    out.html += "<p>" + html_text(message.more) + "</p>\n";
  }
}

void add_others(const Message& message, Bodies& out) {
  if (message.others.empty()) return;
  out.text += "\nMeanwhile:\n";
  out.html += "<p>Meanwhile:</p>\n<ul>\n";
  for (const auto& line : message.others) {
    out.text += "- " + printable(line) + "\n";
    out.html += "<li>" + html_text(line) + "</li>\n";
  }
  out.html += "</ul>\n";
}

void add_button(const std::string& label, const std::string& url, Bodies& out) {
  out.text += "\n" + label + ":\n" + url + "\n";
  out.html += fmt::format("<p><a href=\"{}\">{}</a></p>\n", html_text(url), html_text(label));
}

Bodies bodies_of(const Contact& contact, const Message& message, const Place& place,
                 const std::string& stop) {
  Bodies out;
  out.text = message.text + "\n";
  out.html = "<!doctype html>\n<html><head><meta charset=\"utf-8\"><title>" + html_text(message.title) +
             "</title></head><body>\n<p>" + html_text(message.text) + "</p>\n";
  add_files(message, out);
  add_others(message, out);
  if (message.event == Event::contact_confirm)
    add_button("Confirm this address",
               place.public_url + "/notify/confirm/" + page_token(contact.id, message.code), out);
  const std::string sender = place.name.empty() ? "Restante" : printable(place.name);
  out.text += "\n-- \n" + sender + "\nNo more of these messages: " + stop + "\n";
  out.html += fmt::format("<hr><p>{}. <a href=\"{}\">No more of these messages</a></p>\n</body></html>\n",
                          html_text(sender), html_text(stop));
  return out;
}

}  // namespace

std::string page_token(const ContactId& contact, std::string_view secret) {
  std::string bytes(reinterpret_cast<const char*>(contact.bytes.data()), contact.bytes.size());
  bytes += from_base64url(secret).value_or(std::string(secret_bytes, '\0'));
  return to_base64url(bytes);
}

std::optional<PageToken> page_token_from(std::string_view text) {
  const auto bytes = from_base64url(text);
  PageToken out;
  if (!bytes || bytes->size() != out.contact.bytes.size() + secret_bytes) return std::nullopt;
  std::copy_n(bytes->begin(), out.contact.bytes.size(), out.contact.bytes.begin());
  out.secret = to_base64url(std::string_view(*bytes).substr(out.contact.bytes.size()));
  return out;
}

std::string render_mail(const Contact& contact, const Message& message, const Place& place,
                        const std::string& from) {
  const std::string host = host_of(place.public_url);
  const std::string stop = place.public_url + "/notify/stop/" + page_token(contact.id, contact.stop);
  Mail mail;
  mail.from_name = place.name.empty() ? "Restante" : place.name;
  mail.from = from;
  mail.to = contact.address;
  mail.subject = message.title;
  mail.date = message.at;
  mail.message_id = message.id.text() + "@" + host;
  mail.fields = {{"Auto-Submitted", "auto-generated"},
                 {"List-Id", "<notices." + (host.front() == '[' ? "restante.invalid" : host) + ">"},
                 {"List-Unsubscribe", "<" + stop + ">"}};
  Bodies bodies = bodies_of(contact, message, place, stop);
  mail.text = std::move(bodies.text);
  mail.html = std::move(bodies.html);
  return to_mime(mail);
}

MailChannel::MailChannel(Executor pool, MailOptions options, std::function<Place()> place)
    : pool_(std::move(pool)),
      options_(std::move(options)),
      place_(std::move(place)),
      stopped_(std::make_shared<std::atomic<bool>>(false)) {
}

MailChannel::~MailChannel() = default;

Result<void> MailChannel::check(Contact& contact) const {
  if (options_.server.url.empty())
    return fail(Reason::cap_denied, "this place sends no mail",
                "its operator can give it a mail server: [mail] in its configuration");
  if (!is_mail_address(contact.address))
    return fail(Reason::invalid, "this is not a mail address that every mail server takes",
                "write it as name@host.example, in ASCII letters", "/address");
  return {};
}

Task<Delivery> MailChannel::send(Contact contact, Message message) {
  net::MailOrder order;
  order.from = options_.from;
  order.to = contact.address;
  order.content = render_mail(contact, message, place_(), options_.from);
  auto work = [server = options_.server, order = std::move(order), stopped = stopped_] {
    return net::send_mail(server, order, *stopped);
  };
  const net::MailAnswer answer = co_await offload(pool_, std::move(work));
  Delivery out;
  out.message = answer.message;
  failing_ = answer.outcome == net::MailAnswer::Outcome::later;
  switch (answer.outcome) {
    case net::MailAnswer::Outcome::accepted:
      out.outcome = Delivery::Outcome::sent;
      break;
    case net::MailAnswer::Outcome::later:
      out.outcome = Delivery::Outcome::later;
      break;
    case net::MailAnswer::Outcome::refused:
      out.outcome = Delivery::Outcome::refused;
      break;
  }
  co_return out;
}

void MailChannel::stop() {
  stopped_->store(true);
}

}  // namespace restante::notify
