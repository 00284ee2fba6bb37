// SPDX-License-Identifier: Apache-2.0
#include "request/outbox.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "request/json.hpp"
#include "request/seal.hpp"

#include <boost/json/serialize.hpp>

#include <cerrno>
#include <signal.h>
#include <unistd.h>

namespace restante::request {
namespace {

constexpr const char* outbox_folder = "outbox";
constexpr const char* outbox_key_file = "keys/outbox.key";
constexpr std::string_view outbox_suffix = ".sealed";

std::string file_of(const std::string& id) {
  return std::string(outbox_folder) + "/" + id + std::string(outbox_suffix);
}

bool is_id(std::string_view text) {
  return text.size() == 36 && text.find_first_not_of("0123456789abcdef-") == text.npos;
}

std::string to_text(const Unsent& unsent) {
  namespace bj = boost::json;
  bj::object root;
  root["v"] = 1;
  root["place"] = unsent.place;
  root["created"] = to_rfc3339(unsent.created);
  root["label"] = unsent.label;
  root["refused"] = unsent.refused;
  if (unsent.posted) root["posted"] = to_rfc3339(*unsent.posted);
  if (!unsent.posted_to.empty()) root["posted_to"] = unsent.posted_to;
  if (unsent.over) root["over"] = to_rfc3339(*unsent.over);
  root["sender"] = unsent.sender;
  bj::array documents;
  for (const std::string& document : unsent.documents) documents.emplace_back(document);
  root["documents"] = std::move(documents);
  return bj::serialize(root);
}

std::optional<Unsent> from_text(const std::string& id, std::string_view text) {
  auto root = json::parse_object(text, "an outbox file");
  if (!root) return std::nullopt;
  Unsent out;
  out.id = id;
  out.place = json::text(*root, "place");
  out.created = from_rfc3339(json::text(*root, "created")).value_or(Instant());
  out.label = json::text(*root, "label");
  out.refused = json::text(*root, "refused");
  out.posted = from_rfc3339(json::text(*root, "posted"));
  out.posted_to = json::text(*root, "posted_to");
  out.over = from_rfc3339(json::text(*root, "over"));
  out.sender = static_cast<int>(json::number(*root, "sender").value_or(0));
  if (const auto* documents = json::array(*root, "documents"))
    for (const auto& document : *documents)
      if (document.is_string())
        out.documents.emplace_back(document.get_string().data(), document.get_string().size());
  if (out.documents.empty()) return std::nullopt;
  return out;
}

}  // namespace

Result<std::string> outbox_key(const Home& home) {
  auto key = home.read(outbox_key_file);
  if (!key) return fail(std::move(key.error()));
  if (!*key) {
    auto lock = home.lock("lock");
    if (!lock) return fail(std::move(lock.error()));
    key = home.read(outbox_key_file);
    if (!key) return fail(std::move(key.error()));
  }
  if (!*key) {
    *key = random_string(seal_key_size);
    if (auto done = home.write(outbox_key_file, **key); !done) return fail(std::move(done.error()));
  }
  if ((*key)->size() != seal_key_size)
    return fail(Reason::storage, home.path() + "/" + outbox_key_file + " is damaged",
                "remove it; what is in the outbox is lost then and must be sent anew");
  return std::move(**key);
}

Result<Outbox> Outbox::open(const Home& home) {
  auto key = outbox_key(home);
  if (!key) return fail(std::move(key.error()));
  return Outbox(home, std::move(*key));
}

Result<void> Outbox::keep(const Unsent& unsent) const {
  RESTANTE_REQUIRE(is_id(unsent.id) && !unsent.documents.empty());
  return home_->write(file_of(unsent.id), seal(key_, to_text(unsent), unsent.id));
}

Result<void> Outbox::drop(const std::string& id) const {
  return home_->remove(file_of(id));
}

Result<std::vector<Unsent>> Outbox::all(const std::function<void(const std::string&)>& damaged) const {
  auto names = home_->list(outbox_folder);
  if (!names) return fail(std::move(names.error()));
  std::vector<Unsent> out;
  for (const std::string& name : *names) {
    if (!name.ends_with(outbox_suffix)) continue;
    const std::string id = name.substr(0, name.size() - outbox_suffix.size());
    auto sealed = home_->read(std::string(outbox_folder) + "/" + name);
    if (!sealed) return fail(std::move(sealed.error()));
    if (!*sealed) continue;  // another process has just sent it
    const auto plain = unseal(key_, **sealed, id);
    auto unsent = plain ? from_text(id, *plain) : std::nullopt;
    if (unsent)
      out.push_back(std::move(*unsent));
    else if (damaged)
      damaged(home_->path() + "/" + outbox_folder + "/" + name);
  }
  return out;
}

Result<Unsent> Outbox::find(const std::string& text) const {
  auto entries = all();
  if (!entries) return fail(std::move(entries.error()));
  std::optional<Unsent> found;
  for (Unsent& one : *entries) {
    if (!one.id.starts_with(text) || text.size() < 4) continue;
    if (found) return fail(Reason::usage, "several requests begin with " + text, "give more of the id");
    found = std::move(one);
  }
  if (!found)
    return fail(Reason::not_found, "there is no request " + text + " in the outbox",
                "`restante outbox list` shows them");
  return std::move(*found);
}

Result<UniqueFd> Outbox::claim(const std::string& place) const {
  return home_->lock("sending-" + place + ".lock", Home::Wait::no);
}

bool is_being_sent(const Unsent& unsent) {
  return unsent.sender > 0 && unsent.sender != ::getpid() &&
         (::kill(unsent.sender, 0) == 0 || errno == EPERM);
}

bool is_unreached(const Error& error) {
  return error.reason == Reason::unreachable || error.reason == Reason::dns ||
         error.reason == Reason::timeout || error.reason == Reason::tls;
}

bool is_unauthorised(const Error& error) {
  return error.reason == Reason::unauthenticated || error.reason == Reason::unknown_device ||
         error.reason == Reason::forbidden;
}

Result<SendOutcome> send_unsent(const Outbox& outbox, Calls& calls, const Unsent& unsent) {
  SendOutcome outcome;
  std::optional<Error> error;
  if (unsent.documents.size() == 1) {
    auto sent = calls.submit(unsent.documents[0]);
    if (sent)
      outcome.verdicts.push_back({std::move(sent->job), sent->replayed, {}});
    else
      error = std::move(sent.error());
  } else {
    auto sent = calls.submit_many(unsent.documents);
    if (sent)
      outcome.verdicts = std::move(*sent);
    else
      error = std::move(sent.error());
  }
  const bool may_mend = error && (error->transient || is_unreached(*error) || is_unauthorised(*error));
  if (may_mend) {
    outcome.kept = std::move(error);
    return outcome;
  }
  if (error) outcome.verdicts.assign(unsent.documents.size(), Verdict{std::nullopt, false, *error});
  // What of a batch may be mended by a later try stays, as a batch of its own.
  std::vector<std::string> again;
  for (std::size_t i = 0; i < outcome.verdicts.size(); ++i)
    if (!outcome.verdicts[i].job && outcome.verdicts[i].error.transient) again.push_back(unsent.documents[i]);
  if (!again.empty() && !error) {
    Unsent rest = unsent;
    rest.documents = std::move(again);
    outcome.kept =
        fail(Reason::busy, std::to_string(rest.documents.size()) + " of the requests must be sent again")
            .value();
    if (auto done = outbox.keep(rest); !done) return fail(std::move(done.error()));
    return outcome;
  }
  if (auto done = outbox.drop(unsent.id); !done) return fail(std::move(done.error()));
  return outcome;
}

}  // namespace restante::request
