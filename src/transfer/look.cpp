// SPDX-License-Identifier: Apache-2.0
#include "transfer/look.hpp"

#include "base/text.hpp"
#include "capture/understand.hpp"
#include "proxy/rules.hpp"
#include "transfer/disposition.hpp"
#include "transfer/html_offers.hpp"
#include "transfer/web_page.hpp"

#include <algorithm>
#include <utility>

namespace restante::transfer {

namespace {

bool names_metalink(std::string_view name) {
  const std::string lower = ascii_lower(name);
  return lower.ends_with(".meta4") || lower.ends_with(".metalink");
}

jobs::Offer as_offer(const proxy::File& file) {
  jobs::Offer offer;
  offer.name = file.name;
  offer.folder = file.folder;
  offer.media_type = file.media_type;
  offer.size_bytes = file.size_bytes;
  offer.sources = file.sources;
  for (proxy::Source& source : offer.sources) source.credential_ids.clear();
  if (!offer.sources.empty()) offer.url = offer.sources.front().url;
  offer.digests.assign(file.digests.begin(), file.digests.end());
  return offer;
}

}  // namespace

bool Look::begin(const HeaderBlock& head, const net::HttpUrl& url) {
  url_ = url;
  type_ = head.media_type();
  content_type_ = head.first("content-type");
  name_ = disposition_name(head.first("content-disposition"));
  saved_ = !name_.empty() || is_attachment(head.first("content-disposition"));
  if (name_.empty()) name_ = url.path;
  metalink_ = type_ == "application/metalink4+xml" || type_ == "application/metalink+xml" ||
              (names_metalink(name_) && !is_html_type(type_));
  reads_ = metalink_ || (!saved_ && (is_html_type(type_) || type_.empty()));
  return reads_;
}

void Look::add(std::string_view bytes) {
  cut_ = cut_ || bytes.size() > most_bytes_ - body_.size();
  body_ += bytes.substr(0, most_bytes_ - body_.size());
  // A file that says nothing about itself, or says that it is a page.
  if (!metalink_ && body_.size() >= sniffed_bytes) reads_ = is_html(type_, name_, body_, saved_);
}

Result<jobs::Offers> Look::metalink_offers() const {
  if (cut_) return fail(Reason::too_large, "the Metalink is larger than " + human_size(most_bytes_));
  capture::Hint hint;
  hint.kind = capture::Kind::metalink;
  auto understood = capture::understand(body_, hint);
  if (!understood) return fail(Reason::malformed, std::move(understood.error().message));
  jobs::Offers out;
  out.found = jobs::Found::metalink;
  for (const auto& request : understood->requests)
    for (const proxy::File& file : request.document.files) out.offers.push_back(as_offer(file));
  for (auto& one : understood->left_out) out.left_out.push_back({std::move(one.what), std::move(one.why)});
  out.title = last_segment(url_.text);
  return out;
}

Result<jobs::Offers> Look::offers(const net::HttpUrl& source, const jobs::ResponseFacts& facts) const {
  if (metalink_) return metalink_offers();
  if (reads_ && is_html(type_, name_, body_, saved_)) {
    FetchedPage page;
    page.html = body_;
    page.content_type = content_type_;
    page.url = url_;
    page.cut = cut_;
    return offers_of_html(page);
  }
  jobs::Offers out;
  out.found = jobs::Found::file;
  jobs::Offer& offer = out.offers.emplace_back();
  offer.name = facts.name_hint;
  std::replace_if(offer.name.begin(), offer.name.end(), [](char c) { return c == '/' || c == '\\'; }, '_');
  if (!proxy::rules::name.holds(offer.name) || !is_utf8(offer.name) ||
      proxy::count_characters(offer.name) > proxy::rules::name.max_characters)
    offer.name = "download";
  offer.keeps_name = false;
  offer.url = source.text;
  offer.media_type = facts.media_type;
  offer.size_bytes = facts.total_bytes;
  offer.modified = parse_http_date(facts.last_modified);
  return out;
}

}  // namespace restante::transfer
