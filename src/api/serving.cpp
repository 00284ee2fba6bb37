// SPDX-License-Identifier: Apache-2.0
#include "api/serving.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <variant>

namespace restante::api {

namespace {

constexpr int too_many_requests = 429;

http::Response refuse_for_traffic(Context& context, const http::Request& request, const std::string& words) {
  const auto error = fail(Reason::quota, words, "wait, or ask the operator for more traffic");
  auto response = refuse(error.value(), request);
  // There is room; what is lacking comes with time.
  response.status = too_many_requests;
  if (auto* text = std::get_if<std::string>(&response.body)) {
    auto problem = boost::json::parse(*text);
    problem.as_object()["status"] = too_many_requests;
    *text = boost::json::serialize(problem);
  }
  const Instant now = context.parts.clock.now();
  const auto wait = std::chrono::ceil<Seconds>(files::month_end(files::month_of(now)) - now);
  response.set("Retry-After", std::to_string(wait.count()));
  return response;
}

}  // namespace

http::Representation representation(const files::OpenedFile& file) {
  http::Representation out;
  out.fd = file.fd;
  out.size_bytes = file.record.size_bytes;
  out.etag = file.etag();
  out.modified_s = file.record.mtime_ns / 1'000'000'000;
  out.name = file.record.name.substr(file.record.name.rfind('/') + 1);
  out.media_type = file.record.media_type;
  out.sha256_hex = file.record.sha256;
  return out;
}

http::Response serve_content(Context& context, const http::Request& request, AccountId account,
                             const http::Representation& content) {
  auto response = http::file_response(request, content);
  if (request.method == "HEAD" || !std::holds_alternative<http::FileBody>(response.body)) return response;
  files::Traffic& traffic = context.parts.areas.traffic();
  if (const auto words = traffic.used_up(account); !words.empty())
    return refuse_for_traffic(context, request, words);
  response.on_file_sent = [&traffic, account](std::uint64_t bytes) { traffic.served(account, bytes); };
  return response;
}

}  // namespace restante::api
