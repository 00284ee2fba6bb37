// SPDX-License-Identifier: Apache-2.0
#include "transfer/transfer.hpp"

#include "base/text.hpp"
#include "transfer/hop_headers.hpp"
#include "transfer/naming.hpp"
#include "transfer/segments.hpp"

#include <algorithm>
#include <limits>
#include <unistd.h>
#include <utility>

namespace restante::transfer {

namespace {

using jobs::Outcome;
using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t small_content_bytes = 1024 * 1024;
constexpr std::size_t small_curl_buffer = 16 * 1024, large_curl_buffer = 512 * 1024;
constexpr std::uint64_t slow_bytes_per_s = 8 * 1024 * 1024;  ///< large buffers would come in jolts
constexpr std::chrono::seconds drain_time{2};
constexpr std::uint64_t max_age_s = 10ULL * 365 * 86400;

Instant wall_clock() {
  return SystemClock().now();
}

}  // namespace

std::optional<BodyWriter::Options::Bound> room_of(const jobs::TransferOrder& order) {
  if (!order.room_bytes) return std::nullopt;
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max() - order.offset;
  Error error = fail(order.room_reason, std::string(info(order.room_reason).words)).value();
  error.transient = true;
  return BodyWriter::Options::Bound{order.offset + std::min(*order.room_bytes, most), std::move(error)};
}

Transfer::Transfer(Surroundings& around, const Limits& limits, std::uint32_t id, jobs::TransferOrder order,
                   Purpose purpose)
    : around_(around),
      limits_(limits),
      id_(id),
      order_(std::move(order)),
      domain_(credential_domain(order_)),
      trail_(limits.redirects),
      pace_(order_.rate_bytes_per_s, limits.rate_burst, SteadyClock::now()),
      sign_in_(around.nonces(), domain_),
      offset_(order_.offset),
      known_size_(order_.known_size),
      validator_(order_.if_range) {
  reported_at_ = last_byte_ = phase_since_ = SteadyClock::now();
  reported_bytes_ = order_.offset;
  room_ = room_of(order_);
  if (purpose == Purpose::brings) return;
  order_.probe = true;
  look_.emplace(limits_.page_bytes);
}

Result<void> Transfer::check_order() {
  if (!order_.probe && !order_.out) return fail(Reason::internal, "an order came without its file");
  if (!order_.digest_algorithm.empty() && openssl_digest(order_.digest_algorithm) == nullptr) {
    return fail(Reason::cap_denied, "the checksum algorithm " + order_.digest_algorithm + " is not known");
  }
  auto url = net::parse_url(order_.source.url);
  if (!url) return fail(url.error());
  source_ = *url;
  hop_ = Hop{std::move(*url), order_.source.request.method, order_.source.request.body.has_value()};
  return trail_.enter(hop_);
}

void Transfer::begin() {
  if (auto good = check_order(); !good) return fail_with(good.error());
  if (offset_ > 0 && (!provable() || hop_.method != "GET")) {  // M21
    return finish(
        restart(Reason::incomplete, source_.host + " gave no sure sign by which to go on from the middle"));
  }
  if (holds_page()) {
    return finish(restart(Reason::source_changed, "what is here of the file is the beginning of a web page"));
  }
  if (offset_ > 0) read_held();
  ask_where();
}

/// A worker that died with a portal's page half written could not tell (M52).
bool Transfer::holds_page() const {
  if (offset_ == 0 || !order_.digest_hex.empty() || page_wish_of({}) != PageWish::unlikely) return false;
  std::string beginning(std::min<std::uint64_t>(sniffed_bytes, offset_), '\0');
  const ssize_t count = ::pread(order_.out.get(), beginning.data(), beginning.size(), 0);
  beginning.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return is_html(order_.seen_type, source_.path, beginning);
}

bool Transfer::provable() const {
  const bool by_date = order_.relinked && known_size_ && !order_.last_modified.empty();
  return range_validator().has_value() || !order_.digest_hex.empty() || by_date;
}

void Transfer::read_held() {
  // Never from 0 on: that would be no Range.
  held_.resize(std::min<std::uint64_t>(limits_.overlap_bytes, offset_ - 1));
  const auto from = static_cast<off_t>(offset_ - held_.size());
  const ssize_t count = ::pread(order_.out.get(), held_.data(), held_.size(), from);
  if (count != static_cast<ssize_t>(held_.size())) held_.clear();
}

void Transfer::ask_where() {
  phase_ = Phase::resolving;
  phase_since_ = SteadyClock::now();
  around_.send(worker::Resolve{id_, ++hop_number_, hop_.url.scheme, hop_.url.host, hop_.url.port});
}

void Transfer::on_resolved(worker::Resolved answer) {
  if (answer.part != 0 && segments_) return segments_->on_resolved(std::move(answer));
  if ((phase_ != Phase::resolving && phase_ != Phase::renewing) || answer.hop != hop_number_) return;
  if (answer.refused) return fail_with(*answer.refused);
  if (phase_ == Phase::renewing) return renewal_->start(answer.addresses);
  addresses_ = std::move(answer.addresses);
  addresses_.resize(std::min(addresses_.size(), limits_.addresses));
  address_ = 0;
  if (addresses_.empty()) return fail_with(fail(Reason::dns, hop_.url.host + " has no address").value());
  phase_ = Phase::queued;
}

void Transfer::on_slot() {
  if (phase_ == Phase::queued) request();
}

std::optional<std::string> Transfer::range_validator() const {
  if (is_strong_etag(validator_) || parse_http_date(validator_)) return validator_;
  return std::nullopt;
}

void Transfer::request() {
  if (!has_token()) return;
  const std::string digest = sign_in_.answer_for(order_, hop_.url, hop_.method);
  auto headers = hop_headers(order_, source_, hop_.url, wall_clock(), digest);
  if (!headers) return fail_with(headers.error());
  credentials_sent_ = headers->credentials;
  net::CurlOptions options;
  options.header_lines = std::move(headers->lines);
  if (offset_ > 0) {
    asked_from_ = offset_ - held_.size();
    options.header_lines.push_back("Range: bytes=" + std::to_string(asked_from_) + "-");
    const auto validator = range_validator();
    if (validator && !without_validator_) options.header_lines.push_back("If-Range: " + *validator);
  }
  if (without_cache_) options.header_lines.emplace_back("Cache-Control: no-cache");
  options.url = hop_.url.text;
  options.http2 = around_.http_versions().asks_by_http2(hop_.url);
  options.method = hop_.method;
  if (hop_.with_body) options.body = &*order_.source.request.body;
  certificate_ = certificate_for(order_, hop_.url);
  if (certificate_ != nullptr) {
    options.certificate = &certificate_->certificate;
    options.certificate_key = &certificate_->key;
  }
  options.connect_address = addresses_[address_];
  options.connect_port = hop_.url.port;
  options.connect_time = limits_.connect_time;
  const bool slow = pace_.bytes_per_s() && *pace_.bytes_per_s() < slow_bytes_per_s;
  const bool small =
      order_.probe || slow || (known_size_ && *known_size_ < small_content_bytes) || around_.crowded();
  // Over a kept connection that ends now libcurl would send it twice (M51).
  options.fresh = std::exchange(fresh_, false) || hop_.method != "GET";
  options.buffer_bytes = small ? small_curl_buffer : large_curl_buffer;

  reader_.emplace(HeaderReader::Limits{limits_.header_bytes, limits_.header_lines, limits_.interim_answers});
  head_.reset();
  broken_.reset();
  received_bytes_ = 0;
  counted_out_ = reached_stretch_ = false;
  compared_ = 0;
  paused_ = false;
  phase_ = Phase::running;
  phase_since_ = last_byte_ = SteadyClock::now();
  handle_ = around_.start_request(domain_, options, *this);
}

Asked Transfer::asked() const {
  Asked asked;
  asked.host = hop_.url.host;
  asked.offset = asked_from_;
  asked.held_bytes = offset_;
  asked.if_range = validator_;
  asked.last_modified = order_.last_modified;
  asked.relinked = order_.relinked;
  asked.digest_given = !order_.digest_hex.empty();
  asked.without_validator = without_validator_;
  asked.known_size = known_size_;
  asked.max_bytes = order_.max_bytes;
  asked.allow_empty = order_.allow_empty;
  asked.credentials_sent = credentials_sent_;
  asked.without_cache = without_cache_;
  asked.names_gzip = names_gzip(hop_.url.path) || names_gzip(order_.wanted_name);
  asked.file_wanted = !look_ && page_wish_of({}) == PageWish::unlikely && !is_html_type(order_.seen_type);
  asked.now = wall_clock();
  asked.retry_after_cap = limits_.retry_after;
  return asked;
}

int Transfer::open_socket(int family, int socktype, const sockaddr* address, socklen_t length) {
  return around_.open_socket(id_, 0, family, socktype, address, length);
}

net::CurlEvents::Taken Transfer::on_header(std::string_view line) {
  last_byte_ = SteadyClock::now();
  switch (reader_->line(line)) {
    case HeaderReader::Step::more:
      return Taken::all;
    case HeaderReader::Step::complete:
      return on_head();
    case HeaderReader::Step::malformed:
      broken_ = fail(Reason::malformed, hop_.url.host + " sent a header that cannot be understood").value();
      return Taken::abort;
    case HeaderReader::Step::too_much:
      break;
  }
  broken_ = fail(Reason::malformed, hop_.url.host + " sent a header without end").value();
  return Taken::abort;
}

net::CurlEvents::Taken Transfer::on_head() {
  const HeaderBlock& head = reader_->block();
  if (const auto date = parse_http_date(head.first("date"))) {
    const auto age = parse_digits(head.first("age")).value_or(0);  // out of a cache
    const Seconds since(static_cast<std::int64_t>(std::min<std::uint64_t>(age, max_age_s)));
    around_.clock_witness().heard(hop_.url.origin, *date + since, wall_clock());
  }
  head_ = judge_head(asked(), head);
  if (head.status != 401) sign_in_.accepted(hop_.url, head);
  if (head_->next == HeadVerdict::Next::body) {
    if (head_->body.close_after) handle_->forbid_reuse();
    plan_body(head);
    if (!headers_only() && !begin_segments(head)) {
      head_->next = HeadVerdict::Next::finish;
      head_->verdict =
          restart(Reason::source_changed, "the content at " + hop_.url.host + " changed meanwhile");
      return Taken::abort;
    }
    const auto& total = head_->body.total_bytes;
    if (total && !order_.probe && room_ && *total > room_->end) {
      broken_ = room_->error;
      return Taken::abort;
    }
    counted_out_ = head_->body.we_count && head_->body.expect_bytes == std::uint64_t{0};
    return headers_only() || counted_out_ ? Taken::abort : Taken::all;
  }
  if (facts_.http_status == 0) facts_ = facts_of(head);
  // A short body that is not the content is read to its end, so that the connection can serve on.
  const auto length = parse_digits(head.first("content-length"));
  return length && *length <= limits_.evidence_bytes && !order_.probe ? Taken::all : Taken::abort;
}

void Transfer::plan_body(const HeaderBlock& head) {
  if (!std::exchange(responded_, true)) {
    facts_ = facts_of(head);
    around_.send(worker::Responded{id_, facts_});
    if (offset_ == 0 || without_validator_) validator_ = strong_validator(head);
  }
  if (look_) look_->begin(head, hop_.url);
  if (headers_only()) return;
  if (!watch_) {
    ContentWatch::Options options;
    options.from_start = offset_ == 0;
    options.source_path = source_.path;
    options.page_bytes = limits_.evidence_bytes;
    watch_.emplace(std::move(options));
    page_wish_ = look_ ? PageWish::wanted : page_wish_of(head);
  }
  watch_->begin_answer(head, head_->body.coding);
  if (writer_ || look_) return;
  BodyWriter::Options options;
  options.file = std::move(order_.out);
  options.offset = offset_;
  if (order_.max_bytes) {
    const std::string message = "it is larger than the allowed " + human_size(*order_.max_bytes);
    options.bounds.push_back({*order_.max_bytes, fail(Reason::too_large, message).value()});
  }
  if (room_) options.bounds.push_back(*room_);
  options.digest_algorithm = order_.digest_algorithm;
  if (head_->body.coding.empty()) options.total_bytes = head_->body.total_bytes;
  writer_.emplace(around_.buffers(), std::move(options));
}

jobs::ResponseFacts Transfer::facts_of(const HeaderBlock& head) const {
  jobs::ResponseFacts facts;
  facts.http_status = head.status;
  facts.final_url = url_for_logs(hop_.url.text);
  facts.name_hint = suggested_name(head.first("content-disposition"), hop_.url, head.first("content-type"));
  facts.media_type = head.media_type();
  if (head_ && head_->next == HeadVerdict::Next::body) facts.total_bytes = head_->body.total_bytes;
  facts.offset = offset_;
  facts.etag = head.first("etag").substr(0, 512);
  facts.last_modified = head.first("last-modified").substr(0, 64);
  facts.date = head.first("date").substr(0, 64);
  const auto units = head.tokens("accept-ranges");
  facts.ranges = head.status == 206 || std::find(units.begin(), units.end(), "bytes") != units.end();
  if (head_ && !head_->body.coding.empty()) {  // what is decoded cannot be gone on with (M29)
    facts.coding = head_->body.coding;
    facts.etag.clear();
    facts.last_modified.clear();
    facts.ranges = false;
  }
  facts.web_page = is_html_type(facts.media_type) && page_wish_of(head) != PageWish::wanted;
  return facts;
}

PageWish Transfer::page_wish_of(const HeaderBlock& head) const {
  PageClues clues;
  clues.url_path = source_.path;
  clues.wanted_name = order_.wanted_name;
  clues.wanted_type = order_.wanted_type;
  clues.seen_type = order_.seen_type;
  for (const auto& [name, value] : order_.source.request.headers) {
    if (iequals(name, "accept")) clues.accept = value;
  }
  clues.attachment = is_attachment(head.first("content-disposition"));
  clues.disposition_name = disposition_name(head.first("content-disposition"));
  return page_wish(clues);
}

/// M52 to M54: the answer is a page that is not what was wanted.
std::optional<Verdict> Transfer::judge_page_here() const {
  if (!watch_ || !watch_->is_page()) return std::nullopt;
  WayThere way;
  way.redirected = hop_.url.text != source_.text;
  way.elsewhere =
      hop_.url.host != source_.host || (hop_.url.scheme == source_.scheme && hop_.url.port != source_.port);
  way.to_sign_in = speaks_of_signing_in(hop_.url);
  way.carries_origin = hop_.url.text.find(source_.host, hop_.url.text.find('?')) != std::string::npos;
  way.secure = hop_.url.scheme == "https";
  way.credentials = credentials_sent_ || !order_.credentials.empty();
  const PageVerdict page = judge_page(page_wish_, way, watch_->beginning());
  if (page == PageVerdict::content) return std::nullopt;
  Verdict verdict;
  verdict.reason = page == PageVerdict::sign_in ? Reason::auth_expired : Reason::portal_suspected;
  verdict.transient = page == PageVerdict::portal;
  const bool sign_in = page == PageVerdict::sign_in;
  verdict.message = hop_.url.host + " answered with " +
                    (sign_in ? "a page to sign in"
                     : look_ ? "a page of the network that stands between"
                             : "a web page where a file was expected");
  if (!look_) verdict.message += "; if the page is what you want, send it again with --name PAGE.html";
  return verdict;
}

net::CurlEvents::Taken Transfer::on_body(std::string_view bytes) {
  last_byte_ = SteadyClock::now();
  paused_ = pace_.over(last_byte_);
  held_back_ = held_back_ || paused_;
  if (paused_) return Taken::later;
  received_bytes_ += bytes.size();
  pace_.took(bytes.size(), last_byte_);
  if (!head_ || head_->next != HeadVerdict::Next::body) {
    return received_bytes_ <= limits_.evidence_bytes ? Taken::all : Taken::abort;
  }
  const BodyPlan& plan = head_->body;
  const std::uint64_t end = plan.offset + received_bytes_;
  if ((plan.expect_bytes && received_bytes_ > *plan.expect_bytes) ||
      (plan.total_bytes && plan.coding.empty() && end > *plan.total_bytes)) {
    broken_ = fail(Reason::excess, hop_.url.host + " sent more than it announced").value();
    return Taken::abort;
  }
  keep_before_stretch(bytes);
  const auto sink = [this](std::string_view some) -> Result<void> {
    if (look_) {
      look_->add(some);
      return {};
    }
    if (!take_overlap(some)) return fail(Reason::source_changed, "other bytes than before");
    writer_->set_alone(around_.alone() && !shared_);
    return writer_->add(some, last_byte_);
  };
  auto done = watch_->add(bytes, sink);
  if (!done) {
    broken_ = done.error();
    return Taken::abort;
  }
  if (watch_->enough_of_page() && order_.digest_hex.empty() && !std::exchange(page_judged_, true)) {
    if (const auto page = judge_page_here()) {  // nobody needs the rest of it
      head_->next = HeadVerdict::Next::finish;
      head_->verdict = *page;
      return Taken::abort;
    }
  }
  if (reached_stretch_) return Taken::abort;
  if (look_ && look_->enough()) {
    counted_out_ = true;
    return Taken::abort;
  }
  if (plan.framing == Framing::length && received_bytes_ == plan.expect_bytes) {
    const bool several_packets = received_bytes_ > small_curl_buffer;
    const bool proven = known_size_ == plan.total_bytes || !order_.digest_hex.empty();
    handle_->look_behind_end(several_packets && !proven ? limits_.excess_patience : Millis(0));
    counted_out_ = plan.we_count;
    if (counted_out_) return Taken::abort;
  }
  return Taken::all;
}

bool Transfer::take_overlap(std::string_view& bytes) {
  const std::size_t count = std::min(bytes.size(), held_.size() - compared_);
  differs_ = bytes.substr(0, count) != std::string_view(held_).substr(compared_, count);
  compared_ += count;
  bytes.remove_prefix(count);
  return !differs_;
}

void Transfer::ask_for_rest() {
  if (++rounds_ > limits_.rounds) {
    return fail_with(
        fail(Reason::incomplete, hop_.url.host + " sends the content in too many pieces").value());
  }
  offset_ = writer_->position();
  held_.erase(0, compared_);
  old_way_ = hop_.url.text != source_.text;
  known_size_ = head_->body.total_bytes;
  ask_where();
}

/// M57: the place that a redirect led to does not want us any more; the source may know a fresh way.
bool Transfer::asks_source_again(const HeaderBlock& head) {
  const bool refused = head.status == 400 || head.status == 401 || head.status == 403 || head.status == 404 ||
                       head.status == 410;
  if (!refused || !std::exchange(old_way_, false)) return false;
  trail_ = RedirectTrail(limits_.redirects);
  hop_ = Hop{source_, order_.source.request.method, order_.source.request.body.has_value()};
  if (!trail_.enter(hop_)) return false;
  ask_where();
  return true;
}

void Transfer::follow(const std::string& location) {
  auto next = next_hop(hop_, reader_->block().status, location);
  if (!next) return fail_with(next.error());
  if (auto fresh = trail_.enter(*next); !fresh) return fail_with(fresh.error());
  hop_ = std::move(*next);
  ask_where();
}

void Transfer::on_tick(TimePoint now) {
  if (phase_ == Phase::resolving && now - phase_since_ > limits_.resolve_answer) {
    return fail_with(
        fail(Reason::timeout, "the address of " + hop_.url.host + " was not found in time").value());
  }
  if (phase_ == Phase::renewing && now - phase_since_ > limits_.renewal_time) {
    return fail_with(fail(Reason::timeout, "the sign-in was not renewed in time").value());
  }
  if (segments_) segments_->on_tick(now);
  if (phase_ == Phase::running && !keeps_running(now)) return;
  report(now);
}

/// False: it has ended its request.
bool Transfer::keeps_running(TimePoint now) {
  go_on_at_pace(now);
  if (phase_ != Phase::running) return false;
  const bool content = head_ && head_->next == HeadVerdict::Next::body;
  if (head_ && !content && now - phase_since_ > drain_time && now - last_byte_ > drain_time) {
    on_end({});  // the rest of a body that nobody wants
    return false;
  }
  // While it connects, libcurl's own limit decides; afterwards every byte counts.
  if (now - last_byte_ > std::max(order_.stall, content ? Millis(0) : limits_.connect_time)) {
    handle_->forbid_reuse();  // a dead connection would swallow the next stream of HTTP/2 as well
    handle_.reset();
    if (content) {
      end_body(BodyEnd::stalled, {});
    } else {
      fail_with(fail(Reason::timeout, hop_.url.host + " did not answer in time").value());
    }
    return false;
  }
  if (!writer_) return true;
  const auto oldest = writer_->oldest_byte();
  if (!oldest || now - *oldest <= limits_.flush_after) return true;
  auto done = writer_->flush_and_release();
  if (done) return true;
  handle_.reset();
  fail_with(done.error());
  return false;
}

void Transfer::stop() {
  if (finished()) return;
  // Tokens that are being changed must not be lost: the old ones may be worth nothing already.
  const bool changing = phase_ == Phase::renewing && (unkept_ || (renewal_ && renewal_->on_the_wire()));
  if (changing && !std::exchange(stop_wanted_, true)) return;
  handle_.reset();
  Verdict verdict;
  verdict.outcome = Outcome::stopped;
  verdict.reason = Reason::cancelled;
  finish(std::move(verdict));
}

}  // namespace restante::transfer
