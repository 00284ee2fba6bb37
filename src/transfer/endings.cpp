// SPDX-License-Identifier: Apache-2.0
// How a transfer ends: what the end of an answer means, why none came, and the last word to the server.
#include "base/text.hpp"
#include "transfer/segments.hpp"
#include "transfer/transfer.hpp"
#include "worker/offered.hpp"

#include <cerrno>
#include <utility>

namespace restante::transfer {

namespace {

using jobs::Outcome;

Verdict verdict_of(const Error& error) {
  Verdict verdict;
  verdict.reason = error.reason;
  verdict.message = error.message;
  verdict.transient = error.transient;
  return verdict;
}

}  // namespace

void Transfer::on_end(const net::CurlEnd& end) {
  handle_.reset();
  if (differs_) {
    return finish(
        restart(Reason::source_changed,
                hop_.url.host + " sends other bytes than those that are here: the content changed"));
  }
  if (broken_) return fail_with(*broken_);
  if (reached_stretch_) return join();
  if (end.ending == net::CurlEnding::stale) {
    fresh_ = true;
    phase_ = Phase::queued;
    return;
  }
  if (!head_) return on_no_answer(end);
  switch (head_->next) {
    case HeadVerdict::Next::redirect:
      return follow(head_->target);
    case HeadVerdict::Next::again_without_cache:
      without_cache_ = true;
      return ask_where();
    case HeadVerdict::Next::again_without_validator:
      without_validator_ = true;
      return ask_where();
    case HeadVerdict::Next::finish:
      if (HttpVersions::refuses_http1(reader_->block()) && asks_by_http2()) return;
      if (reader_->block().status == 401 && sign_in_again()) return;
      if (asks_source_again(reader_->block())) return;
      return finish_refused();
    case HeadVerdict::Next::body:
      break;
  }
  if (look_ && !look_->reads()) return end_look(BodyEnd::finished);
  if (headers_only()) {
    Verdict verdict;
    verdict.outcome = Outcome::complete;
    return finish(std::move(verdict));
  }
  if (counted_out_) return end_body(BodyEnd::finished, end);
  switch (end.ending) {
    case net::CurlEnding::finished:
      return end_body(BodyEnd::finished, end);
    case net::CurlEnding::malformed:
      return end_body(BodyEnd::malformed, end);
    default:
      return end_body(BodyEnd::cut, end);
  }
}

void Transfer::on_no_answer(const net::CurlEnd& end) {
  const std::string& host = hop_.url.host;
  const bool connecting =
      end.ending == net::CurlEnding::not_connected || end.ending == net::CurlEnding::connect_timeout;
  if (end.ending == net::CurlEnding::no_protocol && asks_by_http2()) return;
  const bool judged = end.os_errno == EACCES || end.os_errno == EPERM;
  if (connecting && !judged && ++address_ < addresses_.size()) {
    phase_ = Phase::queued;
    return;
  }
  const auto why = [&]() -> Error {
    switch (end.ending) {
      case net::CurlEnding::not_connected:
        if (judged) return fail(Reason::address, "connecting to " + host + " is not permitted").value();
        return fail(Reason::unreachable,
                    "no connection to " + host +
                        (end.os_errno != 0 ? ": " + errno_text(end.os_errno) : std::string()))
            .value();
      case net::CurlEnding::connect_timeout:
        return fail(Reason::timeout, "no connection to " + host + " in time").value();
      case net::CurlEnding::tls_untrusted:
        return fail(Reason::tls, tls_words(host, end.certificate, end.text, SystemClock().now(),
                                           around_.clock_witness().off()))
            .value();
      case net::CurlEnding::tls_refused_us:
      case net::CurlEnding::bad_certificate:
        return no_secure_connection(end);
      case net::CurlEnding::no_protocol:
        return fail(Reason::tls, host + " speaks no version of HTTP that may be used here").value();
      case net::CurlEnding::tls_failed: {
        Error error = fail(Reason::tls, host + ": " + end.text).value();
        error.transient =
            end.text.find("reset") != std::string::npos || end.text.find("SYSCALL") != std::string::npos;
        return error;
      }
      case net::CurlEnding::nothing:
      case net::CurlEnding::cut:
      case net::CurlEnding::finished:  // libcurl calls a head without its end finished
        return fail(Reason::incomplete, host + " closed the connection without an answer").value();
      case net::CurlEnding::malformed:
        return fail(Reason::malformed, host + " gave an answer that is not HTTP").value();
      default:
        return fail(Reason::internal, "the request to " + host + " failed: " + end.text).value();
    }
  };
  fail_with(why());
}

/// The same request once more, by the version that the server wants.
bool Transfer::asks_by_http2() {
  if (!around_.http_versions().turns_to_http2(hop_.url)) return false;
  phase_ = Phase::queued;
  return true;
}

DigestState Transfer::judge_digest() {
  if (order_.digest_algorithm.empty()) return DigestState::not_asked;
  if (!writer_->digests()) return DigestState::later;
  digest_hex_ = writer_->finish_digest();
  if (order_.digest_hex.empty()) return DigestState::not_asked;
  return digest_hex_ == ascii_lower(order_.digest_hex) ? DigestState::agrees : DigestState::differs;
}

/// A page that was cut off might be taken for all that is offered.
void Transfer::end_look(BodyEnd how) {
  if (how != BodyEnd::finished) {
    Error error = fail(how == BodyEnd::stalled ? Reason::timeout : Reason::incomplete,
                       hop_.url.host + " did not send the page to its end")
                      .value();
    error.transient = true;
    return fail_with(error);
  }
  if (const auto page = judge_page_here()) return finish(*page);
  auto offers = look_->offers(source_, facts_);
  if (!offers) return fail_with(offers.error());
  for (worker::Offered& part : worker::pack(id_, std::move(*offers))) around_.send(std::move(part));
  Verdict verdict;
  verdict.outcome = Outcome::complete;
  finish(std::move(verdict));
}

void Transfer::end_body(BodyEnd how, const net::CurlEnd& end) {
  if (look_) return end_look(how);
  if (auto done = writer_->flush(); !done) return fail_with(done.error());
  EndFacts facts;
  facts.plan = head_->body;
  facts.received_bytes = received_bytes_;
  facts.end = how;
  facts.tls = end.tls;
  facts.clean_tls_close = end.clean_tls_close;
  facts.excess = end.excess;
  const auto& total = facts.plan.total_bytes;
  const bool a_piece =
      how == BodyEnd::finished && total && !watch_->decodes() && writer_->position() < *total;
  facts.digest = a_piece ? DigestState::later : judge_digest();
  const ContentWatch::End watched = watch_->end_answer(reader_->trailers(), !a_piece);
  facts.coding_ended = watched.coding_ended;
  facts.decoded_bytes = watch_->decoded_bytes();
  facts.part_differs = watched.answer == DigestWatch::Result::differs;
  const bool undecided = facts.digest == DigestState::not_asked || facts.digest == DigestState::later;
  if (undecided && watched.whole == DigestWatch::Result::differs) facts.digest = DigestState::differs;
  if (undecided && watched.whole == DigestWatch::Result::agrees) facts.digest = DigestState::agrees;
  EndVerdict verdict = judge_end(asked(), facts);
  if (facts.digest != DigestState::agrees || undecided) {
    if (auto page = judge_page_here()) return finish(std::move(*page));
  }
  if (verdict.verdict.reason == Reason::digest_mismatch && segments_ && segments_->mixed()) {
    segments_->doubt();
    return finish(restart(Reason::digest_mismatch, "one of several content servers has other bytes"));
  }
  if (verdict.ask_for_rest) return ask_for_rest();
  if (goes_on_without(verdict.verdict)) return;
  finish(std::move(verdict.verdict));
}

void Transfer::fail_with(const Error& error) {
  finish(verdict_of(error));
}

void Transfer::finish(Verdict verdict) {
  if (finished()) return;
  phase_ = Phase::finished;
  handle_.reset();
  if (segments_) segments_->stop();
  if (writer_) {
    if (auto done = writer_->flush_and_release(); !done) verdict = verdict_of(done.error());
  }
  jobs::TransferResult result;
  result.outcome = verdict.outcome;
  result.reason = verdict.reason;
  result.message = std::move(verdict.message);
  if (const auto way = trail_.way(); !way.empty() && !result.message.empty())
    result.message += "; the way there: " + way;
  result.transient = verdict.transient;
  result.retry_after = verdict.retry_after;
  result.received_bytes = writer_ ? writer_->written_bytes() : order_.offset;
  const bool whole = result.outcome == Outcome::complete || result.outcome == Outcome::unverified;
  const bool not_content = watch_ && (watch_->decodes() || judge_page_here());
  // What was decoded cannot be gone on with, and a page that is not the file must not be.
  if (not_content && !whole) result.received_bytes = order_.offset;
  if (watch_ && watch_->decodes()) result.coded_bytes = watch_->coded_bytes();
  if (writer_) result.pieces = writer_->report_pieces();
  if (segments_ && !whole) result.apart = segments_->report(result.received_bytes);
  result.digest_hex = std::move(digest_hex_);
  result.facts = std::move(facts_);
  around_.send(worker::Finished{id_, std::move(result)});
}

}  // namespace restante::transfer
