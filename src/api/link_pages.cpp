// SPDX-License-Identifier: Apache-2.0
#include "api/link_pages.hpp"

#include "api/page.hpp"

#include <fmt/format.h>

namespace restante::api {

namespace {

std::string field(std::string_view name, std::string_view label, std::string_view kind,
                  std::string_view more = {}) {
  return fmt::format(
      "<label for=\"{0}\">{1}</label><input id=\"{0}\" name=\"{0}\" type=\"{2}\" required{3}>\n", name, label,
      kind, more);
}

}  // namespace

std::string path_segment(std::string_view name) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

http::Response gone_page() {
  return page(404, "There is nothing here (any more)",
              "<p>This link leads to nothing: it may be mistyped, its time may be over, or it was taken "
              "back.</p>\n<p>Ask whoever gave it to you for a new one.</p>");
}

http::Response refusal_page(int status, std::string_view title, std::string_view words) {
  return page(status, title, fmt::format("<p>{}</p>", html_text(words)));
}

http::Response question_page(const LinkQuestion& question) {
  std::string body;
  if (!question.wrong.empty())
    body += fmt::format("<p class=\"error\" role=\"alert\">{}</p>\n", html_text(question.wrong));
  if (question.login)
    body += "<p>Only its owner may open this link. Sign in to your account at this place.</p>\n";
  else if (question.password)
    body += "<p>This link is protected by a password.</p>\n";
  else
    body += "<p>Something was left here for you.</p>\n";
  if (question.uses_left)
    body += fmt::format("<p>It can be opened {}; looking at this page does not count.</p>\n",
                        *question.uses_left == 1 ? "once" : fmt::format("{} times", *question.uses_left));
  // Without an action a form goes to its page's own address.
  body += "<form method=\"post\">\n";
  if (question.login) {
    body += field("user", "Name", "text", " autocomplete=\"username\" autocapitalize=\"none\"");
    body += field("account-password", "Password", "password", " autocomplete=\"current-password\"");
  }
  if (question.password)
    body += field("password", question.login ? "Password of the link" : "Password", "password",
                  " autocomplete=\"off\"");
  body += "<button>Open</button>\n</form>";
  return page(question.status, "Open the link", std::move(body));
}

http::Response folder_page(const FolderPage& folder) {
  std::string body;
  if (!folder.up.empty())
    body += fmt::format("<p><a href=\"{}\" rel=\"noreferrer\">Folder above</a></p>\n", html_text(folder.up));
  if (folder.folders.empty() && folder.files.empty()) body += "<p>This folder is empty.</p>\n";
  body += "<table>\n";
  for (const auto& one : folder.folders)
    body += fmt::format("<tr><td><a href=\"{}\">{}/</a></td><td></td></tr>\n", html_text(one.href),
                        html_text(one.name));
  for (const auto& one : folder.files)
    body += fmt::format("<tr><td><a href=\"{}\">{}</a></td><td>{}</td></tr>\n", html_text(one.href),
                        html_text(one.name), html_text(one.size));
  body += "</table>\n";
  if (folder.left_out > 0) body += fmt::format("<p>{} more are not shown.</p>\n", folder.left_out);
  return page(200, folder.title, std::move(body));
}

}  // namespace restante::api
