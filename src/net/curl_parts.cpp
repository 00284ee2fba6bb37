// SPDX-License-Identifier: Apache-2.0
#include "net/curl_parts.hpp"

namespace restante::net {

std::optional<std::string> part(CURLU* url, CURLUPart which, unsigned flags) {
  char* text = nullptr;
  const CURLUcode code = curl_url_get(url, which, &text, flags);
  if (text == nullptr) return std::nullopt;
  std::string copy(text);
  curl_free(text);  // also after an error: libcurl 7.88 leaves a host behind that has no xn-- form
  return code == CURLUE_OK ? std::optional(copy) : std::nullopt;
}

bool is_this_machine(std::string_view host) {
  return host == "localhost" || host == "::1" || host == "[::1]" || host.starts_with("127.");
}

}  // namespace restante::net
