// SPDX-License-Identifier: Apache-2.0
#include "net/dav_client.hpp"

#include "net/imap_client.hpp"

#include <gtest/gtest.h>

namespace restante::net {
namespace {

const std::string folder = "https://dav.example/in/box/";

std::string entry(const std::string& href,
                  const std::string& more = "<D:getcontentlength>5</D:getcontentlength>") {
  return "<D:response><D:href>" + href + "</D:href><D:propstat><D:prop>" + more +
         "<D:getetag>\"e\"</D:getetag></D:prop><D:status>HTTP/1.1 200 "
         "OK</D:status></D:propstat></D:response>";
}

std::vector<std::string> names(const std::string& entries) {
  const auto files = files_in(
      "<?xml version=\"1.0\"?><D:multistatus xmlns:D=\"DAV:\">" + entries + "</D:multistatus>", folder);
  std::vector<std::string> out;
  if (files)
    for (const auto& one : *files) out.push_back(one.name);
  return out;
}

using List = std::vector<std::string>;

TEST(DavClient, ListsTheFilesInTheFolderItself) {
  EXPECT_EQ(
      names(entry("/in/box/") + entry("/in/box/a.restante") + entry("https://dav.example/in/box/b%20c")),
      (List{"a.restante", "b%20c"}));
}

TEST(DavClient, PassesOverWhatLiesElsewhere) {
  for (const auto* href : {"/in/other/a", "/in/box/../a", "/in/box/sub/a", "https://evil.example/in/box/a",
                           "http://dav.example/in/box/a", "//evil.example/in/box/a", "/in/box/.hidden",
                           "/in/box/%2e%2e", "/in/box/a%2Fb", "/in/box/a?b", "", "/in/boxa"})
    EXPECT_TRUE(names(entry(href)).empty()) << href;
}

TEST(DavClient, PassesOverFoldersAndWhatHasNoSize) {
  EXPECT_TRUE(names(entry("/in/box/a",
                          "<D:resourcetype><D:collection/></D:resourcetype>"
                          "<D:getcontentlength>5</D:getcontentlength>"))
                  .empty());
  EXPECT_TRUE(names(entry("/in/box/a", "")).empty());
  EXPECT_TRUE(names(entry("/in/box/a", "<D:getcontentlength>5x</D:getcontentlength>")).empty());
}

TEST(DavClient, ExpandsNothingThatADocumentTypeNames) {
  EXPECT_TRUE(
      files_in("<!DOCTYPE a [<!ENTITY x \"/in/box/a\">]><multistatus><response><href>&x;</href></response>"
               "</multistatus>",
               folder)
          .value_or(std::vector<DavFile>{})
          .empty());
  EXPECT_EQ(files_in("<html/>", folder).error().reason, Reason::malformed);
  EXPECT_EQ(files_in("nothing", folder).error().reason, Reason::malformed);
}

TEST(DavClient, TakesNoFolderThatIsNotEncrypted) {
  EXPECT_TRUE(check(DavFolder{"https://dav.example/in/", "", "", ""}));
  EXPECT_TRUE(check(DavFolder{"http://127.0.0.1:81/", "", "", ""}));
  for (const auto* url : {"http://dav.example/in/", "https://dav.example/in", "https://u:p@dav.example/in/",
                          "https://dav.example/in/?a/", "ftp://dav.example/in/"})
    EXPECT_FALSE(check(DavFolder{url, "", "", ""})) << url;
}

TEST(ImapClient, TakesNoFolderThatIsNotEncryptedOrNamedOddly) {
  const auto fits = [](const std::string& url, bool starttls = true) {
    ImapFolder one;
    one.url = url;
    one.starttls = starttls;
    return check(one).has_value();
  };
  EXPECT_TRUE(fits("imaps://mail.example/INBOX"));
  EXPECT_TRUE(fits("imap://mail.example"));
  EXPECT_TRUE(fits("imap://127.0.0.1:143/My%20box", false));
  EXPECT_FALSE(fits("imap://mail.example/INBOX", false));
  for (const auto* url :
       {"imaps://u:p@mail.example/INBOX", "https://mail.example/INBOX", "imaps://mail.example/a;UID=1",
        "imaps://mail.example/a\"b", "imaps://mail.example/a%0d%0ab", "imaps://mail.example/a?b"})
    EXPECT_FALSE(fits(url)) << url;
}

}  // namespace
}  // namespace restante::net
