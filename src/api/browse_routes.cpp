// SPDX-License-Identifier: Apache-2.0
#include "api/body.hpp"
#include "api/handlers.hpp"
#include "api/json_writer.hpp"
#include "api/submitting.hpp"
#include "base/text.hpp"
#include "intake/admission.hpp"
#include "jobs/browsing.hpp"
#include "proxy/file_json.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace restante::api {

namespace {

constexpr std::array<std::string_view, 5> found_names{"page", "index", "folder", "metalink", "file"};
constexpr std::array<std::string_view, 4> kind_names{"file", "media", "page", "folder"};

Result<jobs::BrowseWish> wish_of(const http::Request& request, const jobs::BrowseLimits& limits) {
  jobs::BrowseWish wish;
  if (const auto depth = request.query_value("depth")) {
    const auto [end, error] = std::from_chars(depth->data(), depth->data() + depth->size(), wish.depth);
    if (error != std::errc{} || end != depth->data() + depth->size() || wish.depth < 0 ||
        wish.depth > limits.depth)
      return fail(Reason::invalid, fmt::format("depth must be a number from 0 to {}", limits.depth));
  }
  for (const auto& [name, value] : request.query) {
    if (name != "match") continue;
    auto glob = jobs::Glob::parse(value);
    if (!glob) return fail(std::move(glob.error()));
    if (wish.patterns.size() == limits.patterns)
      return fail(Reason::invalid, fmt::format("at most {} patterns are taken at once", limits.patterns));
    wish.patterns.push_back(std::move(*glob));
  }
  return wish;
}

/// What the person would hand in to have it.
proxy::File file_of(const jobs::Offer& offer) {
  proxy::File file;
  if (offer.keeps_name) file.name = offer.name;
  file.folder = offer.folder;
  // What a listing says may have changed when it is fetched; a Metalink's size is part of its proof.
  if (!offer.sources.empty()) file.size_bytes = offer.size_bytes;
  file.digests.insert(offer.digests.begin(), offer.digests.end());
  file.sources = offer.sources;
  if (file.sources.empty()) file.sources.emplace_back().url = offer.url;
  return file;
}

void write_offer(JsonWriter& json, const jobs::Offer& offer) {
  const bool is_file = offer.kind == jobs::Offer::Kind::file || offer.kind == jobs::Offer::Kind::media;
  json.open('{').key("kind").text(kind_names.at(static_cast<std::size_t>(offer.kind)));
  json.key("name").text(offer.name);
  if (!offer.folder.empty()) json.key("folder").text(offer.folder);
  if (!offer.label.empty()) json.key("label").text(offer.label);
  if (offer.size_bytes) json.key("size_bytes").number(*offer.size_bytes);
  if (offer.modified) json.key("modified").text(to_rfc3339(*offer.modified));
  if (!offer.media_type.empty()) json.key("media_type").text(offer.media_type);
  json.key("url").text(url_for_logs(offer.url));
  if (is_file)
    json.key("file").raw(proxy::to_json(file_of(offer)));
  else
    json.key("source").open('{').key("url").text(offer.url).close('}');
  json.close('}');
}

std::string browsed_json(const jobs::Browsed& found, std::size_t most_bytes) {
  std::string out;
  JsonWriter json(out);
  json.open('{').key("kind").text(found_names.at(static_cast<std::size_t>(found.found)));
  json.key("url").text(found.url);
  if (!found.title.empty()) json.key("title").text(found.title);
  json.key("offers").open('[');
  std::size_t written = 0;
  for (; written < found.offers.size() && out.size() < most_bytes; ++written)
    write_offer(json, found.offers[written]);
  json.close(']').key("left_out").open('[');
  for (const auto& [what, why] : found.left_out)
    json.open('{').key("what").text(what).key("why").text(why).close('}');
  if (written < found.offers.size())
    json.open('{')
        .key("what")
        .text(fmt::format("{} more", found.offers.size() - written))
        .key("why")
        .text("there is too much to be told at once")
        .close('}');
  json.close(']').key("folders_seen").number(found.folders_seen);
  json.key("complete").yes_no(found.left_out.empty() && written == found.offers.size()).close('}');
  return out;
}

/// What a content server refused is no refusal of ours: no 401 that would sign a page out, no 404.
http::Response refuse_for_source(const Error& error, const http::Request& request) {
  const bool ours = error.reason == Reason::address || error.reason == Reason::scheme ||
                    error.reason == Reason::timeout || error.reason == Reason::busy ||
                    error.reason == Reason::cancelled;
  const int status = ours ? info(error.reason).http_status : 502;
  std::string out;
  JsonWriter json(out);
  json.open('{').key("type").text("/problems/" + std::string(code(error.reason)));
  json.key("title").text(info(error.reason).words).key("status").number(status);
  if (!error.message.empty()) json.key("detail").text(error.message);
  json.key("instance").text(request.path).key("reason").text(code(error.reason));
  json.key("hint").text(error.remedy()).close('}');
  auto response = http::json_response(status, std::move(out));
  response.set("Content-Type", "application/problem+json");
  if (error.reason == Reason::busy) response.set("Retry-After", "1");
  return response;
}

/// On the control loop.
Task<http::Response> look_into(Context& context, Call call, proxy::Document document, jobs::BrowseWish wish) {
  const auto turn = take_turn(context, *call.who);
  if (!turn.allowed) co_return too_often(context, turn, call);
  auto found = co_await context.parts.jobs.browse(call.who->account, std::move(document), std::move(wish));
  auto response = found ? http::json_response(200, browsed_json(*found, context.options.limits.browsed_bytes))
                        : refuse_for_source(found.error(), call.request);
  response.set("Cache-Control", "no-store");
  add_rate_headers(context, turn, response);
  co_return response;
}

}  // namespace

Task<http::Response> browse(Context& context, Call call) {
  const std::string type = media_type_of(call.request.header("Content-Type"));
  if (type != "application/vnd.restante.proxy+json" && type != "application/json") {
    const auto error = fail(Reason::media_type, "this kind of document is not known here").value();
    co_return refuse(error, call.request);
  }
  auto wish = wish_of(call.request, {});
  if (!wish) co_return refuse(wish.error(), call.request);
  auto document = intake::admitted_document(call.request.body, *call.who, carriage_of(call.request.peer),
                                            context.options.jkt, context.parts.clock.now());
  if (!document) co_return refuse(document.error(), call.request);
  if (document->files.size() != 1 || document->files.front().sources.size() != 1) {
    auto error = fail(Reason::invalid, "one address is looked into at a time").value();
    error.pointer = "/what/files";
    co_return refuse(error, call.request);
  }
  const Executor control = context.parts.control;
  auto looking =
      run_there(control, look_into(context, std::move(call), std::move(*document), std::move(*wish)));
  co_return co_await std::move(looking);
}

}  // namespace restante::api
