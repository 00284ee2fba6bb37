// SPDX-License-Identifier: Apache-2.0
#include "transfer/web_page.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>

namespace restante::transfer {

namespace {

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> all) {
  return std::find(all.begin(), all.end(), text) != all.end();
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

/// Of the last segment, lower case, without the dot: at most 8 letters and digits, at least one letter (so
/// that "2.0" has none); "" if there is none.
std::string extension_of(std::string_view name) {
  const std::size_t slash = name.find_last_of('/');
  if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  const std::string_view text = name.substr(dot + 1);
  const auto is_word = [](unsigned char c) { return std::isalnum(c) != 0; };
  const auto is_letter = [](unsigned char c) { return std::isalpha(c) != 0; };
  if (text.empty() || text.size() > 8 || !std::all_of(text.begin(), text.end(), is_word)) return {};
  return std::any_of(text.begin(), text.end(), is_letter) ? ascii_lower(text) : std::string();
}

bool is_page(std::string_view extension) {
  return is_one_of(extension, {"html", "htm", "xhtml", "xht", "shtml", "dhtml"});
}
/// Programs that make pages as well as files, and ends of host names.
bool may_be_page(std::string_view extension) {
  return extension.empty() ||
         is_one_of(extension, {"php", "php3", "php4", "php5", "phtml",  "asp", "aspx", "ashx",
                               "jsp", "jspx", "jsf",  "do",   "action", "cgi", "pl",   "cfm",
                               "nsf", "fcgi", "wsgi", "com",  "net",    "org", "io"});
}
bool is_text_file(std::string_view extension) {
  return is_one_of(
      extension, {"txt",   "text",    "md",     "markdown", "rst",    "adoc", "log", "csv",  "tsv", "json",
                  "jsonl", "geojson", "ndjson", "js",       "mjs",    "ts",   "jsx", "tsx",  "vue", "css",
                  "scss",  "less",    "xml",    "xsl",      "xslt",   "svg",  "rss", "atom", "yml", "yaml",
                  "toml",  "ini",     "conf",   "cfg",      "tex",    "srt",  "vtt", "ics",  "vcf", "pem",
                  "crt",   "asc",     "sig",    "sha256",   "sha512", "md5",  "m3u", "m3u8", "pls", "sql",
                  "sh",    "bat",     "ps1",    "py",       "rb",     "go",   "rs",  "c",    "h",   "cc",
                  "cpp",   "hpp",     "java",   "kt",       "swift",  "lua",  "r",   "tmpl", "tpl", "eml",
                  "mbox",  "diff",    "patch",  "xls",      "doc"});  // of the last two many are HTML tables
}

/// An extension that says "a file": not of a page, and not of a program.
bool is_file(std::string_view extension) {
  return !is_page(extension) && !may_be_page(extension);
}

bool begins_with_tag(std::string_view text) {
  while (true) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    const std::string_view end = text.starts_with("<!--") ? "-->" : text.starts_with("<?xml") ? "?>" : "";
    if (end.empty()) break;
    const std::size_t at = text.find(end);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + end.size());
  }
  const std::string start = ascii_lower(text.substr(0, 16));
  for (std::string_view tag : {"<!doctype html", "<html", "<head", "<body", "<title", "<script", "<meta",
                               "<style", "<form", "<iframe"}) {
    if (!start.starts_with(tag)) continue;
    const char next = text.size() > tag.size() ? text[tag.size()] : '>';
    if (is_space(next) || next == '>' || next == '/') return true;
  }
  return false;
}

bool has_some_tag(std::string_view text) {
  const std::string lower = ascii_lower(text);
  for (std::string_view tag :
       {"<html", "<head", "<body", "<title", "<p", "<div", "<h1", "<h2", "<br", "<b>", "<a ", "<form",
        "<script", "<meta", "<table", "<pre", "<center", "<span", "<font"}) {
    if (lower.find(tag) != std::string::npos) return true;
  }
  return false;
}

/// A byte that no text has (WHATWG MIME Sniffing §3, "binary data byte").
bool has_binary_byte(std::string_view text) {
  if (text.starts_with("\xFE\xFF") || text.starts_with("\xFF\xFE")) return false;  // UTF-16
  return std::any_of(text.begin(), text.end(), [](unsigned char c) {
    return c <= 0x08 || c == 0x0B || (c >= 0x0E && c <= 0x1A) || (c >= 0x1C && c <= 0x1F);
  });
}

}  // namespace

bool is_html_type(std::string_view type) {
  return is_one_of(type, {"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"});
}

PageWish page_wish(const PageClues& clues) {
  const std::string url = extension_of(clues.url_path), name = extension_of(clues.wanted_name);
  const std::string saved = extension_of(clues.disposition_name);
  if (is_page(name) || is_page(url) || is_html_type(clues.wanted_type)) return PageWish::wanted;
  const bool file = is_file(name) || is_file(url) || (!clues.wanted_type.empty());
  const std::string accept = ascii_lower(clues.accept);
  const bool accepts = accept.find("html") != std::string::npos;
  // Browsers accept pages and everything else with whatever they navigate to.
  if (accepts && (!file || accept.find("*/*") == std::string::npos)) return PageWish::wanted;
  if (clues.attachment && (!is_file(saved) || saved == "xls" || saved == "doc")) return PageWish::wanted;
  const bool seen_otherwise = !clues.seen_type.empty() && !is_html_type(clues.seen_type);
  return file || seen_otherwise || is_file(saved) ? PageWish::unlikely : PageWish::possible;
}

bool is_html(std::string_view type, std::string_view name, std::string_view first_bytes, bool saved) {
  std::string_view text = first_bytes.substr(0, sniffed_bytes);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const bool text_file = is_text_file(extension_of(name));
  if (begins_with_tag(text)) {
    const bool says_text = (type.starts_with("text/") && !is_html_type(type)) || type == "application/xml";
    return !(text_file && says_text);
  }
  if (!is_html_type(type) || text.empty() || text.starts_with("<?xml") || has_binary_byte(text)) return false;
  // Programs often forget to say that what they make is no HTML.
  return !(text_file || saved) || has_some_tag(text);
}

bool asks_for_password(std::string_view html) {
  const std::string lower = ascii_lower(html);
  const auto skip = [&lower](std::size_t at) {
    while (at < lower.size() && is_space(lower[at])) ++at;
    return at;
  };
  for (std::size_t at = lower.find("type"); at != std::string::npos; at = lower.find("type", at + 4)) {
    std::size_t next = skip(at + 4);
    if (next >= lower.size() || lower[next] != '=') continue;
    next = skip(next + 1);
    if (next < lower.size() && (lower[next] == '"' || lower[next] == '\'')) next = skip(next + 1);
    if (lower.compare(next, 8, "password") == 0) return true;
  }
  return false;
}

bool is_hot_spot(std::string_view html) {
  return ascii_lower(html).find("wispaccessgatewayparam") != std::string::npos;
}

bool speaks_of_signing_in(const net::HttpUrl& url) {
  const auto has_word = [](std::string_view text, std::initializer_list<std::string_view> words) {
    const std::string lower = ascii_lower(text);
    std::string word, before;
    for (std::size_t i = 0; i <= lower.size(); ++i) {
      if (i < lower.size() && std::isalnum(static_cast<unsigned char>(lower[i])) != 0) {
        word += lower[i];
        continue;
      }
      if (is_one_of(word, words) || (word == "in" && is_one_of(before, {"sign", "log"}))) return true;
      before = std::exchange(word, {});
    }
    return false;
  };
  return has_word(url.path, {"login", "signin", "logon", "sso", "saml", "saml2", "oauth", "oauth2", "auth",
                             "authenticate", "authorize"}) ||
         has_word(url.host, {"login", "signin", "logon", "sso", "auth", "idp", "accounts"});
}

PageVerdict judge_page(PageWish wish, const WayThere& way, std::string_view html) {
  if (is_hot_spot(html)) return PageVerdict::portal;
  const bool password = asks_for_password(html);
  const bool led_to_sign_in = way.redirected && way.to_sign_in;
  const bool sign_in =
      (way.credentials && (password || led_to_sign_in)) || (led_to_sign_in && (!way.elsewhere || way.secure));
  if (sign_in) return PageVerdict::sign_in;
  if (way.elsewhere && (password || way.carries_origin || way.to_sign_in)) return PageVerdict::portal;
  switch (wish) {
    case PageWish::wanted:
      return PageVerdict::content;
    case PageWish::possible:
      return password ? PageVerdict::portal : PageVerdict::content;
    case PageWish::unlikely:
      break;
  }
  return PageVerdict::portal;
}

}  // namespace restante::transfer
