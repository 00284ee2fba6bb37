// SPDX-License-Identifier: Apache-2.0
#include "request/sealing.hpp"

#include "base/text.hpp"
#include "proxy/envelope.hpp"
#include "request/compose.hpp"
#include "request/mailbox.hpp"
#include "request/test_place.hpp"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace restante::request {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Instant now = *from_rfc3339("2026-11-22T11:00:00Z");
const std::int64_t seconds_now = std::chrono::floor<Seconds>(now).time_since_epoch().count();

/// A place with keys, and a device that is connected to it.
struct Connected : proxy::EnvelopeKeys {
  TestFolder folder;
  Home home = std::move(*Home::open_at(folder / "h"));
  proxy::PrivateKey identity = proxy::PrivateKey::generate();
  proxy::PrivateKey device = proxy::PrivateKey::generate();
  std::shared_ptr<const proxy::PrivateKey> sealing =
      std::make_shared<const proxy::PrivateKey>(proxy::PrivateKey::generate());
  Place place = test_place();

  Connected() {
    place.jkt = identity.public_key().thumbprint();
    place.device_jkt = device.public_key().thumbprint();
    place.keys = keys_at(seconds_now);
    EXPECT_TRUE(home.write(device_key_file(place.name), device.pem()));
  }

  std::string keys_at(std::int64_t issued) const {
    return proxy::sign_key_set(identity,
                               {identity.public_key().thumbprint(), issued, {sealing->public_key()}});
  }
  std::shared_ptr<const proxy::PrivateKey> decryption_key(std::string_view kid) const override {
    return proxy::names_key(kid, sealing->public_key().thumbprint()) ? sealing : nullptr;
  }
  std::optional<proxy::PublicKey> device_key(std::string_view jkt) const override {
    if (jkt != place.device_jkt) return std::nullopt;
    return device.public_key();
  }
  Result<void> told(const std::string& json) {
    return take_place(home, place, boost::json::parse(json).as_object(), now);
  }
};

TEST(Sealing, ThePlaceOpensExactlyWhatTheDeviceSealed) {
  Connected both;
  for (const auto form : {proxy::SealedForm::compact, proxy::SealedForm::json}) {
    const auto sealed = seal_request(both.home, both.place, R"({"v":1})", seconds_now + 60, form);

    ASSERT_TRUE(sealed) << sealed.error().message;
    const auto opened = proxy::open_document(*sealed, both, now);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->core.text, R"({"v":1})");
    EXPECT_EQ(opened->device, both.place.device_jkt);
    EXPECT_TRUE(opened->sealed);
  }
}

TEST(Sealing, WithoutKeysOfThePlaceNothingIsSealed) {
  Connected both;
  both.place.keys.clear();

  EXPECT_EQ(keys_of(both.place).error().reason, Reason::not_found);
  EXPECT_FALSE(seal_request(both.home, both.place, "{}", seconds_now, proxy::SealedForm::compact));
}

TEST(Sealing, KnowsThePlaceByTheKeyThatADocumentIsFor) {
  Connected both;
  Connected other;
  other.place.name = "other";
  const std::vector<Place> places{both.place, other.place};
  const auto sealed = proxy::seal_for(other.sealing->public_key(), "x", 1, proxy::SealedForm::compact);

  const Place* found = place_of(places, proxy::read_sealed_head(sealed)->kid);

  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, "other");
  EXPECT_EQ(place_of(places, std::string(11, 'A')), nullptr);
}

TEST(TakePlace, FollowsThePlacesNewKeys) {
  Connected both;
  both.sealing = std::make_shared<const proxy::PrivateKey>(proxy::PrivateKey::generate());
  const std::string fresh = both.keys_at(seconds_now + 1);

  ASSERT_TRUE(both.told(R"({"tz":"Asia/Tokyo","keys":")" + fresh + R"("})"));

  EXPECT_EQ(both.place.keys, fresh);
  EXPECT_EQ(both.place.tz, "Asia/Tokyo");
  EXPECT_EQ(both.place.looked, now);
}

TEST(TakePlace, RefusesOlderKeysAndThoseOfAnotherSigner) {
  Connected both;
  Connected hostile;
  const std::string known = both.place.keys;
  const std::string older = both.keys_at(seconds_now - 1);

  for (const std::string& keys : {older, hostile.place.keys, known.substr(0, known.size() - 4) + "AAAA"}) {
    const auto taken =
        both.told(R"({"keys":")" + keys + R"(","mailboxes":[{"kind":"mail","address":"x@evil"}]})");

    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().reason, Reason::bad_signature);
    EXPECT_EQ(both.place.keys, known);
    EXPECT_TRUE(both.place.mailboxes.empty());
  }
}

TEST(TakePlace, TakesMailboxesInTheirOrderAndLeavesOutWhatIsNone) {
  Connected both;

  ASSERT_TRUE(both.told(
      R"({"mailboxes":[{"kind":"webdav","url":"https://dav.example/in/","user":"u","password":"K4N4RYdav"},)"
      R"({"kind":"mail","address":"box@example.org"},{"kind":"pigeon","address":"coo"},7,)"
      R"({"kind":"webdav","url":"http://dav.example/in/"},{"kind":"webdav","url":"https://u:p@dav.example/"},)"
      R"({"kind":"mail","address":"box@example.org\r\nBcc: x@example.org"}]})"));

  ASSERT_EQ(both.place.mailboxes.size(), 2u);
  EXPECT_EQ(both.place.mailboxes[0].address, "https://dav.example/in/");
  EXPECT_EQ(both.place.mailboxes[0].user, "u");
  EXPECT_EQ(both.place.mailboxes[1].address, "box@example.org");
  ASSERT_TRUE(save_places(both.home, {both.place}));
  EXPECT_THAT(both.home.read("places.json")->value(), Not(HasSubstr("K4N4RYdav")));
  const auto loaded = load_places(both.home);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->front().mailboxes[0].sealed_password, both.place.mailboxes[0].sealed_password);
  EXPECT_EQ(loaded->front().keys, both.place.keys);
  EXPECT_EQ(loaded->front().looked, now);
}

TEST(LookAgain, SavesWhatThePlaceSays) {
  Connected both;
  const std::string fresh = both.keys_at(seconds_now + 5);
  TestPlace stub([&](const std::string&) {
    return net::stub_answer(200, json_header,
                            R"({"name":"p","tz":"UTC","keys":")" + fresh + R"(","mailboxes":[]})");
  });
  both.place.url = stub.place.url;
  ASSERT_TRUE(save_places(both.home, {both.place}));
  Calls calls(stub.client, both.place);

  ASSERT_TRUE(look_again(both.home, calls, both.place, now));

  EXPECT_EQ(both.place.keys, fresh);
  EXPECT_EQ(load_places(both.home)->front().keys, fresh);
}

TEST(Mailbox, LeavesADocumentInAFolderWithTheToldSignInOnce) {
  Connected both;
  std::string seen;
  int status = 201;
  net::StubServer dav([&](const std::string& request) {
    seen = request;
    return net::stub_answer(status, "", "");
  });
  ASSERT_TRUE(both.told(R"({"mailboxes":[{"kind":"webdav","url":")" + dav.url("/in/") +
                        R"(","user":"u","password":"open sesame"}]})"));

  const auto left = leave_at_mailbox(both.home, both.place, "a.b.c.d.e", "id-1", now);
  status = 412;
  const auto again = leave_at_mailbox(both.home, both.place, "a.b.c.d.e", "id-1", now);
  status = 507;
  const auto full = leave_at_mailbox(both.home, both.place, "a.b.c.d.e", "id-1", now);

  ASSERT_TRUE(left) << left.error().message;
  EXPECT_EQ(*left, dav.url("/in/"));
  EXPECT_TRUE(again);
  ASSERT_FALSE(full);
  EXPECT_THAT(full.error().message, HasSubstr("507"));
  EXPECT_THAT(seen, HasSubstr("PUT /in/id-1.restante "));
  EXPECT_THAT(seen, HasSubstr("If-None-Match: *\r\n"));
  EXPECT_THAT(seen, HasSubstr("Content-Type: application/jose\r\n"));
  EXPECT_THAT(seen, HasSubstr("Authorization: Basic " + to_base64("u:open sesame") + "\r\n"));
  EXPECT_THAT(seen, HasSubstr("\r\n\r\na.b.c.d.e"));
}

TEST(Mailbox, TriesTheNextOneWhenOneDoesNotTakeIt) {
  Connected both;
  net::StubServer broken([&](const std::string&) { return net::stub_answer(500, "", ""); });
  net::StubServer working([&](const std::string&) { return net::stub_answer(201, "", ""); });
  ASSERT_TRUE(
      both.told(R"({"mailboxes":[{"kind":"mail","address":"box@example.org"},{"kind":"webdav","url":")" +
                broken.url("/") + R"("},{"kind":"webdav","url":")" + working.url("/") + R"("}]})"));

  EXPECT_EQ(leave_at_mailbox(both.home, both.place, "d", "id", now).value(), working.url("/"));
}

TEST(Mailbox, SaysThatThereIsNoneThatThisDeviceCanUse) {
  Connected both;
  ASSERT_TRUE(both.told(R"({"mailboxes":[{"kind":"mail","address":"box@example.org"}]})"));

  const auto left = leave_at_mailbox(both.home, both.place, "d", "id", now);

  ASSERT_FALSE(left);
  EXPECT_EQ(left.error().reason, Reason::not_found);
  EXPECT_THAT(left.error().hint, HasSubstr("restante mail set"));
}

TEST(OutgoingMail, IsKeptSealedAndForgotten) {
  Connected both;
  OutgoingMail mail;
  mail.server.url = "smtps://mail.example:465";
  mail.server.user = "ana";
  mail.server.password = "K4N4RYmail";
  mail.server.ca_bundle = "/etc/ssl/certs/ca-certificates.crt";
  mail.from = "ana@example.org";

  ASSERT_TRUE(save_mail(both.home, mail));

  const auto loaded = load_mail(both.home);
  ASSERT_TRUE(loaded && *loaded);
  EXPECT_EQ((*loaded)->server.password, "K4N4RYmail");
  EXPECT_EQ((*loaded)->from, mail.from);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(both.folder / "h")) {
    std::ifstream file(entry.path(), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    EXPECT_EQ(text.str().find("K4N4RYmail"), std::string::npos) << entry.path();
  }
  ASSERT_TRUE(forget_mail(both.home));
  EXPECT_FALSE(load_mail(both.home)->has_value());
}

TEST(OutgoingMail, RefusesSendersThatAreNoAddress) {
  Connected both;
  OutgoingMail mail;
  mail.server.url = "smtps://mail.example";
  for (const char* from : {"", "ana", "ana@", "@example.org", "a@b@c", "ana@example.org\r\nBcc: x@y"}) {
    mail.from = from;
    EXPECT_EQ(save_mail(both.home, mail).error().reason, Reason::usage) << from;
  }
}

}  // namespace
}  // namespace restante::request
