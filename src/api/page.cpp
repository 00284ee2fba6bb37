// SPDX-License-Identifier: Apache-2.0
#include "api/page.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"

#include <fmt/format.h>

namespace restante::api {

namespace {

constexpr std::string_view style =
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;"
    "background:#fff}h1{font-size:1.4rem}table{border-collapse:collapse;width:100%}"
    "td,th{padding:.4rem .6rem;text-align:left;border-bottom:1px solid #d0d7de;overflow-wrap:anywhere}"
    "a{color:#0550ae}button,input{font:inherit;padding:.5rem .8rem}label{display:block;margin:.8rem 0 .2rem}"
    "button{background:#0550ae;color:#fff;border:0;border-radius:.3rem;margin-top:1rem}"
    "code{overflow-wrap:anywhere}.error{color:#a40e26}"
    "@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}a{color:#79c0ff}"
    "td,th{border-color:#30363d}.error{color:#ff7b72}}";

/// What the policy calls a style or script by: its digest (CSP 3 §2.3.1, hash-source).
std::string hash_source(std::string_view code) {
  const Digest256 digest = sha256(code);
  return "'sha256-" + to_base64({reinterpret_cast<const char*>(digest.data()), digest.size()}) + "'";
}

}  // namespace

http::Response page(int status, std::string_view title, std::string body) {
  static const std::string policy = "default-src 'none'; style-src " + hash_source(style) +
                                    "; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
  const std::string shown = html_text(title);
  http::Response response;
  response.status = status;
  response.set("Content-Type", "text/html; charset=utf-8");
  response.set("Content-Security-Policy", policy);
  response.set("Referrer-Policy", "no-referrer");
  response.set("Cache-Control", "private, no-store");
  response.set("X-Robots-Tag", "noindex");
  response.body = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>{0}</title><style>{1}</style></head>\n<body><main><h1>{0}</h1>\n"
      "{2}\n</main></body></html>\n",
      shown, style, body);
  return response;
}

}  // namespace restante::api
