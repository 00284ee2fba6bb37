// SPDX-License-Identifier: Apache-2.0
#include "worker/offered.hpp"

#include "base/text.hpp"
#include "proxy/rules.hpp"
#include "proxy/url.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace restante::worker {

namespace {

namespace rules = proxy::rules;

constexpr std::size_t packed_bytes = max_packet_bytes - 32 * 1024;  ///< of the offers in one packet
constexpr int largest_priority = 999999;

bool holds(const proxy::TextRule& rule, const std::string& text) {
  return text.size() <= 4 * rule.max_characters && is_utf8(text) && rule.holds(text) &&
         proxy::count_characters(text) <= rule.max_characters;
}

/// Of this kind a document takes, without user information: sign-ins travel by themselves.
bool is_address(const std::string& url) {
  if (!holds(rules::url, url) || url.find('#') != std::string::npos) return false;
  const auto parts = proxy::split_url(url);
  return parts && !parts->has_userinfo;
}

bool is_sound_source(const proxy::Source& source) {
  const bool plain = source.request.method == "GET" && source.request.headers.empty() &&
                     !source.request.body && source.credential_ids.empty();
  return plain && source.priority >= 1 && source.priority <= largest_priority && is_address(source.url);
}

bool is_sound_digest(const std::pair<std::string, std::string>& digest) {
  const auto& [algorithm, hex] = digest;
  const proxy::TextRule* rule = algorithm == "sha-256"   ? &rules::hex64
                                : algorithm == "sha-512" ? &rules::hex128
                                : algorithm == "sha"     ? &rules::hex40
                                : algorithm == "md5"     ? &rules::hex32
                                                         : nullptr;
  return rule != nullptr && holds(*rule, hex);
}

std::size_t bytes_of(const jobs::Offer& offer) {
  std::size_t bytes = offer.name.size() + offer.folder.size() + offer.label.size() + offer.url.size() +
                      offer.media_type.size();
  for (const auto& source : offer.sources) bytes += source.url.size();
  for (const auto& [algorithm, hex] : offer.digests) bytes += algorithm.size() + hex.size();
  return bytes;
}

/// As JSON at most: no text of a sound offer has characters that are escaped to more than two bytes, and the
/// names of the members come beside them.
std::size_t packed(const jobs::Offer& offer) {
  return 2 * bytes_of(offer) + 300 + 150 * offer.sources.size() + 40 * offer.digests.size();
}

}  // namespace

bool is_sound_line(const std::string& text) {
  return holds(rules::line, text);
}

bool is_sound(const jobs::Offer& offer, const jobs::OfferLimits& limits) {
  return holds(rules::name, offer.name) && (offer.folder.empty() || holds(rules::folder, offer.folder)) &&
         is_sound_line(offer.label) && is_address(offer.url) &&
         (offer.media_type.empty() || holds(rules::media_type, offer.media_type)) &&
         offer.size_bytes.value_or(0) <= static_cast<std::uint64_t>(proxy::largest_integer) &&
         (!offer.modified || (offer.modified->time_since_epoch().count() >= 0 &&
                              offer.modified->time_since_epoch() <= Seconds(proxy::last_second))) &&
         offer.sources.size() <= limits.sources &&
         std::all_of(offer.sources.begin(), offer.sources.end(), is_sound_source) &&
         offer.digests.size() <= 4 &&
         std::all_of(offer.digests.begin(), offer.digests.end(), is_sound_digest);
}

std::vector<Offered> pack(std::uint32_t transfer, jobs::Offers offers, const jobs::OfferLimits& limits) {
  std::vector<Offered> out;
  std::size_t room = 0, all_bytes = offers.title.size(), count = 0;
  const auto begin_packet = [&] {
    Offered& packet = out.emplace_back();
    packet.transfer = transfer;
    packet.offers.found = offers.found;
    room = packed_bytes;
  };
  begin_packet();
  if (is_sound_line(offers.title)) out.back().offers.title = std::move(offers.title);
  std::vector<jobs::LeftOut> left_out = std::move(offers.left_out);
  std::erase_if(left_out,
                [](const auto& one) { return !is_sound_line(one.what) || !is_sound_line(one.why); });
  left_out.resize(std::min(left_out.size(), limits.left_out - 1));
  for (const auto& one : left_out) all_bytes += one.what.size() + one.why.size();
  for (jobs::Offer& offer : offers.offers) {
    if (!is_sound(offer, limits)) continue;
    const std::size_t bytes = bytes_of(offer), need = packed(offer);
    if (need > packed_bytes) continue;
    if (count == limits.offers || all_bytes + bytes + 1024 > limits.all_bytes) {
      left_out.push_back({"more that is offered there", "only the first " + std::to_string(count) +
                                                            " are shown; look into one of its folders"});
      break;
    }
    if (need > room) begin_packet();
    room -= need;
    all_bytes += bytes;
    ++count;
    out.back().offers.offers.push_back(std::move(offer));
  }
  out.front().offers.left_out = std::move(left_out);
  return out;
}

Result<void> OfferClaims::take(const jobs::Offers& part) {
  offers_ += part.offers.size();
  left_out_ += part.left_out.size();
  bytes_ += part.title.size();
  for (const auto& one : part.left_out) bytes_ += one.what.size() + one.why.size();
  for (const auto& one : part.offers) bytes_ += bytes_of(one);
  const bool idle = part.offers.empty() && part.left_out.empty() && parts_ > 0;
  ++parts_;
  if (idle || offers_ > limits_.offers || left_out_ > limits_.left_out || bytes_ > limits_.all_bytes)
    return fail(Reason::malformed, "it offers more than it may");
  const bool sound =
      is_sound_line(part.title) &&
      std::all_of(part.left_out.begin(), part.left_out.end(),
                  [](const auto& one) { return is_sound_line(one.what) && is_sound_line(one.why); }) &&
      std::all_of(part.offers.begin(), part.offers.end(),
                  [this](const auto& one) { return is_sound(one, limits_); });
  if (!sound) return fail(Reason::malformed, "it offers what no request could carry");
  return {};
}

}  // namespace restante::worker
