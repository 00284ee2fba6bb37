// SPDX-License-Identifier: Apache-2.0
#include "transfer/file_fetch.hpp"

#include "base/text.hpp"
#include "transfer/html_offers.hpp"
#include "transfer/validator.hpp"

#include <algorithm>
#include <unistd.h>
#include <utility>

namespace restante::transfer {

using net::CurlEnding;
using SteadyClock = std::chrono::steady_clock;

FileFetch::FileFetch(const Limits& limits, std::uint32_t id, jobs::TransferOrder order, Ways ways,
                     BufferPool& buffers)
    : FileServerRun(limits, id, std::move(order), std::move(ways)),
      buffers_(buffers),
      offset_(this->order().offset),
      room_(room_of(this->order())),
      reported_bytes_(offset_),
      pace_(this->order().rate_bytes_per_s, limits.rate_burst, SteadyClock::now()) {
  last_byte_ = reported_at_ = SteadyClock::now();
}

void FileFetch::run() {
  if (!order().probe && !order().out)
    return fail_with(fail(Reason::internal, "an order came without its file").value());
  if (!order().digest_algorithm.empty() && openssl_digest(order().digest_algorithm) == nullptr)
    return fail_with(
        fail(Reason::cap_denied, "the checksum algorithm " + order().digest_algorithm + " is not known")
            .value());
  if (url().path.ends_with('/'))
    return fail_with(
        fail(Reason::not_found, "this is the address of a folder: `restante browse` shows what is in it")
            .value());
  look(Step::before);
}

void FileFetch::look(Step step) {
  step_ = step;
  last_byte_ = SteadyClock::now();
  Request request;
  request.only_look = true;
  ask(request);
}

/// Size and date as a validator: files on such servers have no other.
std::string FileFetch::validator() const {
  if (!before_.size_bytes || !before_.modified) return {};
  return "\"" + std::to_string(*before_.size_bytes) + "-" + std::to_string(*before_.modified) + "\"";
}

jobs::ResponseFacts FileFetch::facts() const {
  jobs::ResponseFacts out;
  out.final_url = url_for_logs(url().text);
  out.name_hint = last_segment(url().text);
  out.total_bytes = before_.size_bytes;
  out.offset = offset_;
  out.etag = validator();
  out.ranges = true;
  return out;
}

void FileFetch::begin_again(Reason reason, std::string message) {
  const Verdict verdict = restart(reason, std::move(message));
  jobs::TransferResult result;
  result.outcome = verdict.outcome;
  result.reason = verdict.reason;
  result.message = verdict.message;
  result.transient = verdict.transient;
  finish(std::move(result));
}

void FileFetch::on_answer(const net::CurlEnd& end) {
  if (step_ == Step::content) return on_content_end(end);
  if (end.ending != CurlEnding::finished) return fail_with(why_not(end));
  const Facts facts{end.size_bytes, end.modified};
  step_ == Step::before ? on_facts(facts) : judge(facts);
}

Result<void> FileFetch::can_begin() const {
  const auto& size = before_.size_bytes;
  const std::string& host = url().host;
  if (!size) return {};
  if (order().known_size && *order().known_size != *size)
    return fail(Reason::source_changed, host + " has " + std::to_string(*size) + " bytes where " +
                                            std::to_string(*order().known_size) + " were expected");
  if (*size == 0 && !order().allow_empty)
    return fail(Reason::empty_result, host + " has an empty file there");
  if (order().max_bytes && *size > *order().max_bytes)
    return fail(Reason::too_large, host + " has " + human_size(*size) + "; at most " +
                                       human_size(*order().max_bytes) + " are allowed");
  if (room_ && *size > room_->end) return tl::make_unexpected(room_->error);
  return {};
}

void FileFetch::on_facts(const Facts& facts_before) {
  before_ = facts_before;
  told_ = true;
  send(worker::Responded{id(), facts()});
  if (order().probe) {
    jobs::TransferResult result;
    result.outcome = jobs::Outcome::complete;
    return finish(std::move(result));
  }
  const bool same = !order().if_range.empty() && order().if_range == validator();
  if (offset_ > 0 && !order().if_range.empty() && !same)
    return begin_again(Reason::source_changed, "the file at " + url().host + " changed meanwhile");
  const bool too_long = before_.size_bytes && offset_ > *before_.size_bytes;
  if (offset_ > 0 && ((!same && order().digest_hex.empty()) || too_long))
    return begin_again(Reason::incomplete,
                       url().host + " gave no sure sign by which to go on from the middle");
  if (auto can = can_begin(); !can) {
    if (offset_ > 0 && can.error().reason == Reason::source_changed)
      return begin_again(Reason::source_changed, can.error().message);
    return fail_with(can.error());
  }
  fetch();
}

void FileFetch::fetch() {
  if (offset_ > 0) {  // M18
    held_.resize(std::min<std::uint64_t>(limits().overlap_bytes, offset_ - 1));
    const auto from = static_cast<off_t>(offset_ - held_.size());
    const ssize_t count = ::pread(order().out.get(), held_.data(), held_.size(), from);
    if (count != static_cast<ssize_t>(held_.size())) held_.clear();
  }
  BodyWriter::Options options;
  options.file = std::move(order().out);
  options.offset = offset_;
  if (order().max_bytes) {
    const std::string message = "it is larger than the allowed " + human_size(*order().max_bytes);
    options.bounds.push_back({*order().max_bytes, fail(Reason::too_large, message).value()});
  }
  if (room_) options.bounds.push_back(*room_);
  options.digest_algorithm = order().digest_algorithm;
  writer_.emplace(buffers_, std::move(options));
  step_ = Step::content;
  last_byte_ = SteadyClock::now();
  Request request;
  request.from = offset_ - held_.size();
  request.buffer_bytes = 256 * 1024;
  ask(request);
}

void FileFetch::set_pace(std::optional<std::uint64_t> bytes_per_s) {
  const auto now = SteadyClock::now();
  pace_.set(bytes_per_s, now);
  if (holds_slot()) go_on_at_pace(now);
}

void FileFetch::go_on_at_pace(TimePoint now) {
  if (!paused_) return;
  last_byte_ = now;
  if (pace_.over(now)) return;
  paused_ = false;
  go_on();
}

net::CurlEvents::Taken FileFetch::take(std::string_view bytes) {
  last_byte_ = SteadyClock::now();
  paused_ = pace_.over(last_byte_);
  held_back_ = held_back_ || paused_;
  if (paused_) return Taken::later;
  received_bytes_ += bytes.size();
  pace_.took(bytes.size(), last_byte_);
  const std::size_t count = std::min(bytes.size(), held_.size() - compared_);
  differs_ = bytes.substr(0, count) != std::string_view(held_).substr(compared_, count);
  if (differs_) return Taken::abort;
  compared_ += count;
  bytes.remove_prefix(count);
  if (before_.size_bytes && writer_->position() + bytes.size() > *before_.size_bytes) {
    broken_ = fail(Reason::excess, url().host + " sent more than the file had").value();
    return Taken::abort;
  }
  auto done = writer_->add(bytes, last_byte_);
  if (!done) broken_ = done.error();
  return done ? Taken::all : Taken::abort;
}

void FileFetch::on_content_end(const net::CurlEnd& end) {
  const std::string& host = url().host;
  if (differs_)
    return begin_again(Reason::source_changed,
                       host + " sends other bytes than those that are here: the content changed");
  if (broken_) return fail_with(*broken_);
  if (auto done = writer_->flush(); !done) return fail_with(done.error());
  if (end.ending == CurlEnding::not_done && offset_ > 0 && received_bytes_ == 0)  // REST is not known
    return begin_again(Reason::incomplete, host + " cannot go on from the middle");
  if (end.ending != CurlEnding::finished) {
    if (received_bytes_ == 0) return fail_with(why_not(end));
    Error error = fail(Reason::incomplete, host + " did not send the file to its end").value();
    error.transient = true;
    return fail_with(error);
  }
  if (end.excess) return fail_with(fail(Reason::excess, host + " sent more than the file had").value());
  look(Step::after);
}

/// The server's last word was good, or the bytes ran out: what is it worth?
void FileFetch::judge(const Facts& after) {
  const std::string& host = url().host;
  if (after != before_)
    return begin_again(Reason::source_changed, "the file at " + host + " changed while it was fetched");
  const auto& size = before_.size_bytes;
  if (size && writer_->position() < *size) {
    Error error = fail(Reason::incomplete, host + " sent " + std::to_string(writer_->position()) + " of " +
                                               std::to_string(*size) + " bytes")
                      .value();
    error.transient = true;
    return fail_with(error);
  }
  if (!size && writer_->position() == 0 && !order().allow_empty)
    return fail_with(fail(Reason::empty_result, host + " has an empty file there").value());
  jobs::TransferResult result;
  const bool hashed = writer_->digests();
  if (hashed) result.digest_hex = writer_->finish_digest();
  if (hashed && !order().digest_hex.empty() && result.digest_hex != ascii_lower(order().digest_hex)) {
    result.reason = Reason::digest_mismatch;
    result.message = "the file at " + host + " is not what its checksum says";
    return finish(std::move(result));
  }
  const bool proven = size || (hashed && !order().digest_hex.empty());
  result.outcome = proven ? jobs::Outcome::complete : jobs::Outcome::unverified;
  if (!proven) {
    result.reason = Reason::complete_unverified;
    result.message = host + " does not say how long the file is";
  }
  finish(std::move(result));
}

void FileFetch::complete(jobs::TransferResult& result) {
  if (writer_) {
    if (auto done = writer_->flush_and_release(); !done) {
      result.outcome = jobs::Outcome::failed;
      result.reason = done.error().reason;
      result.message = done.error().message;
      result.transient = done.error().transient;
    }
    result.pieces = writer_->report_pieces();
  }
  result.received_bytes = writer_ ? writer_->written_bytes() : order().offset;
  if (told_) result.facts = facts();
}

void FileFetch::while_running(TimePoint now) {
  go_on_at_pace(now);
  if (finished()) return;
  if (now - last_byte_ > std::max(order().stall, limits().connect_time)) {
    drop_request();
    Error error = fail(Reason::timeout, url().host + " sent nothing for too long").value();
    error.transient = true;
    return fail_with(error);
  }
  if (!writer_) return;
  const auto oldest = writer_->oldest_byte();
  if (oldest && now - *oldest > limits().flush_after) {
    if (auto done = writer_->flush_and_release(); !done) return fail_with(done.error());
  }
  const std::uint64_t written = writer_->written_bytes();
  if (now - reported_at_ < limits().progress_every || written == reported_bytes_) return;
  const double seconds = std::chrono::duration<double>(now - reported_at_).count();
  const double rate = static_cast<double>(written - reported_bytes_) / seconds;
  bytes_per_s_ = bytes_per_s_ == 0 ? rate : 0.7 * bytes_per_s_ + 0.3 * rate;
  reported_bytes_ = written;
  reported_at_ = now;
  worker::Progress progress{id(), written, static_cast<std::uint64_t>(bytes_per_s_),
                            writer_->report_pieces()};
  progress.held_back = std::exchange(held_back_, paused_);
  send(std::move(progress));
}

}  // namespace restante::transfer
