// SPDX-License-Identifier: Apache-2.0
#include "base/pieces.hpp"
#include "base/text.hpp"
#include "fuzz.hpp"
#include "worker/clean.hpp"
#include "worker/messages.hpp"

#include <algorithm>
#include <string>

// What worker and server say to each other: a worker that was taken over may send anything.
namespace restante::fuzz {

namespace {

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

void check_shown(std::string_view text, std::size_t most) {
  check(text.size() <= most && is_utf8(text) && !has_control(text),
        "what is shown is text of bounded length");
}

void check_facts(jobs::ResponseFacts facts) {
  worker::clean(facts);
  check_shown(facts.final_url, 8192);
  check_shown(facts.name_hint, 4096);
  check_shown(facts.media_type, 256);
  for (const std::string& validator : {facts.etag, facts.last_modified})
    check(validator.size() <= 1024 &&
              validator.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
          "a validator does not break its line");
}

/// Whatever texts a message holds, it arrives as it was.
void check_messages_with(std::string_view text) {
  jobs::ResponseFacts facts;
  facts.final_url = facts.name_hint = facts.media_type = facts.etag = facts.last_modified = text;
  facts.total_bytes = text.size();
  const auto responded =
      worker::decode_to_server(worker::encode(worker::ToServer(worker::Responded{7, facts})));
  const auto* heard = responded ? std::get_if<worker::Responded>(&*responded) : nullptr;
  check(heard != nullptr && heard->transfer == 7 && heard->facts.etag == text &&
            heard->facts.name_hint == text && heard->facts.total_bytes == facts.total_bytes,
        "facts with any text arrive");
  check_facts(heard->facts);

  worker::Start start;
  start.transfer = 7;
  start.order.source.url = start.order.if_range = start.order.digest_hex = text;
  start.order.source.request.headers.emplace_back("x", std::string(text));
  start.order.source.request.body = text;
  proxy::Credential credential;
  credential.token = text;
  credential.cookies.push_back({std::string(text), std::string(text), "h", "/", "", true, 5});
  start.order.credentials.push_back(credential);
  const auto order = worker::decode_to_worker(worker::encode(worker::ToWorker(std::move(start))));
  const auto* told = order ? std::get_if<worker::Start>(&*order) : nullptr;
  check(told != nullptr && told->order.source.url == text &&
            told->order.source.request.body == std::string(text) && told->order.credentials.size() == 1 &&
            told->order.credentials[0].cookies[0].value == text,
        "orders with any text arrive");

  worker::Ask ask;
  ask.transfer = 7;
  ask.request.url = ask.request.body = text;
  ask.request.headers.emplace_back(std::string(text), std::string(text));
  const auto request = worker::decode_to_worker(worker::encode(worker::ToWorker(std::move(ask))));
  const auto* asked = request ? std::get_if<worker::Ask>(&*request) : nullptr;
  check(asked != nullptr && asked->request.url == text && asked->request.body == text &&
            asked->request.headers[0].second == text,
        "small requests with any text arrive");

  worker::Answered answered;
  answered.transfer = 7;
  answered.answer = net::SmallAnswer{200, Seconds(5), std::string(text)};
  const auto answer = worker::decode_to_server(worker::encode(worker::ToServer(std::move(answered))));
  const auto* told_back = answer ? std::get_if<worker::Answered>(&*answer) : nullptr;
  check(told_back != nullptr && told_back->answer && told_back->answer->body == text && !told_back->failure,
        "answers with any text arrive");
}

}  // namespace

void channel(std::string_view input) {
  if (auto message = worker::decode_to_server(input)) {
    const std::string text = worker::encode(*message);
    const auto again = worker::decode_to_server(text);
    check(again && worker::encode(*again) == text, "a message that is written is read");
    if (const auto* responded = std::get_if<worker::Responded>(&*message)) check_facts(responded->facts);
    if (const auto* finished = std::get_if<worker::Finished>(&*message)) {
      check_facts(finished->result.facts);
      Pieces pieces;
      if (fits(finished->result.pieces) && add(pieces, finished->result.pieces))
        check(pieces.count() == pieces_in(pieces.end_bytes), "every piece has a digest");
    }
  }
  if (auto message = worker::decode_to_worker(input)) {
    const std::string text = worker::encode(*message);
    const auto again = worker::decode_to_worker(text);
    check(again && worker::encode(*again) == text, "an order that is written is read");
  }
  if (input.size() <= 4096) check_messages_with(input);
  for (const std::size_t most : {std::size_t{7}, std::size_t{200}}) {
    const std::string shown = worker::clean(input, most);
    check_shown(shown, most);
    check(worker::clean(shown, most) == shown, "cleaning what is clean changes nothing");
  }
}

}  // namespace restante::fuzz
