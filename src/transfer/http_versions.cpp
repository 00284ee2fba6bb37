// SPDX-License-Identifier: Apache-2.0
#include "transfer/http_versions.hpp"

#include <algorithm>

namespace restante::transfer {

std::optional<HttpVersions::Http2> HttpVersions::parse(std::string_view text) {
  if (text == "never") return Http2::never;
  if (text == "needed") return Http2::needed;
  if (text == "always") return Http2::always;
  return std::nullopt;
}

bool HttpVersions::asks_by_http2(const net::HttpUrl& url) const {
  if (url.scheme != "https" || use_ == Http2::never) return false;
  return use_ == Http2::always || need_it_.contains(url.origin);
}

bool HttpVersions::turns_to_http2(const net::HttpUrl& url) {
  if (url.scheme != "https" || use_ == Http2::never || asks_by_http2(url)) return false;
  if (need_it_.size() >= most_) need_it_.clear();
  need_it_.insert(url.origin);
  return true;
}

bool HttpVersions::refuses_http1(const HeaderBlock& head) {
  if (head.http2) return false;
  const auto upgrades = head.tokens("upgrade");
  return head.status == 505 ||
         (head.status == 426 && std::find(upgrades.begin(), upgrades.end(), "h2") != upgrades.end());
}

}  // namespace restante::transfer
