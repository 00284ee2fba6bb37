// SPDX-License-Identifier: Apache-2.0
// `restante browse`: what an address offers, looked at by the place; what is chosen is sent as one request.
#include "base/text.hpp"
#include "base/unicode.hpp"
#include "context.hpp"
#include "parcels.hpp"
#include "request/compose.hpp"
#include "request/json.hpp"
#include "sending.hpp"
#include "wish_options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iostream>
#include <optional>
#include <set>
#include <utility>

namespace restante::cli {
namespace {

namespace bj = boost::json;
namespace rj = request::json;

constexpr std::size_t files_of_request = 256;         ///< FORMATS.md §1.4
constexpr std::size_t bytes_of_request = 130u << 10;  ///< sealed it is 16/9 of that, and 256 KiB are taken
constexpr std::size_t answer_limit = 16u << 20;
constexpr std::chrono::seconds answer_time{45};

struct BrowseOptions : WishOptions {
  std::string url, select;
  std::vector<std::string> patterns;
  int depth = 0;
  Delivery delivery;
};

struct Found {
  std::string kind, url, title;
  std::vector<bj::object> offers;
  bool complete = true;
  std::vector<std::string> left_out;  ///< one line each
};

std::string query_value(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain || std::string_view("-._~").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

Result<Found> ask(Session& session, const BrowseOptions& options, const proxy::Document& document) {
  std::string path = "/v1/browse?depth=" + std::to_string(options.depth);
  for (const std::string& pattern : options.patterns) path += "&match=" + query_value(pattern);
  const Secret core(proxy::to_json(document));
  net::ClientRequest request;
  request.method = "POST";
  request.body = core.text;
  request.headers.emplace_back("Content-Type", "application/vnd.restante.proxy+json");
  request.total_time = answer_time;
  std::string answer;
  request.on_body = [&answer](std::string_view piece) {
    answer += piece;
    return answer.size() <= answer_limit;
  };
  auto done = session.calls().stream(path, std::move(request));
  if (!done) return fail(std::move(done.error()));
  auto object = rj::parse_object(answer, "the place's answer");
  if (!object) return fail(std::move(object.error()));
  Found found;
  found.kind = rj::text(*object, "kind");
  found.url = rj::text(*object, "url");
  found.title = rj::text(*object, "title");
  found.complete = rj::truth(*object, "complete", true);
  if (const auto* offers = rj::array(*object, "offers"))
    for (const auto& one : *offers)
      if (const auto* offer = one.if_object()) found.offers.push_back(*offer);
  if (const auto* left_out = rj::array(*object, "left_out"))
    for (const auto& one : *left_out)
      if (const auto* entry = one.if_object())
        found.left_out.push_back("not shown: " + rj::text(*entry, "what") + ": " + rj::text(*entry, "why"));
  return found;
}

std::string path_of(const bj::object& offer) {
  const std::string folder = rj::text(offer, "folder"), name = rj::text(offer, "name");
  return folder.empty() ? name : folder + "/" + name;
}

void show(const Context& context, const Found& found) {
  std::size_t number = 0;
  for (const bj::object& offer : found.offers) {
    ++number;
    if (context.json) {
      bj::object line{{"number", number}};
      for (const auto& member : offer) line[member.key()] = member.value();
      context.result(bj::serialize(line));
      continue;
    }
    const auto size = rj::number(offer, "size_bytes");
    context.result(std::to_string(number) + "\t" + rj::text(offer, "kind") + "\t" +
                   (size ? std::to_string(*size) : "-") + "\t" + printable(path_of(offer)));
  }
  for (const std::string& line : found.left_out) context.note(line);
  if (found.offers.empty()) context.note("nothing is offered there");
}

bool is_file(const bj::object& offer) {
  return rj::object(offer, "file") != nullptr;
}

/// A member of `what.files`. What only looks like a page may be a download all the same ("/get?id=3").
bj::object file_of(const bj::object& offer) {
  if (const auto* file = rj::object(offer, "file")) return *file;
  const auto* source = rj::object(offer, "source");
  return {{"sources", bj::array{source == nullptr ? bj::object() : *source}}};
}

/// "1,3-5", "all", "none": positions, in the order of the offers. Pages only by their own numbers. Error:
/// usage.
Result<std::vector<std::size_t>> selection(std::string_view text, const Found& found) {
  std::set<std::size_t> chosen;
  const auto wrong = [&](std::string_view part) {
    return fail(Reason::usage, "'" + std::string(part) + "' is none of the numbers shown",
                "as in 1,3-5; or all, or none");
  };
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(", "), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.empty() || part == "none") continue;
    if (part == "all") {
      for (std::size_t i = 0; i < found.offers.size(); ++i)
        if (is_file(found.offers[i])) chosen.insert(i);
      continue;
    }
    const auto dash = part.find('-');
    const std::string_view first = part.substr(0, dash);
    const std::string_view last = dash == std::string_view::npos ? first : part.substr(dash + 1);
    const auto number = [](std::string_view digits) -> std::size_t {
      std::size_t out = 0;
      const auto [at, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
      return error == std::errc{} && at == digits.data() + digits.size() ? out : 0;
    };
    const std::size_t from = number(first), to = number(last);
    if (from == 0 || to < from || to > found.offers.size()) return wrong(part);
    for (std::size_t i = from; i <= to; ++i) {
      const bj::object& offer = found.offers[i - 1];
      const bool page = rj::text(offer, "kind") == "page";
      if (!is_file(offer) && !page && from == to)
        return fail(Reason::usage, "number " + std::to_string(i) + " is a folder, not a file",
                    "look into it with `restante browse`, or take what is in it with --depth");
      if (is_file(offer) || (page && from == to)) chosen.insert(i - 1);
    }
  }
  return std::vector<std::size_t>(chosen.begin(), chosen.end());
}

/// As the page's address would be told to the content server by a browser (strict-origin-when-cross-origin).
std::string referer_for(const std::string& page, const std::string& url) {
  const auto from = proxy::origin_of(page), to = proxy::origin_of(url);
  if (!from || !to || !from->starts_with("http") ||
      (from->starts_with("https:") && !to->starts_with("https:")))
    return {};
  return *from == *to ? page.substr(0, page.find('#')) : *from + "/";
}

class Group {
public:
  Group(const BrowseOptions& options, const Session& session, const Found& found)
      : options_(options), session_(session), found_(found) {}

  /// The selected files in as few requests as hold them. Errors: those of request::compose.
  Result<std::vector<Parcel>> parcels(const std::vector<std::size_t>& chosen) {
    auto like = base(SystemClock().now());
    if (!like) return fail(std::move(like.error()));
    const std::size_t common = proxy::to_json(*like).size();
    std::vector<bj::array> parts;
    std::size_t bytes = 0;
    for (const std::size_t one : chosen) {
      const bj::object file = file_of(found_.offers[one]);
      const std::size_t more =
          bj::serialize(file).size() + bytes_beside(like->files.front().sources.front(), file);
      if (parts.empty() || parts.back().size() == files_of_request || bytes + more > bytes_of_request) {
        parts.emplace_back();
        bytes = common;
      }
      bytes += more;
      parts.back().emplace_back(file);
    }
    std::vector<Parcel> out;
    for (std::size_t part = 0; part < parts.size(); ++part) {
      const Instant now = SystemClock().now();
      auto document = base(now);
      if (!document) return fail(std::move(document.error()));
      std::string title = title_of(chosen);
      if (parts.size() > 1)
        title += " (part " + std::to_string(part + 1) + " of " + std::to_string(parts.size()) + ")";
      auto filled = fill(std::move(*document), std::move(parts[part]), std::move(title));
      if (!filled) return fail(std::move(filled.error()));
      auto parcel = parcel_of(std::move(*filled), session_, found_.url, now);
      if (!parcel) return fail(std::move(parcel.error()));
      out.push_back(std::move(*parcel));
    }
    return out;
  }

private:
  /// What each source of the file gets beside its address: headers, Referer, names of sign-ins.
  std::size_t bytes_beside(const proxy::Source& asked, const bj::object& file) const {
    std::size_t bytes = 2 * asked.url.size() + options_.wish.folder.size() + 100;
    for (const auto& [name, value] : asked.request.headers) bytes += 2 * (name.size() + value.size()) + 10;
    const auto* sources = rj::array(file, "sources");
    return bytes * (sources == nullptr ? 1 : sources->size());
  }

  Result<proxy::Document> base(Instant now) const {
    request::Wish wish = options_.wish;
    wish.url = options_.url;
    return request::compose(wish, session_.place(), now);
  }

  /// Of several files; one file goes by its own name.
  std::string title_of(const std::vector<std::size_t>& chosen) const {
    if (chosen.size() == 1) return {};
    std::string title = found_.title.empty() ? found_.url : found_.title;
    while (title.size() > 400 || !is_utf8(title)) title.pop_back();
    return title;
  }

  /// The base with these files, which are asked for as its own was.
  Result<proxy::Document> fill(proxy::Document document, bj::array files, std::string title) const {
    const proxy::Source asked = document.files.front().sources.front();
    const auto origin = proxy::origin_of(asked.url);
    std::vector<std::string> own;
    for (const proxy::Credential& one : document.access)
      if (!one.id.starts_with(request::login_id)) own.push_back(one.id);
    document.files.clear();
    document.title = std::move(title);
    bj::value core = bj::parse(proxy::to_json(shell(document)));
    core.as_object()["what"] = bj::object{{"files", std::move(files)}};
    auto read = proxy::parse(bj::serialize(core));
    if (!read)
      return fail(Reason::malformed, "the place offers what cannot be asked for: " + read.error().message);
    document.files = std::move(read->files);
    for (proxy::File& file : document.files) {
      file.folder = options_.wish.folder.empty() || file.folder.empty()
                        ? options_.wish.folder + file.folder
                        : options_.wish.folder + "/" + file.folder;
      file.allow_empty = options_.wish.allow_empty;
      for (proxy::Source& source : file.sources) {
        source.request.headers = asked.request.headers;
        if (proxy::origin_of(source.url) == origin) source.credential_ids = own;
        add_login(document, source);
        const bool refers = std::any_of(source.request.headers.begin(), source.request.headers.end(),
                                        [](const auto& one) { return iequals(one.first, "referer"); });
        const std::string referer = referer_for(asked.url, source.url);
        if (found_.kind == "page" && !refers && !referer.empty())
          source.request.headers.emplace_back("referer", referer);
      }
    }
    drop_unused(document);
    return document;
  }

  /// A document that proxy::parse takes, for reading files by.
  static proxy::Document shell(const proxy::Document& like) {
    proxy::Document out;
    out.id = like.id;
    out.iss_jkt = like.iss_jkt;
    out.iss_account = like.iss_account;
    out.aud = like.aud;
    out.iat = like.iat;
    out.exp = like.exp;
    out.files.emplace_back().sources.emplace_back().url = "http://localhost/";
    return out;
  }

  /// A stored login of the source's origin, where the wish does not say how to sign in there.
  void add_login(proxy::Document& document, proxy::Source& source) const {
    const auto origin = proxy::origin_of(source.url);
    if (!origin || !source.credential_ids.empty()) return;
    for (const proxy::Credential& login : options_.wish.logins) {
      if (login.scope != std::vector<std::string>{*origin}) continue;
      const auto known =
          std::find_if(document.access.begin(), document.access.end(), [&](const proxy::Credential& one) {
            return one.id.starts_with(request::login_id) && one.scope == login.scope &&
                   one.kind == login.kind;
          });
      if (known != document.access.end()) {
        source.credential_ids.push_back(known->id);
        continue;
      }
      auto& made = document.access.emplace_back(login);
      made.id = std::string(request::login_id) + std::to_string(document.access.size());
      source.credential_ids.push_back(made.id);
    }
  }

  /// Sign-ins that no source names stay at home.
  static void drop_unused(proxy::Document& document) {
    std::set<std::string> named;
    for (const proxy::File& file : document.files)
      for (const proxy::Source& source : file.sources)
        named.insert(source.credential_ids.begin(), source.credential_ids.end());
    std::erase_if(document.access, [&](const proxy::Credential& one) { return !named.contains(one.id); });
  }

  const BrowseOptions& options_;
  const Session& session_;
  const Found& found_;
};

/// What the person types; nullopt: nothing can be asked.
std::optional<std::string> ask_which(const Context& context) {
  if (!context.stdin_terminal || !context.stderr_terminal || context.json) return std::nullopt;
  std::cerr << "Which of them? (numbers such as 1,3-5; all; none) " << std::flush;
  std::string line;
  if (!std::getline(std::cin, line)) return std::nullopt;
  return line;
}

/// What the content server refused, or why it was not reached, is told by a place that was.
int refuse_look(const Context& context, Session& session, const Error& error) {
  const int status = context.refuse(error);
  const bool of_place = error.reason == Reason::unauthenticated || error.reason == Reason::unknown_device;
  return session.calls().reached() && !of_place && status != exit_usage ? exit_failed : status;
}

int browse(const Context& context, BrowseOptions options) {
  options.urls = {options.url};
  options.wish.probe = !options.no_probe;
  if (auto done = read_secrets(context, options); !done) return context.refuse(done.error());
  auto session = Session::open(context, options.to);
  if (!session) return context.refuse(session.error());
  if (auto used = use_stored(context, **session, options); !used) return context.refuse(used.error());
  request::Wish look = options.wish;
  look.url = options.url;
  // When, where to and how much is for what is sent.
  look.at = look.by = look.every = look.folder = look.keep = {};
  look.windows.clear();
  auto document = request::compose(look, (*session)->place(), SystemClock().now());
  if (!document) return context.refuse(document.error());
  auto found = ask(**session, options, *document);
  if (!found) return refuse_look(context, **session, found.error());
  const bool chosen_already = !options.select.empty();
  if (!chosen_already || !context.json) {
    if (!chosen_already)
      show(context, *found);
    else
      for (const std::string& line : found->left_out) context.note(line);
  }
  std::optional<std::string> which = chosen_already ? std::optional(options.select) : ask_which(context);
  if (!which) return exit_done;
  auto chosen = selection(*which, *found);
  if (!chosen) return context.refuse(chosen.error());
  if (chosen->empty()) {
    if (!chosen_already || options.select == "none") return exit_done;
    return context.refuse(fail(Reason::not_found, "nothing that could be sent is offered there").value());
  }
  Group group(options, **session, *found);
  auto parcels = group.parcels(*chosen);
  if (!parcels) return context.refuse(parcels.error());
  for (Parcel& parcel : *parcels) parcel.by_trip = options.to == request::trip_name;
  options.delivery.look = false;
  return deliver(context, **session, *parcels, options.delivery);
}

}  // namespace

void add_browse_command(CLI::App& app, Context& context) {
  auto options = std::make_shared<BrowseOptions>();
  auto* command = app.add_subcommand(
      "browse", "Show what a page, a folder or a Metalink offers, and send what is chosen of it");
  command->add_option("URL", options->url, "A page, a listing or folder, a Metalink")->required();
  command
      ->add_option("--match", options->patterns,
                   "Only names like this: *.mp4, slides/**, week?.pdf (repeatable)")
      ->allow_extra_args(false)
      ->type_name("GLOB");
  command->add_option("--depth", options->depth, "So many folders below are looked into; default: 0")
      ->check(CLI::Range(0, 8))
      ->type_name("N");
  command->add_option("--select", options->select, "Send these: numbers such as 1,3-5, or all")
      ->type_name("LIST");
  add_wish_options(*command, *options);
  for (const char* one : {"--name", "--checksum", "--mirror"})
    command->remove_option(command->get_option(one));
  command->add_flag("--strict", options->delivery.strict, "Refuse what cannot be done in time");
  command->add_flag("--wait", options->delivery.wait, "Return when it has ended");
  refuse_empty_values(*command);
  command->callback([&context, command, options] {
    options->urls = {options->url};
    auto preset = apply_preset(*command, *options);
    if (preset) options->url = options->urls.front();
    context.run = [&context, options, preset]() -> int {
      return preset ? browse(context, *options) : context.refuse(preset.error());
    };
  });
}

}  // namespace restante::cli
