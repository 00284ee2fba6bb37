// SPDX-License-Identifier: Apache-2.0
#include "transfer/redirects.hpp"

namespace restante::transfer {

Result<Hop> next_hop(const Hop& from, int status, std::string_view location) {
  auto target = net::resolve_url(from.url, location);
  if (!target) {
    return fail(Reason::redirect_refused,
                from.url.host + " pointed to a place that we do not follow: " + target.error().message);
  }
  if (from.url.scheme == "https" && target->scheme == "http") {
    return fail(Reason::redirect_refused,
                from.url.host + " pointed from https to http, where anybody can read along");
  }
  Hop hop{std::move(*target), from.method, from.with_body};
  const bool keeps = status == 307 || status == 308;
  const bool to_get =
      (status == 303 && from.method != "HEAD") || (!keeps && status != 303 && from.method == "POST");
  if (to_get) {
    hop.method = "GET";
    hop.with_body = false;
  }
  if (hop.with_body && hop.url.origin != from.url.origin) {
    return fail(Reason::redirect_refused,
                from.url.host + " wanted the request's body to go to " + hop.url.host);
  }
  return hop;
}

Result<void> RedirectTrail::enter(const Hop& hop) {
  origins_.push_back(hop.url.origin);
  if (!seen_.insert(hop.method + " " + hop.url.text).second) {
    return fail(Reason::redirect_loop, hop.url.host + " sent us in circles");
  }
  if (static_cast<int>(seen_.size()) > limit_ + 1) {
    return fail(Reason::redirect_loop, "more than " + std::to_string(limit_) + " redirects");
  }
  return {};
}

std::string RedirectTrail::way() const {
  std::string out;
  for (std::size_t i = 0; origins_.size() > 1 && i < origins_.size(); ++i)
    out += (i == 0 ? "" : " > ") + origins_[i];
  return out;
}

}  // namespace restante::transfer
