// SPDX-License-Identifier: Apache-2.0
#include "jobs/edit.hpp"

#include "proxy/document.hpp"

#include <gtest/gtest.h>

namespace restante::jobs {
namespace {

proxy::Document document_of(const std::string& files) {
  auto document = proxy::parse(R"({"v":1,"id":"01999f3c-7a10-7c54-9a1f-3b8f0c2d4e5a","aud":[{"jkt":")" +
                               std::string(43, 'A') +
                               R"("}],"iat":1795305600,"exp":1795392000,"what":{"files":[)" + files + "]}}");
  if (!document) throw std::runtime_error(document.error().message);
  return std::move(*document);
}

proxy::Document one_file() {
  return document_of(
      R"({"sources":[{"url":"https://old.test/a?sig=1","pri":1,"request":{"headers":)"
      R"([["X-Mine","only for old.test"],["Accept-Language","de"],["Referer","https://old.test/page"]]}}]})");
}

Result<proxy::Document> with_link(proxy::Document document, const std::string& url) {
  Change change;
  change.sources = std::vector<std::string>{url};
  return edited(std::move(document), change);
}

TEST(NewLink, AtTheSameOriginIsAskedLikeTheOneBefore) {
  const auto next = with_link(one_file(), "https://old.test/a?sig=2");

  ASSERT_TRUE(next) << next.error().message;
  const auto& sources = next->files.at(0).sources;
  ASSERT_EQ(sources.size(), 1u);
  EXPECT_EQ(sources[0].url, "https://old.test/a?sig=2");
  EXPECT_EQ(sources[0].request.headers.size(), 2u) << "the third is a secret, with a scope of its own";
}

TEST(NewLink, ElsewhereGetsNothingThatWasMeantForTheOneBefore) {
  for (const char* url : {"https://new.test/a", "https://old.test:8443/a", "http://old.test/a"}) {
    const auto next = with_link(one_file(), url);

    ASSERT_TRUE(next) << next.error().message;
    const auto& headers = next->files.at(0).sources.at(0).request.headers;
    ASSERT_EQ(headers.size(), 1u) << url;
    EXPECT_EQ(headers[0].first, "Accept-Language");
  }
}

TEST(NewLink, ThatCannotBeUsedIsRefusedByName) {
  const auto reason = [](const std::string& url) {
    const auto next = with_link(one_file(), url);
    return next ? Reason::internal : next.error().reason;
  };

  EXPECT_EQ(reason("ftp://new.test/a"), Reason::scheme);
  EXPECT_EQ(reason("https://ana:secret@new.test/a"), Reason::invalid);
  EXPECT_EQ(reason("no link"), Reason::scheme);
  EXPECT_EQ(with_link(one_file(), "ftp://new.test/a").error().pointer, "/sources/0/url");
}

TEST(NewLink, BelongsToOneFile) {
  const auto next = with_link(
      document_of(R"({"sources":[{"url":"https://a.test/1"}]},{"sources":[{"url":"https://a.test/2"}]})"),
      "https://new.test/1");

  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().reason, Reason::conflict);
}

TEST(NewLink, MakesWhatIsHereWaitForItsProof) {
  FileRow row;
  row.source = 2;
  row.old = OldPartial{};

  relink(row);

  EXPECT_EQ(row.source, 0);
  EXPECT_TRUE(row.checkpoint.relinked);
  EXPECT_TRUE(row.old->checkpoint.relinked);
}

}  // namespace
}  // namespace restante::jobs
