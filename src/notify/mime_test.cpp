// SPDX-License-Identifier: Apache-2.0
#include "notify/mime.hpp"

#include "base/text.hpp"
#include "notify/facts.hpp"
#include "notify/mail.hpp"
#include "notify/sender.hpp"

#include <gtest/gtest.h>

namespace restante::notify {
namespace {

const std::string crlf_list[] = {"a\r\nBcc: eve@example.net",
                                 "a\nBcc: eve@example.net",
                                 "a\rBcc: eve",
                                 "a\r\n\r\n<script>",
                                 std::string("a\0b", 3),
                                 "a\r\n.\r\nMAIL FROM:<eve>",
                                 "\xe2\x80\xa8"
                                 "Bcc: eve",
                                 "a\x0b\x0c\x85"
                                 "b"};

Mail mail_with(const std::string& text) {
  Mail mail;
  mail.from_name = mail.subject = text;
  mail.from = "place@home.example";
  mail.to = "ana@example.net";
  mail.date = *from_rfc3339("2026-11-22T17:40:05Z");
  mail.message_id = "0123@home.example";
  mail.fields = {{"List-Id", text}};
  mail.text = text;
  mail.html = "<p>" + text + "</p>";
  return mail;
}

std::size_t count_of(const std::string& text, std::string_view piece) {
  std::size_t count = 0;
  for (auto at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) ++count;
  return count;
}

}  // namespace

TEST(Mime, HasTheSameFieldsWhateverTheValuesHold) {
  for (const auto& hostile : crlf_list) {
    const std::string out = to_mime(mail_with(hostile));
    const std::string head = out.substr(0, out.find("\r\n\r\n"));

    EXPECT_EQ(count_of(head, "\r\nBcc"), 0u) << head;
    EXPECT_EQ(count_of(out, "\r\n.\r\n"), 0u) << "the end of a mail (RFC 5321 §4.1.1.4)";
    EXPECT_EQ(head.find('\0'), std::string::npos);
    for (std::size_t at = 0; at < out.size(); ++at) {
      if (out[at] == '\n') {
        ASSERT_TRUE(at > 0 && out[at - 1] == '\r') << "a bare line feed";
      }
      if (out[at] == '\r') {
        ASSERT_TRUE(at + 1 < out.size() && out[at + 1] == '\n') << "a bare return";
      }
    }
  }
}

TEST(Mime, IsTheSameBytesForTheSameMail) {
  EXPECT_EQ(to_mime(mail_with("Grüße")), to_mime(mail_with("Grüße")));
}

TEST(Mime, WritesOtherThanAsciiAsEncodedWordsThatFitTheirLines) {
  const std::string encoded = header_text(std::string(60, 'a') + " Grüße aus der Herberge am See");

  EXPECT_TRUE(encoded.starts_with("=?utf-8?B?"));
  for (std::size_t begin = 0; begin < encoded.size();) {
    const auto end = std::min(encoded.find("\r\n", begin), encoded.size());
    EXPECT_LE(end - begin, 76u);
    begin = end + 2;
  }
  EXPECT_EQ(header_text("plain"), "plain");
  EXPECT_NE(header_text("=?utf-8?Q?a?="), "=?utf-8?Q?a?=") << "what looks encoded is text";
}

TEST(Mime, KeepsQuotedPrintableLinesShortAndTheirEndsVisible) {
  const std::string out =
      quoted_printable(std::string(200, 'x') + "\n" + "ends with a space \n.hidden\nFrom me");

  for (std::size_t begin = 0; begin < out.size();) {
    const auto end = out.find("\r\n", begin);
    ASSERT_NE(end, std::string::npos);
    EXPECT_LE(end - begin, 76u);
    begin = end + 2;
  }
  EXPECT_NE(out.find("ends with a space=20\r\n=2Ehidden\r\n=46rom me\r\n"), std::string::npos) << out;
}

TEST(Mime, KnowsAddressesThatEveryServerTakes) {
  for (const auto* good : {"ana@example.net", "a.b+c@x-y.example", "o'brien@example.co.uk", "a@localhost"})
    EXPECT_TRUE(is_mail_address(good)) << good;
  for (const std::string bad :
       {"", "ana", "@example.net", "ana@", "a b@example.net", "ana@exa mple.net",
        "ana@example.net\r\nRCPT TO:<b@c>", "\"quoted\"@example.net", "a..b@example.net", ".a@example.net",
        "ana@-x.example", "ana@[127.0.0.1]", "ana@b@c", "ana@example.net>", "anä@example.net",
        "ana@example.net,eve@example.net", "ana(x)@example.net"})
    EXPECT_FALSE(is_mail_address(bad)) << bad;
  EXPECT_FALSE(is_mail_address(std::string(65, 'a') + "@example.net"));
}

TEST(Message, NamesNoFileInItsSubject) {
  Facts facts;
  facts.event = Event::job_done;
  facts.job_name = "secret-plan.pdf";
  facts.file_count = 1;
  facts.files = {{"trip/secret-plan.pdf", 1234567, true, "AAAAAAAAAAAAAAAAAAAAAA"}};

  const Message message = compose({}, facts, {"Home", "https://home.example", "http://nas.lan:8470"});

  EXPECT_EQ(message.title.find("secret"), std::string::npos);
  EXPECT_NE(message.text.find("trip/secret-plan.pdf"), std::string::npos);
  EXPECT_EQ(message.url, "https://home.example/d/AAAAAAAAAAAAAAAAAAAAAA");
  EXPECT_EQ(message.lan_url, "http://nas.lan:8470/d/AAAAAAAAAAAAAAAAAAAAAA");
}

TEST(Message, SaysTheSameAfterItsFactsWereStored) {
  Facts facts;
  facts.event = Event::job_failed;
  facts.at = *from_rfc3339("2026-11-22T17:40:05Z");
  facts.job = JobId{};
  facts.job_name = "a \"quoted\" name\n";
  facts.reason = Reason::not_found;
  facts.detail = "404";
  facts.gathered = {"one", "two"};
  facts.gathered_count = 5;

  const auto again = facts_from_json(to_json(facts));

  ASSERT_TRUE(again);
  const Place place{"Home", "https://home.example", ""};
  const Contact contact;
  EXPECT_EQ(render_mail(contact, compose({}, facts, place), place, "place@home.example"),
            render_mail(contact, compose({}, *again, place), place, "place@home.example"));
}

TEST(Message, WritesHostileNamesAsTextInItsPage) {
  Facts facts;
  facts.event = Event::job_done;
  facts.file_count = 1;
  facts.files = {{"<img src=x onerror=alert(1)>.html", 5, true, "AAAAAAAAAAAAAAAAAAAAAA"}};
  const Place place{"Home", "https://home.example", ""};

  const std::string mail = render_mail({}, compose({}, facts, place), place, "place@home.example");

  EXPECT_EQ(mail.substr(mail.find("text/html")).find("<img"), std::string::npos);
}

TEST(Retry, TriesForThreeDaysAndThenGivesUp) {
  EXPECT_EQ(retry_delay(1), std::chrono::seconds(5));
  EXPECT_EQ(retry_delay(9), std::chrono::hours(24));
  EXPECT_EQ(retry_delay(10), std::nullopt);
}

}  // namespace restante::notify
