// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "context.hpp"
#include "proxy/envelope.hpp"
#include "proxy/jose.hpp"
#include "request/mailbox.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace restante::cli {
namespace {

std::string unsent_json(const request::Unsent& unsent) {
  boost::json::object out;
  out["id"] = unsent.id;
  out["place"] = unsent.place;
  out["created"] = to_rfc3339(unsent.created);
  out["label"] = unsent.label;
  out["requests"] = unsent.documents.size();
  if (unsent.posted) out["posted"] = to_rfc3339(*unsent.posted);
  if (!unsent.posted_to.empty()) out["posted_to"] = unsent.posted_to;
  if (unsent.over) out["expires"] = to_rfc3339(*unsent.over);
  if (!unsent.refused.empty()) out["refused"] = unsent.refused;
  return boost::json::serialize(out);
}

std::string unsent_line(const request::Unsent& unsent) {
  std::string out = unsent.id + "  " + unsent.place + "  " + to_rfc3339(unsent.created) + "  " +
                    request::shown(unsent.label);
  if (unsent.documents.size() > 1) out += " (" + std::to_string(unsent.documents.size()) + " requests)";
  if (unsent.posted) out += "  left at " + request::shown(unsent.posted_to);
  if (!unsent.refused.empty()) out += "  refused: " + request::shown(unsent.refused);
  return out;
}

struct Opened {
  request::Home home;
  request::Outbox outbox;
};

/// Tells of damaged files on stderr.
Result<std::vector<request::Unsent>> entries(const Context& context, const request::Outbox& outbox) {
  return outbox.all([&](const std::string& file) {
    context.note("restante: " + file + " cannot be opened; it was made under another key, or is damaged");
  });
}

int list(const Context& context) {
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  auto outbox = request::Outbox::open(*home);
  if (!outbox) return context.refuse(outbox.error());
  auto all = entries(context, *outbox);
  if (!all) return context.refuse(all.error());
  for (const auto& one : *all) context.result(context.json ? unsent_json(one) : unsent_line(one));
  return exit_done;
}

int flush(const Context& context) {
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  auto outbox = request::Outbox::open(*home);
  if (!outbox) return context.refuse(outbox.error());
  auto all = entries(context, *outbox);
  if (!all) return context.refuse(all.error());
  auto places = request::load_places(*home);
  if (!places) return context.refuse(places.error());
  int status = exit_done;
  for (const auto& place : *places) {
    if (std::none_of(all->begin(), all->end(), [&](const auto& one) { return one.place == place.name; }))
      continue;
    auto client = client_for(place);
    request::Calls calls(client, place);
    if (auto error = flush_outbox(context, *home, *outbox, calls, Flush::asked))
      status = context.refuse(*error);
  }
  return status;
}

int drop(const Context& context, const std::string& id) {
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  auto outbox = request::Outbox::open(*home);
  if (!outbox) return context.refuse(outbox.error());
  auto found = outbox->find(id);
  if (!found) return context.refuse(found.error());
  if (auto done = outbox->drop(found->id); !done) return context.refuse(done.error());
  context.note("dropped: " + request::shown(found->label));
  if (found->posted)
    context.note("it was left at " + request::shown(found->posted_to) +
                 " before, and runs when it is fetched; `restante make --cancel " + found->id +
                 " -o FILE`, then `restante transmit FILE`, takes it back");
  return exit_done;
}

}  // namespace

namespace {

/// Those that are sealed and lie nowhere else yet; returns how many are left.
std::size_t leave_at_mailbox(const Context& context, const request::Home& home, const request::Outbox& outbox,
                             const request::Place& place, std::vector<request::Unsent>& entries) {
  std::size_t left_here = 0;
  const Instant now = SystemClock().now();
  for (request::Unsent& one : entries) {
    if (one.posted) continue;
    const bool sealed = one.documents.size() == 1 && proxy::looks_sealed(one.documents[0]);
    auto left = sealed ? request::leave_at_mailbox(home, place, one.documents[0], one.id, now)
                       : Result<std::string>(fail(Reason::not_found, ""));
    if (!left) {
      ++left_here;
      continue;
    }
    one.posted = now;
    one.posted_to = *left;
    if (auto kept = outbox.keep(one); !kept) ++left_here;
    context.note("left at the mailbox of " + place.name + ": " + request::shown(one.label));
  }
  return left_here;
}

}  // namespace

std::optional<Error> flush_outbox(const Context& context, const request::Home& home,
                                  const request::Outbox& outbox, request::Calls& calls, Flush how) {
  auto entries = outbox.all();
  if (!entries) return entries.error();
  std::erase_if(*entries, [&](const request::Unsent& one) {
    return one.place != calls.place().name ||
           (how == Flush::automatic && (!one.refused.empty() || request::is_being_sent(one)));
  });
  if (entries->empty()) return std::nullopt;
  auto claim = outbox.claim(calls.place().name);
  if (!claim) return claim.error();
  if (!*claim) return std::nullopt;  // another process is at it
  std::optional<Error> refused;
  const Instant now = SystemClock().now();
  const auto waiting =
      std::count_if(entries->begin(), entries->end(), [](const auto& one) { return !one.posted; });
  for (request::Unsent& unsent : *entries) {
    if (unsent.posted && unsent.over && *unsent.over <= now) {
      if (auto dropped = outbox.drop(unsent.id); !dropped) return dropped.error();
      continue;
    }
    auto sent = request::send_unsent(outbox, calls, unsent);
    if (!sent) return sent.error();
    if (sent->kept && sent->verdicts.empty()) {
      const Error error = *sent->kept;
      // What lies at its mailbox is on its way.
      const std::size_t here = request::is_unreached(error) && waiting > 0
                                   ? leave_at_mailbox(context, home, outbox, calls.place(), *entries)
                                   : static_cast<std::size_t>(waiting);
      if (here == 0 && waiting > 0) return std::nullopt;
      if (how == Flush::automatic && here > 0)
        context.note("restante: " + std::to_string(here) +
                     " unsent in the outbox: " + request::shown(error.message));
      return error;
    }
    for (const auto& verdict : sent->verdicts) {
      if (verdict.job) {
        if (unsent.posted && verdict.replayed && how == Flush::automatic) continue;  // as it was told
        context.note(std::string(verdict.replayed ? "the place has it: " : "sent from the outbox: ") +
                     verdict.job->id.substr(0, 8) + "  " + request::shown(verdict.job->name));
        if (how == Flush::asked) context.result(context.json ? verdict.job->json : verdict.job->id);
      } else {
        // Nobody was there when it was refused: it stays, to be seen and dropped.
        refused = verdict.error;
        unsent.refused = verdict.error.message;
      }
    }
    if (!unsent.refused.empty() && !sent->kept) {
      if (auto kept = outbox.keep(unsent); !kept) return kept.error();
      context.note("restante: the place refused a request in the outbox (" + unsent.id.substr(0, 8) +
                   "): " + request::shown(unsent.refused) + "; see `restante outbox list`");
    }
  }
  return refused;
}

void add_outbox_commands(CLI::App& app, Context& context) {
  auto* outbox = app.add_subcommand("outbox", "Requests that could not be sent yet");
  outbox->require_subcommand(0, 1);
  outbox->callback([&context, outbox] {
    if (outbox->get_subcommands().empty()) context.run = [&context] { return list(context); };
  });
  outbox->add_subcommand("list", "What waits to be sent")->callback([&context] {
    context.run = [&context] { return list(context); };
  });
  outbox->add_subcommand("flush", "Send everything now")->callback([&context] {
    context.run = [&context] { return flush(context); };
  });
  auto id = std::make_shared<std::string>();
  auto* dropping = outbox->add_subcommand("drop", "Forget an unsent request");
  dropping->add_option("ID", *id)->required();
  dropping->callback([&context, id] { context.run = [&context, id] { return drop(context, *id); }; });
}

}  // namespace restante::cli
