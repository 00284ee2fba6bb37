// SPDX-License-Identifier: Apache-2.0
#include "api/page.hpp"

#include <gmock/gmock.h>

namespace restante::api {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string header(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return {};
}

TEST(Page, ShowsAHostileTitleAsText) {
  const auto response = page(200, "</title><script>alert('1')</script>\u202e\n", "<p>well</p>");

  const auto& body = std::get<std::string>(response.body);
  EXPECT_THAT(body, Not(HasSubstr("<script")));
  EXPECT_THAT(body, Not(HasSubstr("\u202e")));
  EXPECT_THAT(body, HasSubstr("&lt;script&gt;alert(&#39;1&#39;)"));
  EXPECT_THAT(body, HasSubstr("<p>well</p>"));
}

TEST(Page, PermitsNoScriptNoFrameAndNoReferrer) {
  const auto response = page(404, "gone", "");

  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(header(response, "Content-Security-Policy"), HasSubstr("default-src 'none'"));
  EXPECT_THAT(header(response, "Content-Security-Policy"), HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(header(response, "Content-Security-Policy"), Not(HasSubstr("unsafe")));
  EXPECT_EQ(header(response, "Referrer-Policy"), "no-referrer");
  EXPECT_EQ(header(response, "Cache-Control"), "private, no-store");
}

}  // namespace
}  // namespace restante::api
