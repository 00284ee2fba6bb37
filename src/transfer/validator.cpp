// SPDX-License-Identifier: Apache-2.0
#include "transfer/validator.hpp"

#include "base/text.hpp"
#include "transfer/content_coding.hpp"
#include "transfer/naming.hpp"
#include "transfer/web_page.hpp"

#include <algorithm>

namespace restante::transfer {

namespace {

using jobs::Outcome;

Verdict failed(Reason reason, std::string message) {
  Verdict verdict;
  verdict.reason = reason;
  verdict.message = std::move(message);
  // A portal goes away when somebody signs in to the network, perhaps soon (M52).
  verdict.transient = info(reason).kind == ReasonClass::transient || reason == Reason::portal_suspected;
  return verdict;
}

HeadVerdict finish(Verdict verdict) {
  HeadVerdict head;
  head.verdict = std::move(verdict);
  return head;
}

struct Length {
  bool malformed = false;
  Framing framing = Framing::close;
  std::optional<std::uint64_t> bytes;
  bool both = false;      ///< Content-Length beside Transfer-Encoding
  bool identity = false;  ///< a Transfer-Encoding that is none
};

/// RFC 9112 §6.3.
Length body_length(const HeaderBlock& head) {
  Length out;
  if (head.http2) out.framing = Framing::stream;
  const auto lengths = head.tokens("content-length");
  for (const std::string& text : lengths) {
    const auto value = parse_digits(text);
    if (!value || (out.bytes && *out.bytes != *value)) {
      out.malformed = true;
      return out;
    }
    out.bytes = value;
  }
  if (!lengths.empty()) out.framing = Framing::length;
  auto codings = head.tokens("transfer-encoding");
  out.identity = std::erase(codings, "identity") > 0;  // of RFC 2616; some servers still say it
  if (codings.empty()) return out;
  if (head.http2) out.malformed = true;  // RFC 9113 §8.2.2
  if (codings.size() != 1 || codings[0] != "chunked") {
    out.malformed = true;
    return out;
  }
  out.both = out.bytes.has_value();
  out.framing = Framing::chunked;
  out.bytes.reset();
  return out;
}

/// Whether the validators of this answer say that the content is another one than before (M19, M20).
bool entity_changed(const Asked& asked, const HeaderBlock& head) {
  if (asked.if_range.empty()) return false;
  if (is_strong_etag(asked.if_range)) return head.has("etag") && head.first("etag") != asked.if_range;
  const auto before = parse_http_date(asked.if_range), now = parse_http_date(head.first("last-modified"));
  return before && now && *before != *now;
}

/// Entity tags "INODE-SIZE-TIME" (Apache, older versions) that differ in the inode alone: the same file on
/// another machine.
bool differ_in_inode_alone(std::string_view a, std::string_view b) {
  const auto dashes = [](std::string_view tag) { return std::count(tag.begin(), tag.end(), '-'); };
  if (!is_strong_etag(a) || !is_strong_etag(b) || dashes(a) != 2 || dashes(b) != 2) return false;
  return a.substr(a.find('-')) == b.substr(b.find('-'));
}

/// Whether other validators than before are no objection (M22): where a person said that it is the same
/// content, or where only the inode is another one. The overlap is compared in any case.
bool same_by_size_and_date(const Asked& asked, const HeaderBlock& head, std::optional<std::uint64_t> total) {
  if (!total || total != asked.known_size) return false;
  if (asked.relinked && asked.digest_given) return true;
  if (!asked.relinked && !differ_in_inode_alone(asked.if_range, head.first("etag"))) return false;
  return !asked.last_modified.empty() && head.first("last-modified") == asked.last_modified;
}

/// Whether a 206 goes on with what is here (M19, M20).
bool entity_accepted(const Asked& asked, const HeaderBlock& head, std::optional<std::uint64_t> total) {
  if (same_by_size_and_date(asked, head, total)) return true;
  if (!asked.relinked) return !entity_changed(asked, head);
  return is_strong_etag(asked.if_range) && head.first("etag") == asked.if_range;
}

std::optional<Verdict> over_limit(const Asked& asked, std::optional<std::uint64_t> total) {
  if (!total || !asked.max_bytes || *total <= *asked.max_bytes) return std::nullopt;
  return failed(Reason::too_large, asked.host + " announced " + human_size(*total) + "; at most " +
                                       human_size(*asked.max_bytes) + " are allowed");
}

std::optional<Verdict> not_the_known_size(const Asked& asked, std::optional<std::uint64_t> total) {
  if (!total || !asked.known_size || *total == *asked.known_size) return std::nullopt;
  const std::string message = asked.host + " announced " + std::to_string(*total) + " bytes where " +
                              std::to_string(*asked.known_size) + " were expected";
  return asked.offset > 0 ? restart(Reason::source_changed, message)
                          : failed(Reason::source_changed, message);
}

HeadVerdict take(BodyPlan plan) {
  HeadVerdict head;
  head.next = HeadVerdict::Next::body;
  head.body = std::move(plan);
  return head;
}

/// Of an answer whose coding is to be taken off or kept; nullopt: it can be used as it is.
std::optional<Verdict> bad_coding(const Asked& asked, const HeaderBlock& head, const Coding& coding) {
  const bool cannot = coding.plan == CodingPlan::unknown;
  // Ranges count coded bytes (RFC 9110 §14.1.2): there is no going on in what is decoded (M29).
  const bool part = coding.plan == CodingPlan::take_off && head.status == 206;
  if (!cannot && !part) return std::nullopt;
  std::string message = asked.host + " sent a coding that was not asked for: " + coding.name;
  return asked.offset > 0 ? restart(Reason::decode, std::move(message))
                          : failed(Reason::decode, std::move(message));
}

HeadVerdict judge_partial(const Asked& asked, const HeaderBlock& head, const Length& length) {
  const bool ranged = asked.offset > 0;
  const auto refuse = [&](std::string why) {
    std::string message = asked.host + " sent a part that does not fit: " + std::move(why);
    return finish(ranged ? restart(Reason::malformed, std::move(message))
                         : failed(Reason::malformed, std::move(message)));
  };
  if (head.media_type() == "multipart/byteranges") return refuse("several parts in one");  // M17
  const auto ranges = head.all("content-range");
  if (ranges.empty()) return refuse("it does not say which part");  // M16
  const auto range = parse_content_range(ranges.front());
  if (!range || !range->satisfied || ranges.size() > 1) return refuse("its Content-Range is not understood");
  if (range->first != asked.offset) return refuse("it begins elsewhere");  // M13
  if (ranged && !entity_accepted(asked, head, range->total)) {             // M20
    return finish(restart(Reason::source_changed, "the content at " + asked.host + " changed meanwhile"));
  }
  if (auto verdict = not_the_known_size(asked, range->total)) return finish(std::move(*verdict));  // M14
  if (auto verdict = over_limit(asked, range->total)) return finish(std::move(*verdict));
  const std::uint64_t part = range->last - range->first + 1;
  if (length.bytes && *length.bytes != part) return refuse("its two lengths differ");

  BodyPlan plan;
  plan.framing = length.framing;
  plan.part = true;
  plan.offset = asked.offset;
  plan.expect_bytes = part;
  plan.total_bytes = range->total ? range->total : asked.known_size;
  plan.close_after = length.both;
  plan.we_count = length.identity && length.framing == Framing::length;
  return take(std::move(plan));
}

/// 416 (M23, M24): the partial file may be the whole content already.
Verdict judge_unsatisfied(const Asked& asked, const HeaderBlock& head) {
  const auto range = parse_content_range(head.first("content-range"));
  const bool same_end = range && !range->satisfied && range->total == asked.held_bytes;
  const bool same_entity = head.has("etag")
                               ? (!asked.if_range.empty() && head.first("etag") == asked.if_range)
                               : asked.known_size == asked.held_bytes;
  if (same_end && same_entity) {
    Verdict verdict;
    verdict.outcome = Outcome::complete;
    return verdict;
  }
  return restart(Reason::source_changed,
                 asked.host + " has less than what is here already: the content changed");
}

/// A signed link (M57) runs out while the content is under way: what worked before is refused now.
bool link_expired(const Asked& asked, const HeaderBlock& head) {
  const std::string type = head.media_type();
  const bool xml = type == "application/xml" || type == "text/xml";
  return asked.offset > 0 && (head.status == 403 || xml);
}

std::string answered(const Asked& asked, const HeaderBlock& head) {
  return asked.host + " answered " + std::to_string(head.status) +
         (head.phrase.empty() ? std::string() : " " + head.phrase);
}

}  // namespace

Verdict restart(Reason reason, std::string message) {
  Verdict verdict = failed(reason, std::move(message));
  verdict.outcome = Outcome::restart;
  verdict.transient = true;
  return verdict;
}

Verdict judge_status(const Asked& asked, const HeaderBlock& head) {
  const std::string message = answered(asked, head);
  const auto verdict_of = [&]() -> Verdict {
    switch (head.status) {
      case 400:
      case 403:
        if (!link_expired(asked, head)) return failed(Reason::forbidden, message);
        return failed(Reason::auth_expired, message +
                                                ": the link that worked before is no longer valid; "
                                                "`restante refresh` goes on with a new one");
      case 401:
        return failed(asked.credentials_sent ? Reason::auth_expired : Reason::auth_required, message);
      case 402:
        return failed(Reason::payment, message);
      case 404:
      case 410:
        return failed(Reason::not_found,  // M58
                      asked.offset > 0 ? message + ": the link seems to work only once" : message);
      case 407: {
        Verdict verdict = failed(Reason::server_error, message + "; a proxy on the way wants a password");
        verdict.transient = false;
        return verdict;
      }
      case 408:
        return failed(Reason::timeout, message);
      case 425:
        return failed(Reason::server_error, message);
      case 429:
        return failed(Reason::rate_limited, message);
      case 501:
      case 505: {
        Verdict verdict = failed(Reason::server_error, message);
        verdict.transient = false;
        return verdict;
      }
      case 511:
        return failed(Reason::portal_suspected, message);
      default:
        break;
    }
    if (head.status >= 500) return failed(Reason::server_error, message);  // also 52x, 999 (M42, M46)
    if (head.status >= 400) return failed(Reason::forbidden, message);
    return failed(Reason::malformed, message + ", which fits no request of ours");
  };
  Verdict verdict = verdict_of();
  if (head.status == 429 || head.status == 503 || head.status == 408) {
    verdict.retry_after = parse_retry_after(head.first("retry-after"), asked.now, asked.retry_after_cap);
  }
  return verdict;
}

HeadVerdict judge_head(const Asked& asked, const HeaderBlock& head) {
  const Length length = body_length(head);
  if (length.malformed) {  // M3, M4
    return finish(failed(Reason::malformed, asked.host + " gave contradicting or impossible lengths"));
  }
  const bool ranged = asked.offset > 0;
  if (head.status == 202) {  // accepted, not there yet (RFC 9110 §15.3.3): its body is no content
    Verdict verdict = failed(Reason::server_error, answered(asked, head) + ": it is not ready yet");
    verdict.retry_after = parse_retry_after(head.first("retry-after"), asked.now, asked.retry_after_cap);
    return finish(std::move(verdict));
  }
  if (head.status == 304) {  // M26
    HeadVerdict again;
    again.next = HeadVerdict::Next::again_without_cache;
    if (!asked.without_cache) return again;
    return finish(failed(Reason::malformed, answered(asked, head) + " though nothing conditional was asked"));
  }
  if (head.status >= 300 && head.status < 400) {
    const bool follows = head.status <= 303 || head.status == 307 || head.status == 308;
    if (!follows || head.first("location").empty()) {  // M36
      return finish(failed(Reason::redirect_refused, answered(asked, head) + " but no place to go to"));
    }
    HeadVerdict redirect;
    redirect.next = HeadVerdict::Next::redirect;
    redirect.target = head.first("location");
    return redirect;
  }
  if (ranged && head.status == 416) return finish(judge_unsatisfied(asked, head));
  if (ranged && head.status == 412) {  // M25
    return finish(restart(Reason::source_changed, "the content at " + asked.host + " changed meanwhile"));
  }
  if (head.status < 200 || head.status >= 300) return finish(judge_status(asked, head));

  if (head.status == 204 || head.status == 205) {  // M27
    if (ranged) return finish(restart(Reason::empty_result, answered(asked, head)));
    Verdict verdict = failed(Reason::empty_result, answered(asked, head));
    if (asked.allow_empty) verdict = Verdict{Outcome::complete, Reason::empty_result, {}, false, {}};
    return finish(std::move(verdict));
  }
  const bool named_gzip = asked.names_gzip || names_gzip(disposition_name(head.first("content-disposition")));
  const Coding coding = coding_of(head, named_gzip);
  if (auto verdict = bad_coding(asked, head, coding)) return finish(std::move(*verdict));  // M28, M29
  if (head.status == 206) return judge_partial(asked, head, length);

  if (ranged) {                                                  // M12, M19
    if (asked.file_wanted && is_html_type(head.media_type())) {  // M52: what is here may still be right
      return finish(failed(Reason::portal_suspected,
                           asked.host + " answered with a web page when the rest of the file was wanted"));
    }
    if (!asked.without_validator && head.first("etag") != asked.if_range &&
        same_by_size_and_date(asked, head, length.bytes)) {  // M22
      HeadVerdict again;
      again.next = HeadVerdict::Next::again_without_validator;
      return again;
    }
    const bool same_tag = is_strong_etag(asked.if_range) && head.first("etag") == asked.if_range;
    const bool changed = asked.relinked ? !same_tag : entity_changed(asked, head);
    return finish(changed
                      ? restart(Reason::source_changed, "the content at " + asked.host + " changed meanwhile")
                      : restart(Reason::incomplete, asked.host + " does not go on from the middle"));
  }
  const bool decoded = coding.plan == CodingPlan::take_off;
  if (!decoded) {
    if (auto verdict = over_limit(asked, length.bytes)) return finish(std::move(*verdict));
    if (auto verdict = not_the_known_size(asked, length.bytes)) return finish(std::move(*verdict));
  }
  if (length.bytes == std::uint64_t{0} && !asked.allow_empty) {
    return finish(failed(Reason::empty_result, asked.host + " sent nothing"));
  }
  BodyPlan plan;
  plan.framing = length.framing;
  plan.expect_bytes = length.bytes;
  plan.total_bytes = length.bytes && !decoded ? length.bytes : asked.known_size;
  plan.close_after = length.both;
  plan.we_count = length.identity && length.framing == Framing::length;
  if (decoded) plan.coding = coding.name;
  return take(std::move(plan));
}

EndVerdict judge_end(const Asked& asked, const EndFacts& facts) {
  const BodyPlan& plan = facts.plan;
  const bool coded = !plan.coding.empty();
  const std::uint64_t position = coded ? facts.decoded_bytes : plan.offset + facts.received_bytes;
  const auto done = [](Outcome outcome) {
    EndVerdict end;
    end.verdict.outcome = outcome;
    end.verdict.reason = outcome == Outcome::unverified ? Reason::complete_unverified : Reason::internal;
    return end;
  };
  const auto ended = [](Verdict verdict) { return EndVerdict{false, std::move(verdict)}; };
  const std::string so_far = std::to_string(position) + " bytes" +
                             (plan.total_bytes ? " of " + std::to_string(*plan.total_bytes) : std::string());

  if (facts.end == BodyEnd::malformed) {  // M7
    return ended(failed(Reason::malformed, asked.host + " sent a body that cannot be understood"));
  }
  if (facts.end == BodyEnd::stalled) {  // M49
    return ended(failed(Reason::timeout, asked.host + " went silent after " + so_far));
  }
  // A digest over exactly these bytes outweighs every other sign.
  const bool proven = facts.digest == DigestState::agrees;
  if (facts.excess && !proven && !(asked.known_size && asked.known_size == plan.total_bytes)) {  // M2
    return ended(failed(Reason::excess, asked.host + " sent more than it announced"));
  }
  if (plan.expect_bytes && facts.received_bytes > *plan.expect_bytes) {
    return ended(failed(Reason::excess, asked.host + " sent more than it announced"));
  }
  if (proven) return done(Outcome::complete);

  const bool too_short = plan.expect_bytes && facts.received_bytes < *plan.expect_bytes;
  if (facts.end == BodyEnd::cut || too_short) {  // M1, M6, M10
    return ended(failed(Reason::incomplete, asked.host + " ended the transfer after " + so_far));
  }
  if (!facts.coding_ended) {  // M30
    return ended(failed(Reason::incomplete, asked.host + " ended the " + plan.coding +
                                                " content in the middle, after " + so_far));
  }
  if (facts.part_differs) {  // M70
    return ended(
        failed(Reason::digest_mismatch, "a part from " + asked.host + " is not what its own checksum says"));
  }
  if (plan.total_bytes && position > *plan.total_bytes) {
    return ended(failed(Reason::excess, asked.host + " sent more than was expected: " + so_far));
  }
  if (plan.total_bytes && position < *plan.total_bytes) {
    if (plan.expect_bytes && !coded) return EndVerdict{true, {}};  // a piece as announced: M11, M15
    return ended(failed(Reason::incomplete, asked.host + " ended the transfer after " + so_far));
  }
  const bool closed_unclean = plan.framing == Framing::close && facts.tls && !facts.clean_tls_close;
  if (closed_unclean && !plan.total_bytes) {  // M9
    return ended(
        failed(Reason::incomplete, "the secure connection to " + asked.host + " was cut after " + so_far));
  }
  if (position == 0 && !asked.allow_empty) {  // M27
    return ended(failed(Reason::empty_result, asked.host + " sent nothing"));
  }
  if (facts.digest == DigestState::differs) {
    return ended(
        failed(Reason::digest_mismatch, "the content from " + asked.host + " is not what its checksum says"));
  }
  // libcurl 7.88 takes a stream that is reset without an error for one that ended (M68).
  const bool ends_itself = plan.framing == Framing::length || plan.framing == Framing::chunked;
  const bool clean_end =
      ends_itself || (plan.framing == Framing::close && facts.tls && facts.clean_tls_close);
  const bool length_proven = plan.total_bytes || (clean_end && !plan.part);
  return done(length_proven ? Outcome::complete : Outcome::unverified);  // M8
}

}  // namespace restante::transfer
