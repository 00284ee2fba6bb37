// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.hpp"
#include "base/text.hpp"
#include "driver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <ostream>

// Every row of the catalogue of misbehaving servers, and its right twins, through the real worker.
namespace restante::test {
namespace {

using jobs::Outcome;

/// One content server and one worker for all rows of a program.
struct Bench {
  ContentServer server;
  WorkerDriver worker{server.ca_file};
  static Bench& the() {
    static Bench bench;
    return bench;
  }
};

struct Row {
  std::string name;
  std::string path;
  Outcome outcome = Outcome::complete;
  std::optional<Reason> reason = std::nullopt;
  std::optional<std::string> file = std::nullopt;  ///< what must lie in the file
  std::string held = {};                           ///< what lies there before
  std::function<void(jobs::TransferOrder&)> change = {};
  bool tls = false;
  std::optional<bool> transient = std::nullopt;
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name << " " << row.path;
}

std::string whole() {
  return content(content_bytes);
}
std::string half() {
  return whole().substr(0, content_bytes / 2);
}
void resuming(jobs::TransferOrder& order) {
  order.if_range = "\"v1\"";
  order.known_size = content_bytes;
}
void resuming_at_a_mirror(jobs::TransferOrder& order) {
  order.if_range = "\"1f-64-5a\"";
  order.last_modified = "Mon, 01 Jun 2026 10:00:00 GMT";
  order.known_size = content_bytes;
}
void resuming_under_a_new_link(jobs::TransferOrder& order) {
  resuming_at_a_mirror(order);
  order.relinked = true;
}
void with_digest(jobs::TransferOrder& order) {
  const Digest256 digest = sha256(whole());
  order.digest_algorithm = "sha-256";
  order.digest_hex = to_hex(digest);
}
void resuming_under_a_new_link_with_digest(jobs::TransferOrder& order) {
  resuming_under_a_new_link(order);
  with_digest(order);
}
void with_wrong_digest(jobs::TransferOrder& order) {
  order.digest_algorithm = "sha-256";
  order.digest_hex = std::string(64, '0');
}
void with_size(jobs::TransferOrder& order) {
  order.known_size = content_bytes;
}
void limited(jobs::TransferOrder& order) {
  order.max_bytes = 60000;
}
void with_little_disk(jobs::TransferOrder& order) {
  order.room_bytes = 60000;
}
void with_little_quota(jobs::TransferOrder& order) {
  order.room_bytes = 60000;
  order.room_reason = Reason::quota;
}
void resuming_with_just_enough_room(jobs::TransferOrder& order) {
  resuming(order);
  order.room_bytes = content_bytes / 2;
}
void resuming_without_room(jobs::TransferOrder& order) {
  resuming(order);
  order.room_bytes = content_bytes / 2 - 1;
}
void empty_is_fine(jobs::TransferOrder& order) {
  order.allow_empty = true;
}
void impatient(jobs::TransferOrder& order) {
  order.stall = Millis(400);
}

const std::vector<Row>& rows() {
  static const std::vector<Row> all{
      {"Plain", "/ok", Outcome::complete, {}, whole()},
      {"PlainTls", "/ok", Outcome::complete, {}, whole(), {}, {}, true},
      {"Long", "/long", Outcome::complete, {}, content(3000000)},
      {"LongTls", "/long", Outcome::complete, {}, content(3000000), {}, {}, true},
      {"Resumed", "/ok", Outcome::complete, {}, whole(), half(), resuming},
      {"ResumedTls", "/ok", Outcome::complete, {}, whole(), half(), resuming, true},
      {"DigestAgrees", "/ok", Outcome::complete, {}, whole(), {}, with_digest},
      {"DigestDiffers", "/ok", Outcome::failed, Reason::digest_mismatch, {}, {}, with_wrong_digest},
      {"M1", "/m1", Outcome::failed, Reason::incomplete, half(), {}, {}, false, true},
      {"M1Tls", "/m1", Outcome::failed, Reason::incomplete, half(), {}, {}, true, true},
      {"M1InTheHead", "/m1-head", Outcome::failed, Reason::incomplete, "", {}, {}, false, true},
      {"M1InTheHeadTls", "/m1-head", Outcome::failed, Reason::incomplete, "", {}, {}, true, true},
      {"M1Resumed", "/m1", Outcome::complete, {}, whole(), half(), resuming},
      {"M2", "/m2", Outcome::failed, Reason::excess, whole()},
      {"M2Tls", "/m2", Outcome::failed, Reason::excess, whole(), {}, {}, true},
      {"M2InOnePacket", "/m2-small", Outcome::failed, Reason::excess, content(10)},
      {"M2InOnePacketTls", "/m2-small", Outcome::failed, Reason::excess, content(10), {}, {}, true},
      {"M2Long", "/m2-long", Outcome::failed, Reason::excess, content(3000000)},
      {"M2LongTls", "/m2-long", Outcome::failed, Reason::excess, content(3000000), {}, {}, true},
      {"M2WithDigest", "/m2", Outcome::complete, {}, whole(), {}, with_digest},
      {"M2WithSize", "/m2", Outcome::complete, {}, whole(), {}, with_size},
      {"M3", "/m3", Outcome::failed, Reason::malformed, "", {}, {}, false, true},
      {"M3Same", "/m3-same", Outcome::complete, {}, whole()},
      {"M4Negative", "/m4-negative", Outcome::failed, Reason::malformed, ""},
      {"M4Words", "/m4-words", Outcome::failed, Reason::malformed, ""},
      {"M4Overflow", "/m4-overflow", Outcome::failed, Reason::malformed, ""},
      {"M4Large", "/m4-large", Outcome::failed, Reason::too_large, "", {}, limited, false, false},
      {"M5", "/m5", Outcome::complete, {}, whole()},
      {"M6", "/m6", Outcome::failed, Reason::incomplete, whole(), {}, {}, false, true},
      {"M6Tls", "/m6", Outcome::failed, Reason::incomplete, whole(), {}, {}, true, true},
      {"M6Twin", "/chunked", Outcome::complete, {}, whole()},
      {"M7", "/m7", Outcome::failed, Reason::malformed},
      {"M7Overflow", "/m7-overflow", Outcome::failed, Reason::malformed},
      {"M8Plain", "/m8", Outcome::unverified, Reason::complete_unverified, whole()},
      {"M8WithSize", "/m8", Outcome::complete, {}, whole(), {}, with_size},
      {"M8WithDigest", "/m8", Outcome::complete, {}, whole(), {}, with_digest},
      {"M8TlsCloseNotify", "/m8", Outcome::complete, {}, whole(), {}, {}, true},
      {"M9TlsCut", "/m9", Outcome::failed, Reason::incomplete, whole(), {}, {}, true, true},
      {"M9TlsCutWithSize", "/m9", Outcome::complete, {}, whole(), {}, with_size, true},
      {"M10", "/m10", Outcome::failed, Reason::incomplete, half(), {}, {}, false, true},
      {"M10Tls", "/m10", Outcome::failed, Reason::incomplete, half(), {}, {}, true, true},
      {"M11", "/m11", Outcome::complete, {}, whole()},
      {"M11Middle", "/m11-middle", Outcome::failed, Reason::malformed, ""},
      {"M12", "/m12", Outcome::restart, Reason::incomplete, half(), half(), resuming},
      {"M13", "/m13", Outcome::restart, Reason::malformed, half(), half(), resuming},
      {"M14", "/m14", Outcome::restart, Reason::source_changed, half(), half(), resuming},
      {"M15", "/m15", Outcome::complete, {}, whole(), half(), resuming},
      {"M15Forever", "/m15-forever", Outcome::failed, Reason::incomplete, {}, half(), resuming},
      {"M16", "/m16", Outcome::restart, Reason::malformed, half(), half(), resuming},
      {"M16Unasked", "/m16", Outcome::failed, Reason::malformed, ""},
      {"M17", "/m17", Outcome::restart, Reason::malformed, half(), half(), resuming},
      {"M18", "/m18", Outcome::restart, Reason::source_changed, half(), half(), resuming},
      {"M18FirstByte", "/m18?all=1", Outcome::restart, Reason::source_changed, half(), half(), resuming},
      {"M18OneByteHeld", "/ok", Outcome::complete, {}, whole(), whole().substr(0, 1), resuming},
      {"M18AlmostAll", "/ok", Outcome::complete, {}, whole(), whole().substr(0, content_bytes - 1), resuming},
      {"M19", "/m19", Outcome::restart, Reason::source_changed, half(), half(), resuming},
      {"M20", "/m20", Outcome::restart, Reason::source_changed, half(), half(), resuming},
      {"M21Weak", "/ok", Outcome::restart, Reason::incomplete, half(), half(),
       [](jobs::TransferOrder& order) { order.if_range = "W/\"v1\""; }},
      {"M21Date",
       "/ok",
       Outcome::complete,
       {},
       whole(),
       half(),
       [](jobs::TransferOrder& order) { order.if_range = "Mon, 01 Jun 2026 10:00:00 GMT"; }},
      {"M21WeakWithDigest", "/weak", Outcome::complete, {}, whole(), half(), with_digest},
      {"M22", "/m22?etag=2e-64-5a", Outcome::complete, {}, whole(), half(), resuming_at_a_mirror},
      {"M22OtherFile", "/m22?etag=2e-64-5b", Outcome::restart, Reason::source_changed, half(), half(),
       resuming_at_a_mirror},
      {"M22OtherDate", "/m22?etag=2e-64-5a&date=Mon%2C%2001%20Jun%202026%2010%3A00%3A01%20GMT",
       Outcome::restart, Reason::source_changed, half(), half(), resuming_at_a_mirror},
      {"NewLink", "/m22?etag=other", Outcome::complete, {}, whole(), half(), resuming_under_a_new_link},
      {"NewLinkOtherDate", "/m22?etag=other&date=Mon%2C%2001%20Jun%202026%2010%3A00%3A01%20GMT",
       Outcome::restart, Reason::source_changed, half(), half(), resuming_under_a_new_link},
      {"NewLinkWithDigest",
       "/m22?etag=other&date=x",
       Outcome::complete,
       {},
       whole(),
       half(),
       resuming_under_a_new_link_with_digest},
      {"M23", "/ok", Outcome::complete, {}, whole(), whole(), resuming},
      {"M23OtherEntity", "/m23-other", Outcome::restart, Reason::source_changed, whole(), whole(), resuming},
      {"M24", "/m24", Outcome::restart, Reason::source_changed, half(), half(), resuming},
      {"M25", "/m25", Outcome::restart, Reason::source_changed, half(), half(), resuming},
      {"M26", "/m26", Outcome::failed, Reason::malformed, "", {}, {}, false, true},
      {"M26Once", "/m26-once", Outcome::complete, {}, whole()},
      {"M27NoContent", "/m27-204", Outcome::failed, Reason::empty_result, ""},
      {"M27Reset", "/m27-205", Outcome::failed, Reason::empty_result, ""},
      {"M27Empty", "/m27-empty", Outcome::failed, Reason::empty_result, ""},
      {"M27Chunked", "/m27-chunked", Outcome::failed, Reason::empty_result, ""},
      {"M27NoContentAllowed", "/m27-204", Outcome::complete, {}, "", {}, empty_is_fine},
      {"M27EmptyAllowed", "/m27-empty", Outcome::complete, {}, "", {}, empty_is_fine},
      {"M27ChunkedAllowed", "/m27-chunked", Outcome::complete, {}, "", {}, empty_is_fine},
      {"M28", "/m28", Outcome::complete, {}, whole()},
      {"M28Gzip", "/m28.tar.gz", Outcome::complete, {}, whole()},
      {"M28Identity", "/m28-identity", Outcome::complete, {}, whole()},
      {"M32Self", "/m32-loop", Outcome::failed, Reason::redirect_loop, ""},
      {"M32Two", "/m32-two", Outcome::failed, Reason::redirect_loop, ""},
      {"M32Ten", "/m32-chain?n=10", Outcome::complete, {}, whole()},
      {"M32Eleven", "/m32-chain?n=11", Outcome::failed, Reason::redirect_loop, ""},
      {"M33Twin", "/redirect?to=OTHER/ok", Outcome::complete, {}, whole()},
      {"M34", "/redirect?to=HTTP/ok", Outcome::failed, Reason::redirect_refused, "", {}, {}, true},
      {"M34Twin", "/redirect?to=HTTPS/ok", Outcome::complete, {}, whole()},
      {"M35Ftp", "/m35-ftp", Outcome::failed, Reason::redirect_refused, ""},
      {"M35File", "/m35-file", Outcome::failed, Reason::redirect_refused, ""},
      {"M35Data", "/m35-data", Outcome::failed, Reason::redirect_refused, ""},
      {"M36", "/m36", Outcome::failed, Reason::redirect_refused, ""},
      {"RelativeRedirect", "/relative", Outcome::complete, {}, whole()},
      {"M37WithoutCredentials", "/auth", Outcome::failed, Reason::auth_required, ""},
      {"M38", "/status/407", Outcome::failed, Reason::server_error, "", {}, {}, false, false},
      {"M39", "/status/402", Outcome::failed, Reason::payment, "", {}, {}, false, false},
      {"M40Forbidden", "/status/403", Outcome::failed, Reason::forbidden, "", {}, {}, false, false},
      {"M40NotFound", "/status/404", Outcome::failed, Reason::not_found, "", {}, {}, false, false},
      {"M40Gone", "/status/410", Outcome::failed, Reason::not_found, "", {}, {}, false, false},
      {"M40Legal", "/status/451", Outcome::failed, Reason::forbidden, "", {}, {}, false, false},
      {"M41", "/status/429", Outcome::failed, Reason::rate_limited, "", {}, {}, false, true},
      {"M42Timeout", "/status/408", Outcome::failed, Reason::timeout, "", {}, {}, false, true},
      {"M42Internal", "/status/500", Outcome::failed, Reason::server_error, "", {}, {}, false, true},
      {"M42Gateway", "/status/502", Outcome::failed, Reason::server_error, "", {}, {}, false, true},
      {"M42Unavailable", "/status/503", Outcome::failed, Reason::server_error, "", {}, {}, false, true},
      {"M42GatewayTimeout", "/status/504", Outcome::failed, Reason::server_error, "", {}, {}, false, true},
      {"M42Cdn", "/status/522", Outcome::failed, Reason::server_error, "", {}, {}, false, true},
      {"M43", "/m43", Outcome::complete, {}, whole()},
      {"M43Flood", "/m43-flood", Outcome::failed, Reason::malformed, ""},
      {"M44Size", "/m44-size", Outcome::failed, Reason::malformed, ""},
      {"M44Count", "/m44-count", Outcome::failed, Reason::malformed, ""},
      {"M45Nul", "/m45-nul", Outcome::failed, Reason::malformed, ""},
      {"M45BareReturn", "/m45-cr", Outcome::failed, Reason::malformed, ""},
      {"M45Fold", "/m45-fold", Outcome::complete, {}, "hello"},
      {"M46Old", "/m46-old", Outcome::failed, Reason::malformed, ""},
      {"M46Garbage", "/m46-garbage", Outcome::failed, Reason::malformed, ""},
      {"M46Nothing", "/m46-nothing", Outcome::failed, Reason::incomplete, "", {}, {}, false, true},
      {"M46Unknown", "/status/999", Outcome::failed, Reason::server_error, "", {}, {}, false, true},
      {"M47", "/m47", Outcome::complete, {}, whole()},
      {"M49", "/m49", Outcome::failed, Reason::timeout, half(), {}, impatient, false, true},
      {"M49Trickle", "/trickle", Outcome::complete, {}, content(20), {}, impatient},
      {"TooLargeAnnounced", "/ok", Outcome::failed, Reason::too_large, "", {}, limited},
      {"TooLargeOnTheWay", "/chunked", Outcome::failed, Reason::too_large, {}, {}, limited},
      {"M48Announced", "/ok", Outcome::failed, Reason::disk_full, "", {}, with_little_disk, false, true},
      {"M48AnnouncedTls", "/ok", Outcome::failed, Reason::quota, "", {}, with_little_quota, true, true},
      {"M48OnTheWay", "/chunked", Outcome::failed, Reason::quota, {}, {}, with_little_quota, false, true},
      {"M48Fits", "/ok", Outcome::complete, {}, whole(), half(), resuming_with_just_enough_room},
      {"M48Resumed", "/ok", Outcome::failed, Reason::disk_full, half(), half(), resuming_without_room, false,
       true},
      {"OtherSizeThanKnown",
       "/ok",
       Outcome::failed,
       Reason::source_changed,
       "",
       {},
       [](jobs::TransferOrder& order) { order.known_size = 5; }},
  };
  return all;
}

class EveryRow : public testing::TestWithParam<Row> {};

TEST_P(EveryRow, EndsWithItsOutcomeReasonAndBytes) {
  const Row& row = GetParam();
  Bench& bench = Bench::the();
  jobs::TransferOrder order;
  order.source.url = (row.tls ? bench.server.https : bench.server.http) + row.path;
  order.stall = Millis(10000);
  if (row.change) row.change(order);

  const Fetched got = bench.worker.fetch(std::move(order), row.held);

  EXPECT_EQ(got.result.outcome, row.outcome) << got.result.message;
  if (row.reason) {
    EXPECT_EQ(got.result.reason, *row.reason) << got.result.message;
    if (row.outcome == Outcome::failed) EXPECT_FALSE(got.result.message.empty());
  }
  if (row.transient) EXPECT_EQ(got.result.transient, *row.transient);
  if (row.reason == Reason::disk_full || row.reason == Reason::quota)
    EXPECT_LE(got.file.size(), std::max<std::size_t>(60000, row.held.size())) << "no byte beyond the room";
  if (row.file) {
    EXPECT_EQ(got.file.size(), row.file->size());
    EXPECT_TRUE(got.file == *row.file) << "other bytes";
    EXPECT_EQ(got.result.received_bytes, row.file->size());
  }
}

INSTANTIATE_TEST_SUITE_P(Catalogue, EveryRow, testing::ValuesIn(rows()),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace restante::test
