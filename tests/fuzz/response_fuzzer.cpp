// SPDX-License-Identifier: Apache-2.0
#include "fuzz.hpp"
#include "transfer/header_block.hpp"
#include "transfer/validator.hpp"

#include <algorithm>
#include <string>

// A content server's answer, and what the validator makes of it. Line 1: offset, known size, largest size,
// flags; line 2: the validator that we hold, a tab, the date; line 3: bytes that came, how they ended, flags;
// the rest is the header as it came.
namespace restante::fuzz {

namespace {

using transfer::Asked;
using transfer::BodyEnd;
using transfer::DigestState;
using transfer::EndFacts;
using transfer::Framing;
using transfer::HeaderBlock;
using transfer::HeaderReader;
using transfer::HeadVerdict;

std::string_view word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view out = line.substr(0, end);
  line.remove_prefix(std::min(line.size(), end + 1));
  return out;
}

bool has(std::string_view flags, char flag) {
  return flags.find(flag) != std::string_view::npos;
}

Asked asked_by(std::string_view line, std::string_view if_range) {
  Asked asked;
  asked.host = "content.example";
  asked.offset = transfer::parse_digits(word(line)).value_or(0);
  asked.known_size = transfer::parse_digits(word(line));
  asked.max_bytes = transfer::parse_digits(word(line));
  asked.held_bytes = asked.offset;
  const std::size_t tab = std::min(if_range.find('\t'), if_range.size());
  asked.if_range = if_range.substr(0, tab);
  if (tab < if_range.size()) asked.last_modified = if_range.substr(tab + 1);
  asked.relinked = has(line, 'r');
  asked.digest_given = has(line, 'd');
  asked.without_validator = has(line, 'v');
  asked.file_wanted = has(line, 'w');
  asked.allow_empty = has(line, 'e');
  asked.credentials_sent = has(line, 'c');
  asked.without_cache = has(line, 'n');
  asked.names_gzip = has(line, 'g');
  asked.now = Instant(Seconds(1'795'335'600));
  return asked;
}

EndFacts end_by(std::string_view line, const HeadVerdict& head) {
  EndFacts facts;
  facts.plan = head.body;
  facts.received_bytes = transfer::parse_digits(word(line)).value_or(facts.plan.expect_bytes.value_or(0));
  facts.end = has(line, 'c')   ? BodyEnd::cut
              : has(line, 'm') ? BodyEnd::malformed
              : has(line, 's') ? BodyEnd::stalled
                               : BodyEnd::finished;
  facts.tls = has(line, 't');
  facts.clean_tls_close = facts.tls && has(line, 'n');
  facts.excess = has(line, 'x');
  facts.coding_ended = !has(line, 'k');
  facts.part_differs = has(line, 'p');
  facts.decoded_bytes = 2 * std::min(facts.received_bytes, std::uint64_t{1} << 40);
  facts.digest = has(line, 'a')   ? DigestState::agrees
                 : has(line, 'd') ? DigestState::differs
                 : has(line, 'l') ? DigestState::later
                                  : DigestState::not_asked;
  return facts;
}

void check_words(const transfer::Verdict& verdict) {
  if (verdict.outcome == jobs::Outcome::complete || verdict.outcome == jobs::Outcome::unverified) return;
  check(!verdict.message.empty(), "a refusal has words");
  check(verdict.reason != Reason::internal, "a refusal has a reason");
}

void check_plan(const Asked& asked, const HeaderBlock& head, const transfer::BodyPlan& plan) {
  check(head.status >= 200 && head.status < 300 && head.status != 204 && head.status != 205,
        "only a success has the content");
  check(plan.offset == asked.offset, "bytes go where they were asked for");
  check(plan.part == (head.status == 206), "a part is one that says so");
  check(asked.offset == 0 || plan.part, "a whole content is not appended");
  if (plan.coding.empty() && !plan.part && asked.max_bytes && plan.expect_bytes)
    check(*plan.expect_bytes <= *asked.max_bytes, "nothing larger than allowed");
  check(!asked.known_size || plan.total_bytes == asked.known_size, "nothing of another size than known");
  const std::uint64_t end = plan.offset + plan.expect_bytes.value_or(0);
  check(!plan.total_bytes || !plan.coding.empty() || end <= *plan.total_bytes,
        "no piece is beyond the whole");
  check(plan.coding.empty() || (plan.offset == 0 && !plan.part), "only a whole content is decoded");
  if (plan.part) {
    const auto range = transfer::parse_content_range(head.first("content-range"));
    check(range && range->satisfied && range->first == asked.offset, "a part begins where it was asked for");
    check(plan.expect_bytes == range->last - range->first + 1, "a part is as long as it says");
  }
  auto codings = head.tokens("transfer-encoding");
  std::erase(codings, "identity");
  check(codings.empty() || plan.framing == Framing::chunked, "chunks count before lengths");
  const auto lengths = head.tokens("content-length");
  check(std::adjacent_find(lengths.begin(), lengths.end(),
                           [](const std::string& a, const std::string& b) {
                             return transfer::parse_digits(a) != transfer::parse_digits(b);
                           }) == lengths.end(),
        "two lengths are no length");
}

void check_end(const Asked& asked, const EndFacts& facts) {
  const transfer::EndVerdict end = transfer::judge_end(asked, facts);
  const transfer::BodyPlan& plan = facts.plan;
  const std::uint64_t position =
      plan.coding.empty() ? plan.offset + facts.received_bytes : facts.decoded_bytes;
  if (end.ask_for_rest) {
    check(plan.total_bytes && position < *plan.total_bytes, "a rest is asked for when one is missing");
    check(facts.end == BodyEnd::finished && plan.expect_bytes == facts.received_bytes, "a piece is whole");
    check(facts.received_bytes > 0, "every round brings something");
    return;
  }
  check_words(end.verdict);
  const bool unverified = end.verdict.outcome == jobs::Outcome::unverified;
  if (end.verdict.outcome != jobs::Outcome::complete && !unverified) return;
  check(facts.end == BodyEnd::finished || facts.end == BodyEnd::cut, "a broken body is not content");
  check(!plan.expect_bytes || facts.received_bytes <= *plan.expect_bytes, "no byte more than announced");
  if (facts.digest == DigestState::agrees) return;
  check(facts.end == BodyEnd::finished, "a body that was cut is not content");
  check(facts.digest != DigestState::differs, "a content with another digest is not the content");
  check(!plan.total_bytes || position == *plan.total_bytes, "a content has its length");
  check(!plan.expect_bytes || facts.received_bytes == *plan.expect_bytes, "a body has its length");
  check(!facts.excess || asked.known_size == plan.total_bytes, "excess without proof is no content");
  check(position > 0 || asked.allow_empty, "nothing is no content");
  check(facts.coding_ended && !facts.part_differs, "a coding comes to its end, a part has its digest");
  const bool tls_cut = plan.framing == Framing::close && facts.tls && !facts.clean_tls_close;
  check(plan.total_bytes || !tls_cut, "a TLS stream that was cut is no content");
  const bool said = plan.framing != Framing::close || (facts.tls && facts.clean_tls_close);
  check(unverified != (plan.total_bytes.has_value() || (said && !plan.part)),
        "what nothing proves is marked");
}

}  // namespace

void response(std::string_view input) {
  const auto parts = lines(input, 4);
  const Asked asked = asked_by(parts[0], parts[1]);
  HeaderReader reader({4096, 60, 5});
  std::string_view rest = parts[3];
  bool complete = false;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
    const auto step = reader.line(rest.substr(0, end));
    rest.remove_prefix(end);
    if (step == HeaderReader::Step::malformed || step == HeaderReader::Step::too_much) return;
    check(step != HeaderReader::Step::complete || !complete, "a header ends once");
    complete = complete || step == HeaderReader::Step::complete;
    check(complete == reader.is_complete(), "a header is complete when it says so");
  }
  if (!complete) return;

  const HeaderBlock& head = reader.block();
  check(head.status >= 100 && head.status <= 999 && (head.status >= 200 || head.status == 101),
        "a final answer");
  for (const auto& [name, value] : head.fields) {
    const auto control = [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; };
    check(!name.empty() && std::none_of(name.begin(), name.end(), control), "a name is a token");
    check(std::none_of(value.begin(), value.end(), control), "a value has no control characters");
  }
  const HeadVerdict verdict = transfer::judge_head(asked, head);
  switch (verdict.next) {
    case HeadVerdict::Next::body:
      check_plan(asked, head, verdict.body);
      check_end(asked, end_by(parts[2], verdict));
      break;
    case HeadVerdict::Next::redirect:
      check(head.status / 100 == 3 && !verdict.target.empty(), "a redirect has a place to go to");
      break;
    case HeadVerdict::Next::again_without_cache:
      check(head.status == 304 && !asked.without_cache, "caches are avoided once");
      break;
    case HeadVerdict::Next::again_without_validator:
      check(asked.offset > 0 && !asked.without_validator, "a validator is left out once, of a part");
      break;
    case HeadVerdict::Next::finish:
      check_words(verdict.verdict);
      if (verdict.verdict.outcome == jobs::Outcome::complete) {
        check((asked.allow_empty && asked.offset == 0) || (head.status == 416 && asked.offset > 0),
              "without a body only nothing, or what is here already, is the content");
      }
      check(verdict.verdict.outcome != jobs::Outcome::restart || asked.offset > 0,
            "who begins at the start does not begin again");
      check(!verdict.verdict.retry_after || *verdict.verdict.retry_after <= asked.retry_after_cap,
            "no wait for ever");
      break;
  }
}

}  // namespace restante::fuzz
