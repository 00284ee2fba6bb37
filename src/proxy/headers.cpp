// SPDX-License-Identifier: Apache-2.0
#include "proxy/headers.hpp"

#include <algorithm>
#include <array>

namespace restante::proxy {

bool is_harmless_header(std::string_view lower_case_name) {
  constexpr std::array<std::string_view, 15> harmless{
      "accept",       "accept-charset", "accept-language", "cache-control", "dnt",     "content-language",
      "content-type", "origin",         "pragma",          "priority",      "referer", "save-data",
      "vary",         "user-agent",     "want-repr-digest"};
  return std::find(harmless.begin(), harmless.end(), lower_case_name) != harmless.end() ||
         lower_case_name.starts_with("sec-fetch-") || lower_case_name.starts_with("sec-ch-") ||
         lower_case_name == "upgrade-insecure-requests";
}

}  // namespace restante::proxy
