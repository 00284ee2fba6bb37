// SPDX-License-Identifier: Apache-2.0
#include "worker/messages.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace restante::worker {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

/// Every field differs from its default.
Start full_start() {
  Start start;
  start.transfer = 7;
  auto& o = start.order;
  o.account = AccountId{-3};
  o.job = *JobId::parse("00112233445566778899aabbccddeeff");
  o.file = 2;
  o.source.url = "https://example.org/ä?q=1";
  o.source.priority = 5;
  o.source.credential_ids = {"a", "b"};
  o.source.request.method = "POST";
  o.source.request.headers = {{"Accept", "*/*"}, {"X-Raw", "caf\xe9"}};
  o.source.request.body = std::string("\0\xff body", 7);
  proxy::Credential c;
  c.id = "a";
  c.kind = proxy::CredentialKind::cookies;
  c.scope = {"https://example.org", "http://example.org:8080"};
  c.user = "u\"ser";
  c.password = "p\\ass";
  c.token = "tok";
  c.cookies = {{"n", "v", "example.org", "/x", "example.org", true, 1800000000},
               {"m", "w", "h", "/", "", false, {}}};
  c.headers = {{"X-Api-Key", "k"}};
  c.certificate = "C";
  c.key = "K";
  c.token_endpoint = "E";
  c.client_id = "I";
  c.client_secret = "S";
  c.host_key = "H";
  c.refresh_token = "R";
  c.expires = 5;
  o.credentials = {c};
  for (auto kind :
       {proxy::CredentialKind::basic, proxy::CredentialKind::bearer, proxy::CredentialKind::headers,
        proxy::CredentialKind::tls, proxy::CredentialKind::oauth, proxy::CredentialKind::digest}) {
    c.kind = kind;
    o.credentials.push_back(c);
  }
  o.allow_lan = true;
  o.probe = true;
  o.offset = 18446744073709551615u;
  o.if_range = "\"etag\"";
  o.last_modified = "Mon, 01 Jun 2026 10:00:00 GMT";
  o.relinked = true;
  o.known_size = 9007199254740993u;
  o.max_bytes = 1;
  o.rate_bytes_per_s = 2;
  o.room_bytes = 3;
  o.room_reason = Reason::quota;
  o.digest_algorithm = "sha-256";
  o.digest_hex = "ab";
  o.others.resize(2);
  o.others[1].source = o.source;
  o.others[1].credentials = {c};
  o.connections = 4;
  o.have = {{5, 6}, {8, 10}};
  o.piece_digests = {"sha", 1048576, "\xff\x01"};
  o.allow_empty = true;
  o.wanted_name = "n.zip";
  o.wanted_type = "a/b";
  o.seen_type = "c/d";
  o.stall = 1234ms;
  return start;
}

Finished full_finished() {
  Finished finished;
  finished.transfer = 9;
  auto& r = finished.result;
  r.outcome = jobs::Outcome::restart;
  r.reason = Reason::source_changed;
  r.message = "it changed";
  r.transient = true;
  r.retry_after = 90s;
  r.received_bytes = 5000000000u;
  r.digest_hex = "cd";
  r.facts.http_status = 206;
  r.facts.final_url = "https://example.org/a";
  r.facts.name_hint = "na\xefve.bin";
  r.facts.media_type = "application/zip";
  r.facts.total_bytes = 10;
  r.facts.offset = 3;
  r.facts.etag = "\"\xe9\"";
  r.facts.last_modified = "Sun, 06 Nov 1994 08:49:37 GMT";
  r.facts.ranges = true;
  r.facts.web_page = true;
  r.facts.coding = "gzip";
  r.coded_bytes = 77;
  r.apart = {{5, {1, 2, "d"}}};
  return finished;
}

json::object as_object(const std::string& packet) {
  return json::parse(packet).as_object();
}

/// Every place in a JSON value where a member or element stands, as a copy with that one changed.
void each_change(const json::value& value, const std::function<void(const json::value&)>& see) {
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      json::object without = *object;
      without.erase(member.key());
      see(without);
      json::object more = *object;
      more["surplus-" + std::string(member.key())] = 1;
      see(more);
      each_change(member.value(), [&](const json::value& inner) {
        json::object changed = *object;
        changed[member.key()] = inner;
        see(changed);
      });
    }
  } else if (const auto* array = value.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i)
      each_change((*array)[i], [&](const json::value& inner) {
        json::array changed = *array;
        changed[i] = inner;
        see(changed);
      });
  }
  if (!value.is_null()) see(json::value(nullptr));
  if (!value.is_bool()) see(json::value(true));
  if (!value.is_number()) see(json::value(1.5));
}

TEST(Messages, AStartArrivesWithEveryField) {
  const ToWorker sent = full_start();

  const std::string packet = encode(sent);
  auto back = decode_to_worker(packet);

  ASSERT_TRUE(back) << back.error().message;
  const auto& order = std::get<Start>(*back).order;
  const auto expected = full_start().order;
  EXPECT_EQ(std::get<Start>(*back).transfer, 7u);
  EXPECT_EQ(order.account, expected.account);
  EXPECT_EQ(order.job, expected.job);
  EXPECT_EQ(order.file, 2);
  EXPECT_EQ(order.source.url, expected.source.url);
  EXPECT_EQ(order.source.priority, 5);
  EXPECT_EQ(order.source.credential_ids, expected.source.credential_ids);
  EXPECT_EQ(order.source.request.method, "POST");
  EXPECT_EQ(order.source.request.headers, expected.source.request.headers);
  EXPECT_EQ(order.source.request.body, expected.source.request.body);
  ASSERT_EQ(order.credentials.size(), 7u);
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(order.credentials[i].kind, expected.credentials[i].kind);
  const auto& c = order.credentials[0];
  EXPECT_EQ(c.scope, expected.credentials[0].scope);
  EXPECT_EQ(c.id + c.user + c.password + c.token, "au\"serp\\asstok");
  ASSERT_EQ(c.cookies.size(), 2u);
  EXPECT_EQ(
      c.cookies[0].name + c.cookies[0].value + c.cookies[0].host + c.cookies[0].path + c.cookies[0].domain,
      "nvexample.org/xexample.org");
  EXPECT_TRUE(c.cookies[0].secure);
  EXPECT_EQ(c.cookies[0].expires, 1800000000);
  EXPECT_FALSE(c.cookies[1].expires);
  EXPECT_EQ(c.headers, expected.credentials[0].headers);
  EXPECT_EQ(c.host_key, "H");
  EXPECT_EQ(c.certificate + c.key + c.token_endpoint + c.client_id + c.client_secret + c.refresh_token,
            "CKEISR");
  EXPECT_EQ(c.expires, 5);
  EXPECT_TRUE(order.allow_lan && order.probe && order.allow_empty);
  EXPECT_EQ(order.offset, 18446744073709551615u);
  EXPECT_EQ(order.if_range, "\"etag\"");
  EXPECT_EQ(order.last_modified, "Mon, 01 Jun 2026 10:00:00 GMT");
  EXPECT_TRUE(order.relinked);
  EXPECT_EQ(order.known_size, 9007199254740993u);
  EXPECT_EQ(order.max_bytes, 1u);
  EXPECT_EQ(order.rate_bytes_per_s, 2u);
  EXPECT_EQ(order.room_bytes, 3u);
  EXPECT_EQ(order.room_reason, Reason::quota);
  EXPECT_EQ(order.digest_algorithm + order.digest_hex, "sha-256ab");
  EXPECT_EQ(order.wanted_name + order.wanted_type + order.seen_type, "n.zipa/bc/d");
  EXPECT_EQ(order.stall, 1234ms);
}

TEST(Messages, AFinishedArrivesWithEveryField) {
  const ToServer sent = full_finished();

  auto back = decode_to_server(encode(sent));

  ASSERT_TRUE(back) << back.error().message;
  const auto& r = std::get<Finished>(*back).result;
  EXPECT_EQ(std::get<Finished>(*back).transfer, 9u);
  EXPECT_EQ(r.outcome, jobs::Outcome::restart);
  EXPECT_EQ(r.reason, Reason::source_changed);
  EXPECT_EQ(r.message, "it changed");
  EXPECT_TRUE(r.transient);
  EXPECT_EQ(r.retry_after, 90s);
  EXPECT_EQ(r.received_bytes, 5000000000u);
  EXPECT_EQ(r.digest_hex, "cd");
  EXPECT_EQ(r.facts.http_status, 206);
  EXPECT_EQ(r.facts.final_url, "https://example.org/a");
  EXPECT_EQ(r.facts.name_hint, "na\xefve.bin");
  EXPECT_EQ(r.facts.media_type, "application/zip");
  EXPECT_EQ(r.facts.total_bytes, 10u);
  EXPECT_EQ(r.facts.offset, 3u);
  EXPECT_EQ(r.facts.etag, "\"\xe9\"");
  EXPECT_EQ(r.facts.last_modified, "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_TRUE(r.facts.ranges && r.facts.web_page);
  EXPECT_EQ(r.facts.coding, "gzip");
  EXPECT_EQ(r.coded_bytes, 77u);
}

TEST(Messages, TheSmallOnesArriveWithEveryField) {
  auto resolved = decode_to_worker(encode(ToWorker(Resolved{
      1, 2, {"192.0.2.1", "2001:db8::1"}, Error{Reason::address, "private", "hint", "/files/0", true}})));
  auto stop = decode_to_worker(encode(ToWorker(Stop{3})));
  auto resolve = decode_to_server(encode(ToServer(Resolve{4, 5, "https", "example.org", 443})));
  auto responded = decode_to_server(encode(ToServer(Responded{6, full_finished().result.facts})));
  auto progress =
      decode_to_server(encode(ToServer(Progress{7, 8, 9, {1, piece_bytes + 3, std::string(16, '\xfe')}})));
  auto ready = decode_to_server(encode(ToServer(Ready{{"seccomp", "landlock"}})));
  auto renewed = decode_to_server(encode(ToServer(Renewed{1, {"c1", "access", "refresh", 9}})));
  auto kept = decode_to_worker(encode(ToWorker(Kept{2, Error{Reason::disk_full, "full", {}, {}, true}})));

  ASSERT_TRUE(resolved && stop && resolve && responded && progress && ready && renewed && kept);
  const auto& tokens = std::get<Renewed>(*renewed).tokens;
  EXPECT_EQ(tokens.credential_id + tokens.access_token + tokens.refresh_token, "c1accessrefresh");
  EXPECT_EQ(tokens.expires, 9);
  EXPECT_EQ(std::get<Kept>(*kept).refused->reason, Reason::disk_full);
  const auto& r = std::get<Resolved>(*resolved);
  EXPECT_EQ(r.transfer + r.hop * 10, 21u);
  EXPECT_EQ(r.addresses, (std::vector<std::string>{"192.0.2.1", "2001:db8::1"}));
  ASSERT_TRUE(r.refused);
  EXPECT_EQ(r.refused->reason, Reason::address);
  EXPECT_EQ(r.refused->message + r.refused->hint + r.refused->pointer, "privatehint/files/0");
  EXPECT_TRUE(r.refused->transient);
  EXPECT_EQ(std::get<Stop>(*stop).transfer, 3u);
  const auto& asked = std::get<Resolve>(*resolve);
  EXPECT_EQ(asked.transfer + asked.hop * 10, 54u);
  EXPECT_EQ(asked.scheme + asked.host, "httpsexample.org");
  EXPECT_EQ(asked.port, 443);
  EXPECT_EQ(std::get<Responded>(*responded).facts.http_status, 206);
  const auto& p = std::get<Progress>(*progress);
  EXPECT_EQ(p.transfer + p.received_bytes * 10 + p.bytes_per_s * 100, 987u);
  EXPECT_EQ(p.pieces.first, 1u);
  EXPECT_EQ(p.pieces.end_bytes, piece_bytes + 3);
  EXPECT_EQ(p.pieces.digests, std::string(16, '\xfe'));
  EXPECT_EQ(std::get<Ready>(*ready).locks, (std::vector<std::string>{"seccomp", "landlock"}));
}

TEST(Messages, PartsOfATransferArriveWithEveryField) {
  const std::vector<SpanReport> apart{{5, {1, piece_bytes + 3, std::string(16, '\xfe')}}};
  auto resolved = decode_to_worker(encode(ToWorker(Resolved{1, 2, {}, {}, 3})));
  auto resolve = decode_to_server(encode(ToServer(Resolve{4, 5, "https", "example.org", 443, 6})));
  auto progress = decode_to_server(encode(ToServer(Progress{7, 8, 9, {}, apart, true})));
  auto pace = decode_to_worker(encode(ToWorker(Pace{3, 4})));
  auto start = decode_to_worker(encode(ToWorker(full_start())));
  auto finished = decode_to_server(encode(ToServer(full_finished())));

  ASSERT_TRUE(resolved && resolve && progress && pace && start && finished);
  EXPECT_EQ(std::get<Resolved>(*resolved).part, 3u);
  EXPECT_EQ(std::get<Resolve>(*resolve).part, 6u);
  EXPECT_EQ(std::get<Pace>(*pace).transfer + *std::get<Pace>(*pace).bytes_per_s * 10, 43u);
  EXPECT_TRUE(std::get<Progress>(*progress).held_back);
  const auto& spans = std::get<Progress>(*progress).apart;
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0].begin, 5u);
  EXPECT_EQ(spans[0].end(), 5 + piece_bytes + 3);
  EXPECT_EQ(spans[0].pieces.first, 1u);
  EXPECT_EQ(spans[0].pieces.digests, apart[0].pieces.digests);
  const auto& order = std::get<Start>(*start).order;
  ASSERT_EQ(order.others.size(), 2u);
  EXPECT_EQ(order.others[1].source.url, order.source.url);
  EXPECT_EQ(order.others[1].credentials.size(), 1u);
  EXPECT_EQ(order.connections, 4);
  ASSERT_EQ(order.have.size(), 2u);
  EXPECT_EQ(order.have[1].begin * 100 + order.have[1].end, 810u);
  EXPECT_EQ(order.piece_digests.algorithm, "sha");
  EXPECT_EQ(order.piece_digests.length, 1048576u);
  EXPECT_EQ(order.piece_digests.digests, "\xff\x01");
  ASSERT_EQ(std::get<Finished>(*finished).result.apart.size(), 1u);
  EXPECT_EQ(std::get<Finished>(*finished).result.apart[0].pieces.digests, "d");
}

TEST(Messages, ASmallRequestAndItsAnswerArriveWithEveryField) {
  Ask ask{3, {"https://a.example/x", "PUT", {{"X-A", "1"}}, std::string("\0\xff", 2), 1500ms, 9}};
  Answered answered{4, net::SmallAnswer{410, 90s, "caf\xe9"}, {}};
  Answered failed{5, {}, Error{Reason::tls, "no", {}, {}, true}};

  auto told = decode_to_worker(encode(ToWorker(ask)));
  auto heard = decode_to_server(encode(ToServer(answered)));
  auto refused = decode_to_server(encode(ToServer(failed)));

  ASSERT_TRUE(told && heard && refused);
  const auto& request = std::get<Ask>(*told).request;
  EXPECT_EQ(std::get<Ask>(*told).transfer, 3u);
  EXPECT_EQ(request.url + request.method, "https://a.example/xPUT");
  EXPECT_EQ(request.headers, ask.request.headers);
  EXPECT_EQ(request.body, ask.request.body);
  EXPECT_EQ(request.deadline, 1500ms);
  EXPECT_EQ(request.answer_bytes, 9u);
  const auto& answer = std::get<Answered>(*heard);
  EXPECT_EQ(answer.transfer, 4u);
  ASSERT_TRUE(answer.answer && !answer.failure);
  EXPECT_EQ(answer.answer->status, 410);
  EXPECT_EQ(answer.answer->retry_after, 90s);
  EXPECT_EQ(answer.answer->body, "caf\xe9");
  ASSERT_TRUE(std::get<Answered>(*refused).failure);
  EXPECT_EQ(std::get<Answered>(*refused).failure->reason, Reason::tls);
}

TEST(Messages, EveryOutcomeAndReasonHasAName) {
  for (int i = 0; i < 5; ++i) {
    ToServer sent = full_finished();
    std::get<Finished>(sent).result.outcome = static_cast<jobs::Outcome>(i);
    auto back = decode_to_server(encode(sent));
    ASSERT_TRUE(back);
    EXPECT_EQ(static_cast<int>(std::get<Finished>(*back).result.outcome), i);
  }
  for (std::size_t i = 0; i < reason_table.size(); ++i) {
    ToServer sent = full_finished();
    std::get<Finished>(sent).result.reason = static_cast<Reason>(i);
    auto back = decode_to_server(encode(sent));
    ASSERT_TRUE(back);
    EXPECT_EQ(static_cast<std::size_t>(std::get<Finished>(*back).result.reason), i);
  }
}

TEST(Messages, AnAbsentOptionalIsAbsent) {
  auto back = decode_to_worker(encode(ToWorker(Start{})));

  ASSERT_TRUE(back);
  const auto& order = std::get<Start>(*back).order;
  EXPECT_FALSE(order.known_size || order.max_bytes || order.rate_bytes_per_s || order.room_bytes ||
               order.source.request.body);
}

/// Optional members may be missing; those that hold any text may hold {"base64": ...}; the rest is refused.
TEST(Messages, OneWrongMissingOrSurplusMemberIsRefused) {
  const std::vector<std::string> optional{"body",       "known_size", "max_bytes",     "rate_bytes_per_s",
                                          "room_bytes", "expires",    "retry_after_s", "total_bytes",
                                          "refused"};
  const auto optional_left_out = [&](std::string packet) {
    for (const auto& name : optional)
      if (packet.find("\"" + name + "\":") == std::string::npos) return true;
    return false;
  };
  int refused = 0;

  each_change(as_object(encode(ToWorker(full_start()))), [&](const json::value& changed) {
    const std::string packet = json::serialize(changed);
    if (decode_to_worker(packet))
      EXPECT_TRUE(optional_left_out(packet)) << packet;
    else
      ++refused;
  });
  each_change(as_object(encode(ToServer(full_finished()))), [&](const json::value& changed) {
    const std::string packet = json::serialize(changed);
    if (decode_to_server(packet))
      EXPECT_TRUE(optional_left_out(packet)) << packet;
    else
      ++refused;
  });

  EXPECT_GT(refused, 500);
}

TEST(Messages, NumbersBeyondTheirTypeAreRefused) {
  for (const char* packet : {R"({"type":"stop","transfer":4294967296})", R"({"type":"stop","transfer":-1})",
                             R"({"type":"stop","transfer":1.0})", R"({"type":"stop","transfer":"1"})",
                             R"({"type":"stop","transfer":99999999999999999999})"})
    EXPECT_FALSE(decode_to_worker(packet)) << packet;
  EXPECT_TRUE(decode_to_worker(R"({"type":"stop","transfer":4294967295})"));
}

TEST(Messages, OnlyTheOwnDirectionIsUnderstood) {
  EXPECT_FALSE(decode_to_server(encode(ToWorker(Stop{1}))));
  EXPECT_FALSE(decode_to_worker(encode(ToServer(Ready{}))));
}

TEST(Messages, RubbishIsRefused) {
  for (std::string packet : {"", "{", "null", "[]", "{}", R"({"type":1})", R"({"type":"what"})", "\xff",
                             R"({"type":"stop","transfer":1} x)"})
    EXPECT_FALSE(decode_to_worker(packet)) << packet;
  EXPECT_FALSE(decode_to_worker(std::string(100000, '[')));
  EXPECT_FALSE(decode_to_worker(R"({"type":"stop","transfer":1})" + std::string(max_packet_bytes, ' ')));
}

TEST(Messages, AFaultIsNamedWithoutItsValue) {
  auto refused = decode_to_worker(R"({"type":"stop","transfer":"secret"})");

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::malformed);
  EXPECT_NE(refused.error().message.find("transfer"), std::string::npos);
  EXPECT_EQ(refused.error().message.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace restante::worker
