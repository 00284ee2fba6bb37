// SPDX-License-Identifier: Apache-2.0
// The web app (web/app): one page at many paths, which asks everything else over the API, and the files that
// it loads.
#include "api/app_files.hpp"

#include "api/handlers.hpp"
#include "http/conditions.hpp"
#include "http/gzip.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace restante::api {

namespace {

/// The page loads and speaks to this place only, runs no script but its own files, and makes script or HTML
/// from text only by the two policies that are named (Trusted Types): Svelte's own templates, and ours for
/// the service worker. Nothing that is stored here becomes a part of it: scripts and styles of people are
/// answered as bytes (http/ranges.cpp).
constexpr std::string_view page_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; media-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types svelte-trusted-html restante";
/// A picture that is opened by itself is a document, too; a service worker has the policy of its own answer
/// and speaks to this place only.
constexpr std::string_view file_policy =
    "default-src 'none'; connect-src 'self'; style-src 'self'; frame-ancestors 'none'";
constexpr std::string_view permissions =
    "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), midi=(), "
    "display-capture=(), browsing-topics=()";

const AppFile* find(App app, std::string_view path) {
  const auto found =
      std::find_if(app.begin(), app.end(), [&](const AppFile& one) { return one.path == path; });
  return found == app.end() ? nullptr : &*found;
}

/// As every path that is not known is answered.
http::Response no_such_page(const Call& call) {
  if (call.who) return refuse(nothing_there("thing"), call.request);
  return refuse(fail(Reason::unauthenticated, "it is not known who you are").value(), call.request);
}

}  // namespace

http::Response app_answer(const AppFile& file, const http::Request& request) {
  const bool as_packed = file.packed && http::accepts_gzip(request.header("Accept-Encoding"));
  // Two representations, two strong tags (RFC 9110 §8.8.3.3).
  const std::string etag = fmt::format("\"{}{}\"", file.digest, as_packed ? "-gz" : "");
  http::Response response;
  response.set("ETag", etag);
  response.set("Cache-Control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache");
  response.set("Vary", "Accept-Encoding");
  if (file.path == app_page_path) {
    response.set("Content-Security-Policy", std::string(page_policy));
    response.set("Permissions-Policy", std::string(permissions));
  } else {
    response.set("Content-Security-Policy", std::string(file_policy));
  }
  response.set("Referrer-Policy", "no-referrer");
  response.set("Cross-Origin-Opener-Policy", "same-origin");
  response.set("Cross-Origin-Resource-Policy", "same-origin");
  // There is no date: what was looked at before any instant may have changed since.
  const http::Validators validators{.etag = etag, .modified_s = std::numeric_limits<std::int64_t>::max()};
  if (http::judge_conditions(request, validators) == http::Condition::not_modified) {
    response.status = 304;
    return response;
  }
  response.set("Content-Type", std::string(file.media_type));
  if (file.packed && !as_packed) {
    auto plain = http::unpacked(file.body, file.size);
    if (!plain) return refuse(plain.error(), request);
    response.body = std::move(*plain);
    return response;
  }
  if (as_packed) response.set("Content-Encoding", "gzip");
  response.body = std::string(file.body);
  return response;
}

Task<http::Response> app_page(Context& context, Call call) {
  const AppFile* file = find(context.options.app, app_page_path);
  co_return file == nullptr ? no_such_page(call) : app_answer(*file, call.request);
}

Task<http::Response> app_file(Context& context, Call call) {
  const AppFile* file = find(context.options.app, call.request.path);
  co_return file == nullptr ? no_such_page(call) : app_answer(*file, call.request);
}

}  // namespace restante::api
