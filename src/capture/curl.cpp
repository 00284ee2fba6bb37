// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "capture/curl_options.hpp"
#include "capture/draft.hpp"
#include "capture/form_body.hpp"
#include "capture/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace restante::capture {
namespace {

constexpr std::size_t longest_body = 65536;  ///< of a document's source

/// What one command (or what stands before `--next`) asks for.
struct Asked {
  std::string method, agent, referer, user, bearer, json, output_dir;
  std::vector<std::string> headers;  ///< "Name: value"
  std::vector<std::string> cookies;
  std::vector<std::string> data, queries;
  std::vector<FormField> fields;
  std::vector<std::string> urls, outputs, notes;
  std::optional<std::uint64_t> rate_bytes_per_s, max_bytes;
  bool has_data = false, has_json = false, has_user = false, get = false, head = false, digest = false,
       globoff = false;
};

std::string flag(const CurlOption& option) {
  // Some names would say too much of how things work here.
  return option.letter != '\0' ? std::string("-") + option.letter : "--" + std::string(option.name);
}

/// The part of a URL that curl would count through: "[1-3]", "{a,b}". Escaped brackets lose their '\\'.
bool has_range(std::string& url) {
  std::string plain;
  bool counts = false;
  const auto authority = url.find("://[");
  for (std::size_t i = 0; i < url.size(); ++i) {
    constexpr std::string_view brackets = "[]{}";
    if (url[i] == '\\' && i + 1 < url.size() && brackets.find(url[i + 1]) != brackets.npos) {
      plain += url[++i];
      continue;
    }
    const bool address = authority != url.npos && i == authority + 3;  // of an IPv6 host
    if ((url[i] == '[' && !address) || url[i] == '{') counts = true;
    plain += url[i];
  }
  url = std::move(plain);
  return counts;
}

class Reader {
public:
  Reader(Gathering& out, const Command& command) : out_(out), command_(command) {
    asked_.notes = command.notes;
  }

  void read() {
    const std::size_t first = program();
    if (command_.fault.empty() && read_words(first)) {
      if (asked_.urls.empty() && made_ == 0) refuse("there is no address in it");
      finish();
    } else {
      refuse(command_.fault.empty() ? fault_ : command_.fault);
    }
  }

  /// The position behind the program's name; 0: it is another program.
  std::size_t program() const {
    constexpr std::array<std::string_view, 5> before{"$", "%", ">", "sudo", "time"};
    for (std::size_t i = 0; i < command_.words.size() && i < 8; ++i) {
      std::string_view word = command_.words[i];
      const auto slash = word.find_last_of("/\\");
      if (slash != word.npos) word.remove_prefix(slash + 1);
      if (word == "curl" || word == "curl.exe") return i + 1;
      const bool assigns = word.find('=') != word.npos && word.find("://") == word.npos;
      if (!assigns && std::find(before.begin(), before.end(), word) == before.end()) return 0;
    }
    return 0;
  }

private:
  void refuse(std::string why) {
    const auto url = std::find_if(command_.words.begin(), command_.words.end(),
                                  [](const std::string& word) { return word.find("://") < 7; });
    const std::string what = url == command_.words.end() ? std::string("curl") : "curl " + shown_url(*url);
    out_.leave_out(fmt::format("{} (line {})", what, command_.line), std::move(why));
  }

  bool read_words(std::size_t at) {
    bool only_urls = false;
    while (at < command_.words.size()) {
      const std::string& word = command_.words[at++];
      if (only_urls || word.size() < 2 || word[0] != '-') {
        asked_.urls.push_back(word);
      } else if (word == "--") {
        only_urls = true;
      } else if (word.starts_with("--")) {
        const CurlOption* option = curl_option(std::string_view(word).substr(2));
        if (option == nullptr) return stop("an option of it is not known here: leave it out");
        if (option->takes_value && at == command_.words.size()) return no_value(*option);
        if (!take(*option, option->takes_value ? command_.words[at++] : std::string())) return false;
      } else if (!read_letters(word, at)) {
        return false;
      }
    }
    return true;
  }

  /// "-sSL", "-XPOST", "-o NAME".
  bool read_letters(const std::string& word, std::size_t& at) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const CurlOption* option = curl_option(word[i]);
      if (option == nullptr) return stop("an option of it is not known here: leave it out");
      if (!option->takes_value) {
        if (!take(*option, {})) return false;
        continue;
      }
      if (i + 1 < word.size()) return take(*option, word.substr(i + 1));
      if (at == command_.words.size()) return no_value(*option);
      return take(*option, command_.words[at++]);
    }
    return true;
  }

  bool stop(std::string why) {
    fault_ = std::move(why);
    return false;
  }
  bool no_value(const CurlOption& option) { return stop("behind " + flag(option) + " something is missing"); }
  bool note(std::string text) {
    asked_.notes.push_back(std::move(text));
    return true;
  }
  bool is_file(std::string_view value, const CurlOption& option) {
    if (!value.starts_with('@')) return false;
    fault_ = flag(option) + " reads a file of your device (@); put its content there instead";
    return true;
  }

  bool take(const CurlOption& option, std::string value) {
    using enum CurlAct;
    switch (option.act) {
      case ignored:
        return true;
      case method:
        asked_.method = std::move(value);
        return true;
      case header:
        if (is_file(value, option)) return false;
        asked_.headers.push_back(std::move(value));
        return true;
      case cookie:
        if (value.empty()) return true;
        if (value.find('=') == value.npos)
          return stop("-b reads cookies from a file of your device; put name=value there instead");
        asked_.cookies.push_back(std::move(value));
        return true;
      case data:
        if (is_file(value, option)) return false;
        [[fallthrough]];
      case data_raw:
        return add_data(std::move(value));
      case data_urlencode:
        return add_urlencoded(value, option);
      case json:
        if (is_file(value, option)) return false;
        asked_.json += value;
        asked_.has_json = true;
        return true;
      case form:
        return add_field(value);
      case form_string: {
        const auto equals = value.find('=');
        if (equals == value.npos) return stop("a field of -F has no '='");
        asked_.fields.push_back({value.substr(0, equals), value.substr(equals + 1), {}, {}});
        return true;
      }
      case user:
        asked_.user = std::move(value), asked_.has_user = true;
        return true;
      case digest:
        asked_.digest = true;
        return true;
      case bearer:
        asked_.bearer = std::move(value);
        return true;
      case agent:
        asked_.agent = std::move(value);
        return true;
      case referer: {
        if (const auto mark = value.find(";auto"); mark != value.npos) value.erase(mark);
        asked_.referer = std::move(value);
        return true;
      }
      case insecure:
        return note("-k is not followed: who the server is, is always checked here");
      case get:
        asked_.get = true;
        return true;
      case head:
        asked_.head = true;
        return note("-I asks for the headers only; the file itself is downloaded");
      case output:
        asked_.outputs.push_back(std::move(value));
        return true;
      case output_dir:
        asked_.output_dir = std::move(value);
        return true;
      case range:
        return note("-r asks for a part only; the whole file is downloaded");
      case resumed:
        return note(flag(option) + " is not needed: what is interrupted goes on by itself");
      case limit_rate:
        asked_.rate_bytes_per_s = parse_size(value);
        return true;
      case max_size:
        asked_.max_bytes = parse_size(value);
        return true;
      case url:
        asked_.urls.push_back(std::move(value));
        return true;
      case url_query:
        asked_.queries.push_back(std::move(value));
        return true;
      case globoff:
        asked_.globoff = true;
        return true;
      case next:
        finish();
        asked_ = {};
        return true;
      case other_way: {
        const bool named = option.letter != '\0' || option.name.find("proxy") == option.name.npos;
        return note((named ? flag(option) : "an option about the way there") +
                    " is left out: this place has its own way to the server");
      }
      case login_missing:
        return note("the name and password that curl reads from a file are not in the command");
      case refused:
        return stop(flag(option) + (option.takes_value ? " needs what only your device has"
                                                       : " asks for what cannot be done from here yet"));
    }
    return true;
  }

  bool add_data(std::string value) {
    asked_.data.push_back(std::move(value));
    return asked_.has_data = true;
  }

  /// "content", "=content", "name=content"; "@file" and "name@file" are of the device.
  bool add_urlencoded(const std::string& value, const CurlOption& option) {
    const auto equals = value.find('='), at = value.find('@');
    if (at < equals) return is_file("@", option), false;
    if (equals == value.npos) return add_data(url_encoded(value));
    const auto name = value.substr(0, equals);
    return add_data((name.empty() ? name : name + "=") + url_encoded(value.substr(equals + 1)));
  }

  bool add_field(const std::string& value) {
    auto field = read_form_option(value);
    if (!field) return stop(field.error().message);
    asked_.fields.push_back(std::move(*field));
    return true;
  }

  bool has_header(std::string_view name) const {
    return std::any_of(asked_.headers.begin(), asked_.headers.end(), [&](const std::string& line) {
      return iequals(std::string_view(line).substr(0, line.find_first_of(":;")), name);
    });
  }

  void finish() {
    for (std::size_t i = 0; i < asked_.urls.size() && !out_.is_full(); ++i) {
      ++made_;
      make(asked_.urls[i], i < asked_.outputs.size() ? asked_.outputs[i] : std::string());
    }
  }

  std::string body_and_type(std::string& type) const {
    if (!asked_.fields.empty()) return multipart_body(asked_.fields, type);
    if (asked_.has_json) {
      type = "application/json";
      return asked_.json;
    }
    type = "application/x-www-form-urlencoded";
    std::string body;
    for (const auto& part : asked_.data) {
      if (&part != &asked_.data.front()) body += '&';
      body += part;
    }
    return body;
  }

  void make(std::string url, const std::string& output) {
    const std::string shown = shown_url(url);
    const auto leave_out = [&](std::string why) {
      out_.leave_out(fmt::format("{} (line {})", shown, command_.line), std::move(why));
    };
    if (has_range(url) && !asked_.globoff) {
      leave_out("curl would count through the [ ] or { } in the address: write each address out");
      return;
    }
    std::string type;
    const bool sends = asked_.has_data || asked_.has_json || !asked_.fields.empty();
    std::string body = sends ? body_and_type(type) : std::string();
    if (body.size() > longest_body) {
      leave_out("what it sends along is longer than 64 KiB");
      return;
    }
    std::string query;
    for (const auto& part : asked_.queries) query += (query.empty() ? "" : "&") + part;
    const bool in_address = sends && asked_.get;
    if (in_address) query += (query.empty() ? "" : "&") + body;
    if (!query.empty()) {
      const auto hash = std::min(url.find('#'), url.size());
      url.insert(hash, (url.find('?') == url.npos ? "?" : "&") + query);
    }
    auto plain = plain_url(url);
    if (!plain) {
      leave_out(plain.error().message);
      return;
    }
    if (asked_.has_user) plain->login.reset();
    auto login = std::exchange(plain->login, std::nullopt);
    SourceDraft draft(std::move(*plain));
    draft.notes = asked_.notes;
    add_logins(draft, std::move(login));
    if (!asked_.agent.empty() && !has_header("user-agent")) draft.add_header("user-agent", asked_.agent);
    if (!asked_.referer.empty() && !has_header("referer")) draft.add_header("referer", asked_.referer);
    add_headers(draft);
    for (const auto& cookies : asked_.cookies) draft.add_cookies(cookies);
    if (!set_method(draft, sends && !in_address, std::move(body), type)) {
      leave_out(fault_);
      return;
    }
    proxy::Document document;
    proxy::File file;
    set_name(file, draft, output);
    document.limits.rate_bytes_per_s = asked_.rate_bytes_per_s;
    document.limits.max_bytes = asked_.max_bytes;
    auto notes = std::move(draft.notes);
    join(document, file, std::move(draft));
    document.files.push_back(std::move(file));
    out_.add(std::move(document), std::move(notes));
  }

  void add_logins(SourceDraft& draft, std::optional<proxy::Credential> of_url) const {
    if (asked_.has_user) {
      const auto colon = asked_.user.find(':');
      if (colon == std::string::npos) draft.note("the password for -u is not in the command");
      draft.add_login(asked_.user.substr(0, colon),
                      colon == std::string::npos ? std::string() : asked_.user.substr(colon + 1),
                      asked_.digest);
    } else if (of_url) {
      draft.add_login(std::move(of_url->user), std::move(of_url->password), asked_.digest);
    }
    if (!asked_.bearer.empty()) draft.add_bearer(asked_.bearer);
  }

  void add_headers(SourceDraft& draft) const {
    for (const auto& line : asked_.headers) {
      const auto colon = line.find(':');
      if (colon != line.npos) {
        // "Name:" takes a header away that curl would send by itself; "Name;" sends an empty one.
        const auto value = std::string_view(line).substr(colon + 1);
        if (value.find_first_not_of(" \t") != value.npos)
          draft.add_header(std::string_view(line).substr(0, colon), value);
      } else if (line.ends_with(';')) {
        draft.add_header(std::string_view(line).substr(0, line.size() - 1), "");
      } else {
        draft.note("a header without ':' is left out");
      }
    }
  }

  /// False: `fault_` says why it cannot be sent.
  bool set_method(SourceDraft& draft, bool sends, std::string body, const std::string& type) {
    std::string method = asked_.method.empty() ? (sends ? "POST" : "GET") : asked_.method;
    if (method == "HEAD") {
      draft.note("only the headers were asked for; the file itself is downloaded");
      method = "GET";
    }
    if (method != "GET" && method != "POST")
      return stop("only GET and POST can be sent yet, and it asks for another method");
    draft.source.request.method = method;
    if (!sends) return true;
    if (method == "GET") {
      draft.note("what it would send along with GET is left out");
      return true;
    }
    if (!has_header("content-type")) draft.add_header("content-type", type);
    if (asked_.has_json && !has_header("accept")) draft.add_header("accept", "application/json");
    draft.source.request.body = std::move(body);
    return true;
  }

  void set_name(proxy::File& file, SourceDraft& draft, const std::string& output) const {
    std::string path = output.empty() ? command_.output : output;
    if (path.empty() || path == "-" || path == "/dev/null" || path == "NUL") return;
    std::replace(path.begin(), path.end(), '\\', '/');
    if (!asked_.output_dir.empty()) path = asked_.output_dir + "/" + path;
    auto made = name_path(path);
    if (!made) {
      // A path of the device: only the name means something here.
      made = name_path(std::string_view(path).substr(path.rfind('/') + 1));
      if (made) draft.note("of the path behind -o only the name is kept");
    }
    if (!made) return;
    file.name = std::move(made->name);
    file.folder = std::move(made->folder);
  }

  Gathering& out_;
  const Command& command_;
  Asked asked_;
  std::string fault_;
  std::size_t made_ = 0;
};

/// The text without the fences that chats and pages put around commands.
std::string without_fences(std::string_view text) {
  std::string out;
  for (std::size_t from = 0; from <= text.size();) {
    const auto end = std::min(text.find('\n', from), text.size());
    const auto line = text.substr(from, end - from);
    if (!line.starts_with("```")) out += line;
    if (end < text.size()) out += '\n';
    from = end + 1;
  }
  return out;
}

std::string_view prompt_taken_off(std::string_view line) {
  const auto begin = line.find_first_not_of(" \t");
  if (begin == line.npos) return {};
  line.remove_prefix(begin);
  for (const std::string_view prompt : {"$ ", "% ", "> ", "# ", "`"})
    if (line.starts_with(prompt)) return line.substr(prompt.size());
  return line;
}

}  // namespace

bool looks_like_curl(std::string_view text) {
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('\n', from), text.size());
    auto line = prompt_taken_off(text.substr(from, end - from));
    from = end + 1;
    for (;;) {
      const auto space = line.find_first_of(" \t\r^\\");
      auto word = line.substr(0, space);
      const auto slash = word.rfind('/');
      if (slash != word.npos && word.find("://") == word.npos) word.remove_prefix(slash + 1);
      if ((word == "curl" || word == "curl.exe") && space != line.npos) return true;
      const bool before = word == "sudo" || word == "time" ||
                          (word.find('=') != word.npos && word.find_first_of(":/?&") == word.npos);
      if (!before || space == line.npos) break;
      line.remove_prefix(std::min(line.find_first_not_of(" \t", space), line.size()));
    }
  }
  return false;
}

Result<Understood> understand_curl(std::string_view text, const Limits& limits) {
  const std::string plain = without_fences(text);
  auto commands = is_for_cmd(plain) ? read_cmd(plain, limits.words) : read_bash(plain, limits.words);
  if (!commands) return fail(std::move(commands.error()));
  Gathering out(Kind::curl, limits);
  for (const auto& command : *commands) {
    Reader reader(out, command);
    if (reader.program() > 0)
      reader.read();
    else
      out.leave_out(fmt::format("line {}", command.line), "it is no curl command");
  }
  return out.finish();
}

}  // namespace restante::capture
