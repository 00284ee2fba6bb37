// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "fuzz.hpp"
#include "transfer/html_offers.hpp"
#include "transfer/html_tokens.hpp"
#include "transfer/look.hpp"
#include "worker/offered.hpp"

#include <set>
#include <string>

// Pages, listings and Metalinks that a content server sends. The first line is the Content-Type, the rest the
// body.
namespace restante::fuzz {

namespace {

void check_offers(const jobs::Offers& offers) {
  for (const auto& packet : worker::pack(1, offers)) {
    worker::OfferClaims claims;
    check(claims.take(packet.offers).has_value(), "the server takes what an honest worker packs");
    const auto text = worker::encode(worker::ToServer(packet));
    check(text.size() <= worker::max_packet_bytes, "a packet fits");
    check(worker::decode_to_server(text).has_value(), "what is written is read");
  }
}

}  // namespace

void offers(std::string_view input) {
  const auto parts = lines(input, 2);
  const std::string type = is_utf8(parts[0]) ? std::string(parts[0]) : std::string();
  const auto url = *net::parse_url("https://a.example:8443/pub/dir/");
  const std::string text = transfer::html_utf8(parts[1], type);
  check(is_utf8(text), "a page becomes UTF-8");
  transfer::HtmlTokens tokens(text);
  std::size_t count = 0;
  while (tokens.next().kind != transfer::HtmlToken::Kind::end)
    check(++count <= text.size() + 1, "every token has a byte");

  transfer::FetchedPage page;
  page.html = parts[1];
  page.content_type = type;
  page.url = url;
  const jobs::Offers found = transfer::offers_of_html(page);
  std::set<std::string> seen;
  for (const auto& offer : found.offers) {
    check(worker::is_sound(offer), "every offer could stand in a document");
    check(seen.insert(offer.url).second, "every address is offered once");
    if (found.found == jobs::Found::index)
      check(offer.url.starts_with("https://a.example:8443/pub/dir/"), "an entry lies in the folder");
  }
  check_offers(found);

  transfer::HeaderBlock head;
  head.status = 200;
  head.fields = {{"content-type", type}};
  transfer::Look look(4096);
  if (look.begin(head, url)) look.add(parts[1]);
  if (const auto seen_at = look.offers(url, {})) check_offers(*seen_at);
}

}  // namespace restante::fuzz
