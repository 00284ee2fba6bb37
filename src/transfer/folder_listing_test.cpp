// SPDX-License-Identifier: Apache-2.0
#include "transfer/folder_listing.hpp"

#include "base/text.hpp"
#include "net/curl_multi.hpp"
#include "worker/offered.hpp"

#include <gtest/gtest.h>

#include <string>

namespace restante::transfer {
namespace {

using jobs::Offer;

jobs::Offers read(std::string_view text, bool facts = false, bool cut = false) {
  net::warm_up_curl();
  FetchedListing listing;
  listing.text = text;
  listing.facts = facts;
  listing.cut = cut;
  listing.folder = net::parse_ftp_url("ftp://files.test/pub/a%20b/").value();
  listing.now = *from_rfc3339("2026-11-23T08:00:00Z");
  return read_folder_listing(listing);
}

/// "KIND NAME SIZE TIME" of each, for comparing at a glance.
std::string shown(const jobs::Offers& offers) {
  std::string out;
  for (const Offer& one : offers.offers) {
    out += one.kind == Offer::Kind::folder ? "d " : "f ";
    out += one.name + " " + (one.size_bytes ? std::to_string(*one.size_bytes) : "-") + " " +
           (one.modified ? to_rfc3339(*one.modified) : "-") + "\n";
  }
  return out;
}

TEST(FolderListing, ReadsWhatUnixServersWrite) {
  const auto offers = read(
      "total 12\r\n"
      "drwxr-xr-x    2 0        0            4096 Nov 23 07:30 week 1\r\n"
      "-rw-r--r--    1 ftp      ftp    1234567890 Dec 24 23:15 week12.mp4\r\n"
      "-rw-r--r--+   1 ana      domain users    5 Jan  2  2019  two  spaces.txt\r\n"
      "-rw-r--r--    1 0        7 Mar 05 2020 no-group.bin\r\n"
      "-rw-r--r--    1 0 0      9 2026-05-28 20:26 iso.txt\r\n"
      "-rw-r--r--    1 0 0      3 28 May 2026 day-first.txt\r\n"
      "crw-rw-rw-    1 0        0          1,   3 Nov 23 07:30 null\r\n"
      "srwxrwxrwx    1 0        0               0 Nov 23 07:30 socket\r\n"
      "drwxr-xr-x    2 0        0            4096 Nov 23 07:30 .\r\n"
      "drwxr-xr-x    2 0        0            4096 Nov 23 07:30 ..\r\n");

  EXPECT_EQ(shown(offers),
            "f  two  spaces.txt 5 2019-01-02T00:00:00Z\n"
            "f day-first.txt 3 2026-05-28T00:00:00Z\n"
            "f iso.txt 9 2026-05-28T20:26:00Z\n"
            "f no-group.bin 7 2020-03-05T00:00:00Z\n"
            "d week 1 - 2026-11-23T07:30:00Z\n"
            "f week12.mp4 1234567890 2025-12-24T23:15:00Z\n");
  EXPECT_EQ(offers.title, "a b");
  EXPECT_EQ(offers.offers[4].url, "ftp://files.test/pub/a%20b/week%201/");
  EXPECT_TRUE(offers.left_out.empty());
}

TEST(FolderListing, ReadsWhatWindowsServersWrite) {
  const auto offers = read(
      "11-23-26  07:30AM       <DIR>          week 1\r\n"
      "05-28-2026  08:26PM           1234567890 week12.mp4\r\n"
      "12-31-99  12:00AM                    5 old.txt\r\n");

  EXPECT_EQ(shown(offers),
            "f old.txt 5 1999-12-31T00:00:00Z\n"
            "d week 1 - 2026-11-23T07:30:00Z\n"
            "f week12.mp4 1234567890 2026-05-28T20:26:00Z\n");
}

TEST(FolderListing, ReadsFacts) {
  const auto offers = read(
      "type=cdir;modify=20261123073000; .\r\n"
      "Type=Dir;Modify=20261123073000.123;UNIX.mode=0755; week 1\r\n"
      "size=1234567890;type=file;modify=20261224231505; a;b.mp4\r\n"
      "type=OS.unix=slink:/pub/x.iso;size=12; link.iso\r\n"
      "type=file;size=x;modify=20261399000000; odd\r\n"
      "no facts\r\n",
      true);

  EXPECT_EQ(shown(offers),
            "f a;b.mp4 1234567890 2026-12-24T23:15:05Z\n"
            "f link.iso 12 -\n"
            "f odd - -\n"
            "d week 1 - 2026-11-23T07:30:00Z\n");
  EXPECT_EQ(offers.offers[0].url, "ftp://files.test/pub/a%20b/a%3Bb.mp4");
  EXPECT_EQ(offers.left_out.size(), 1U);
}

TEST(FolderListing, FollowsLinksByTheLookOfTheirTargets) {
  const auto offers = read(
      "lrwxrwxrwx    1 0        0              17 Nov 23 07:30 latest -> releases/2026\n"
      "lrwxrwxrwx    1 0        0              17 Nov 23 07:30 latest.iso -> releases/a.iso\n");

  EXPECT_EQ(shown(offers),
            "d latest - 2026-11-23T07:30:00Z\n"
            "f latest.iso - 2026-11-23T07:30:00Z\n");
}

TEST(FolderListing, AsksForTheBytesOfANameAndShowsLetters) {
  const auto offers = read(
      "-rw-r--r-- 1 0 0 5 Nov 23 07:30 \xFC"
      "ber.txt\n"
      "-rw-r--r-- 1 0 0 5 Nov 23 07:30 \xC3\xBC"
      "100%?#.txt\n"
      "-rw-r--r-- 1 0 0 5 Nov 23 07:30 a\\b\n"
      "-rw-r--r-- 1 0 0 5 Nov 23 07:30 ~root\n");

  ASSERT_EQ(offers.offers.size(), 4U);
  EXPECT_EQ(offers.offers[0].name, "a_b");
  EXPECT_EQ(offers.offers[0].url, "ftp://files.test/pub/a%20b/a%5Cb");
  EXPECT_EQ(offers.offers[1].url, "ftp://files.test/pub/a%20b/%7Eroot");
  EXPECT_EQ(offers.offers[2].url, "ftp://files.test/pub/a%20b/%C3%BC100%25%3F%23.txt");
  EXPECT_EQ(offers.offers[3].name,
            "\xC3\xBC"
            "ber.txt");
  EXPECT_EQ(offers.offers[3].url, "ftp://files.test/pub/a%20b/%FCber.txt");
  for (const Offer& one : offers.offers) EXPECT_EQ(net::parse_ftp_url(one.url)->text, one.url);
}

TEST(FolderListing, LeavesOutNamesThatLeadElsewhere) {
  const auto offers = read(std::string("-rw-r--r-- 1 0 0 5 Nov 23 07:30 ../../etc/passwd\n"
                                       "-rw-r--r-- 1 0 0 5 Nov 23 07:30 /etc/passwd\n"
                                       "-rw-r--r-- 1 0 0 5 Nov 23 07:30 a\rDELE b\n"
                                       "-rw-r--r-- 1 0 0 5 Nov 23 07:30 a\x1b[2Jb\n"
                                       "-rw-r--r-- 1 0 0 5 Nov 23 07:30 ") +
                           std::string(300, 'x') +
                           "\n-rw-r--r-- 1 0 0 5 Nov 23 07:30 ..\\..\\boot.ini\n"
                           "-rw-r--r-- 1 0 0 5 Nov 23 07:30 good\n");

  EXPECT_EQ(shown(offers),
            "f .._.._boot.ini 5 2026-11-23T07:30:00Z\n"
            "f good 5 2026-11-23T07:30:00Z\n");
  ASSERT_EQ(offers.left_out.size(), 1U);
  EXPECT_EQ(offers.left_out[0].what, "5 of its entries");
}

TEST(FolderListing, OffersEveryNameOnce) {
  const auto offers = read(
      "-rw-r--r-- 1 0 0 5 Nov 23 07:30 a\n-rw-r--r-- 1 0 0 6 Nov 23 07:30 b\n"
      "-rw-r--r-- 1 0 0 7 Nov 23 07:30 a\n");

  EXPECT_EQ(offers.offers.size(), 2U);
}

TEST(FolderListing, SaysWhatIsMissing) {
  const auto offers = read("220 hello\nsomething else\n-rw-r--r-- 1 0 0 5 Nov 23 07:30 cut", false, true);

  EXPECT_TRUE(offers.offers.empty());
  ASSERT_EQ(offers.left_out.size(), 2U);
  EXPECT_EQ(offers.left_out[0].what, "2 lines of the listing");
  EXPECT_EQ(offers.left_out[1].what, "the end of the listing");
}

}  // namespace
}  // namespace restante::transfer
