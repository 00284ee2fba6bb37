// SPDX-License-Identifier: Apache-2.0
#include "transfer/folder_look.hpp"

#include "base/text.hpp"
#include "transfer/folder_listing.hpp"
#include "transfer/html_offers.hpp"
#include "worker/offered.hpp"

#include <utility>

namespace restante::transfer {

using net::CurlEnding;
using SteadyClock = std::chrono::steady_clock;

FolderLook::FolderLook(const Limits& limits, std::uint32_t id, jobs::TransferOrder order, Ways ways)
    : FileServerRun(limits, id, std::move(order), std::move(ways)) {
}

void FolderLook::run() {
  end_ = SteadyClock::now() + limits().folder_time;
  ask_for(secure_shell() ? Step::list : Step::facts);
}

void FolderLook::ask_for(Step step) {
  step_ = step;
  Request request;
  request.folder = step != Step::file;
  request.only_look = step == Step::file;
  if (step == Step::facts) request.list_command = "MLSD";
  listing_.clear();
  cut_ = false;
  ask(request);
}

net::CurlEvents::Taken FolderLook::take(std::string_view bytes) {
  listing_ += bytes.substr(0, limits().page_bytes - listing_.size());
  cut_ = listing_.size() >= limits().page_bytes;
  return cut_ ? Taken::abort : Taken::all;
}

void FolderLook::on_answer(const net::CurlEnd& end) {
  if (end.ending == CurlEnding::finished || (cut_ && step_ != Step::file))
    return step_ == Step::file ? tell_file(end) : tell_folder();
  // RFC 959 §5.4: a server that does not know MLSD says 500 or 502.
  if (step_ == Step::facts && end.ending == CurlEnding::not_done) return ask_for(Step::list);
  const bool no_folder = end.ending == CurlEnding::not_there || end.ending == CurlEnding::not_done ||
                         (secure_shell() && end.ending == CurlEnding::malformed && knows_host());
  if (step_ != Step::file && no_folder && url().path != "/") return ask_for(Step::file);
  fail_with(why_not(end));
}

void FolderLook::tell_folder() {
  FetchedListing listing;
  listing.text = listing_;
  listing.facts = step_ == Step::facts;
  listing.now = SystemClock().now();
  listing.cut = cut_;
  listing.folder = url();
  if (!listing.folder.path.ends_with('/')) {
    listing.folder.path += '/';
    listing.folder.text += '/';
  }
  for (worker::Offered& part : worker::pack(id(), read_folder_listing(listing))) send(std::move(part));
  jobs::TransferResult result;
  result.outcome = jobs::Outcome::complete;
  result.facts.final_url = url_for_logs(listing.folder.text);
  finish(std::move(result));
}

void FolderLook::tell_file(const net::CurlEnd& end) {
  jobs::Offers offers;
  offers.found = jobs::Found::file;
  jobs::Offer& offer = offers.offers.emplace_back();
  offer.url = file_url();
  offer.name = last_segment(offer.url);
  if (offer.name.empty()) offer.name = "download";
  offer.size_bytes = end.size_bytes;
  if (end.modified) offer.modified = Instant(Seconds(*end.modified));
  jobs::TransferResult result;
  result.outcome = jobs::Outcome::complete;
  result.facts.final_url = url_for_logs(offer.url);
  result.facts.name_hint = offer.name;
  result.facts.total_bytes = end.size_bytes;
  for (worker::Offered& part : worker::pack(id(), std::move(offers))) send(std::move(part));
  finish(std::move(result));
}

void FolderLook::while_running(TimePoint now) {
  if (now < end_) return;
  fail_with(fail(Reason::timeout, url().host + " did not answer in time").value());
}

}  // namespace restante::transfer
