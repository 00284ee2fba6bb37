// SPDX-License-Identifier: Apache-2.0
#include "net/dav_client.hpp"

#include "base/text.hpp"
#include "net/curl_parts.hpp"
#include "net/curl_url.hpp"
#include "net/http_client.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <pugixml.hpp>

namespace restante::net {
namespace {

constexpr std::size_t listing_bytes = 4u << 20;
constexpr std::size_t most_files = 10'000;
constexpr std::chrono::seconds total_time{60};
constexpr std::string_view wanted =
    R"(<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/><getetag/>)"
    R"(<getcontentlength/></prop></propfind>)";

std::string_view local_name(const pugi::xml_node& node) {
  const std::string_view name = node.name();
  const auto colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

pugi::xml_node child(const pugi::xml_node& owner, std::string_view name) {
  for (const auto& one : owner.children())
    if (local_name(one) == name) return one;
  return {};
}

bool fits_header(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

/// The properties that the server found (status 200), of all that it answered about one resource.
pugi::xml_node found_properties(const pugi::xml_node& response) {
  for (const auto& one : response.children())
    if (local_name(one) == "propstat") {
      const std::string_view status = child(one, "status").text().get();
      if (status.find(" 200") != std::string_view::npos) return child(one, "prop");
    }
  return {};
}

}  // namespace

Result<void> check(const DavFolder& folder) {
  const auto url = parse_url(folder.url);
  if (!url || !url->text.ends_with('/') || folder.url.find_first_of("?#@") != std::string::npos)
    return fail(Reason::invalid, "a WebDAV folder is written https://HOST/FOLDER/, with a slash at its end",
                "user and password_file are settings of their own");
  if (url->scheme != "https" && !is_this_machine(url->host))
    return fail(Reason::invalid, "a WebDAV folder is asked unencrypted only on this machine", "use https://");
  return {};
}

Result<std::vector<DavFile>> files_in(std::string_view multistatus, const std::string& folder_url) {
  const auto base = parse_url(folder_url);
  if (!base) return fail(base.error());
  pugi::xml_document xml;
  // No document type is read, so nothing is named in it that could be expanded.
  const auto parsed =
      xml.load_buffer(multistatus.data(), multistatus.size(), pugi::parse_default, pugi::encoding_utf8);
  const auto root = child(xml, "multistatus");
  if (!parsed || !root) return fail(Reason::malformed, "the WebDAV server answered no listing");
  std::vector<DavFile> out;
  for (const auto& response : root.children()) {
    if (local_name(response) != "response" || out.size() >= most_files) continue;
    const auto address = resolve_url(*base, trimmed(child(response, "href").text().get()));
    const auto properties = found_properties(response);
    if (!address || !properties || address->origin != base->origin) continue;
    if (!address->text.starts_with(base->text)) continue;
    DavFile file;
    file.name = address->text.substr(base->text.size());
    if (file.name.empty() || file.name.front() == '.' ||
        file.name.find_first_of("/?#\\") != std::string::npos)
      continue;
    const auto lower = ascii_lower(file.name);
    if (lower.find("%2f") != std::string::npos || lower.starts_with("%2e")) continue;
    if (child(child(properties, "resourcetype"), "collection")) continue;
    const std::string_view size = trimmed(child(properties, "getcontentlength").text().get());
    const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), file.bytes);
    if (size.empty() || error != std::errc{} || end != size.data() + size.size()) continue;
    file.etag = trimmed(child(properties, "getetag").text().get());
    if (!fits_header(file.etag)) continue;
    out.push_back(std::move(file));
  }
  return out;
}

struct DavClient::State {
  DavFolder folder;
  const std::atomic<bool>& stop;
  HttpClient client;

  State(DavFolder given, const std::atomic<bool>& when)
      : folder(std::move(given)), stop(when), client([this] {
          HttpClient::Options options;
          options.roots_pem = folder.roots_pem;
          return options;
        }()) {}

  std::string address_of(std::string_view name) const { return folder.url + std::string(name); }

  /// At most `most_bytes` of an answer; error too-large.
  Result<ClientResponse> send(ClientRequest request, std::size_t most_bytes = listing_bytes) {
    request.total_time = total_time;
    request.stop = &stop;
    if (!folder.user.empty())
      request.headers.emplace_back("Authorization",
                                   "Basic " + to_base64(folder.user + ":" + folder.password));
    std::string body;
    bool too_large = false;
    request.on_body = [&](std::string_view piece) {
      too_large = piece.size() > most_bytes - body.size();
      if (!too_large) body.append(piece);
      return !too_large;
    };
    auto answer = client.send(request);
    if (too_large) return fail(Reason::too_large, "the WebDAV server sent more than it may");
    if (!answer) return answer;
    answer->body = std::move(body);
    if (answer->status == 401)
      return fail(Reason::auth_required, "the WebDAV server does not let us in (401)");
    return answer;
  }
};

DavClient::DavClient(DavFolder folder, const std::atomic<bool>& stop)
    : state_(std::make_unique<State>(std::move(folder), stop)) {
}
DavClient::~DavClient() = default;
DavClient::DavClient(DavClient&&) noexcept = default;

Result<std::vector<DavFile>> DavClient::list() {
  ClientRequest request;
  request.method = "PROPFIND";
  request.url = state_->folder.url;
  request.headers = {{"Depth", "1"}, {"Content-Type", "application/xml; charset=utf-8"}};
  request.body = wanted;
  auto answer = state_->send(std::move(request));
  if (!answer) return fail(std::move(answer.error()));
  if (answer->status != 207)
    return fail(Reason::unreachable,
                fmt::format("the WebDAV server does not list the folder ({})", answer->status));
  return files_in(answer->body, state_->folder.url);
}

Result<std::string> DavClient::fetch(const DavFile& file, std::size_t most_bytes) {
  ClientRequest request;
  request.url = state_->address_of(file.name);
  auto answer = state_->send(std::move(request), most_bytes);
  if (!answer) return fail(std::move(answer.error()));
  if (answer->status != 200)
    return fail(answer->status == 404 ? Reason::not_found : Reason::malformed,
                fmt::format("the WebDAV server does not give the file ({})", answer->status));
  return std::move(answer->body);
}

Result<void> DavClient::erase(const DavFile& file) {
  ClientRequest request;
  request.method = "DELETE";
  request.url = state_->address_of(file.name);
  // Weak ones never match (RFC 9110 §13.1.1).
  if (!file.etag.empty() && !file.etag.starts_with("W/")) request.headers = {{"If-Match", file.etag}};
  auto answer = state_->send(std::move(request));
  if (!answer) return fail(std::move(answer.error()));
  if (answer->status == 412) return fail(Reason::conflict, "the file was written anew");
  if (answer->status / 100 != 2 && answer->status != 404)
    return fail(Reason::malformed,
                fmt::format("the WebDAV server does not delete the file ({})", answer->status));
  return {};
}

Result<void> DavClient::set_aside(const DavFile& file, const std::string& folder) {
  ClientRequest making;
  making.method = "MKCOL";
  making.url = state_->address_of(folder) + "/";
  auto made = state_->send(std::move(making));  // 405: it is there
  if (!made) return fail(std::move(made.error()));
  ClientRequest request;
  request.method = "MOVE";
  request.url = state_->address_of(file.name);
  request.headers = {{"Destination", state_->address_of(folder + "/" + file.name)}, {"Overwrite", "T"}};
  auto answer = state_->send(std::move(request));
  if (!answer) return fail(std::move(answer.error()));
  if (answer->status / 100 != 2 && answer->status != 404)
    return fail(Reason::malformed,
                fmt::format("the WebDAV server does not move the file ({})", answer->status));
  return {};
}

}  // namespace restante::net
