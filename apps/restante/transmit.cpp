// SPDX-License-Identifier: Apache-2.0
// `restante transmit`: requests in files, from whichever device made them, handed over to their places.
#include "base/text.hpp"
#include "context.hpp"
#include "documents.hpp"
#include "request/mailbox.hpp"
#include "request/sealing.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <map>

namespace restante::cli {
namespace {

class Transmitting {
public:
  Transmitting(const Context& context, const request::Home& home, std::vector<request::Place> places,
               std::string to)
      : context_(context), home_(home), places_(std::move(places)), to_(std::move(to)) {}

  int run(const std::vector<std::string>& files) {
    int status = exit_done;
    for (const std::string& file : files) status = std::max(status, one(file));
    return status;
  }

private:
  int one(const std::string& file) {
    auto document = read_document(file);
    if (!document)
      return std::min<int>(refused(file, document.error()), exit_failed);  // others may have gone
    auto label = label_of(document->text, places_);
    if (!label) return refused(file, label.error());
    auto place = place_for(*label, document->origin);
    if (!place) return refused(file, place.error());
    auto client = client_for(*place);
    request::Calls calls(client, *place);
    auto sent = calls.submit(document->text);
    if (sent) {
      tell(file, sent->replayed ? "replayed" : "accepted", sent->job.id, {});
      return exit_done;
    }
    if (!request::is_unreached(sent.error()) || label->form != Label::Form::sealed)
      return refused(file, sent.error());
    auto left = request::leave_at_mailbox(home_, *place, document->text,
                                          request::mailbox_name(document->text), SystemClock().now());
    if (!left) return refused(file, sent.error());
    context_.note(place->name + " cannot be reached; left at its mailbox " + *left);
    tell(file, "posted", {}, {});
    return exit_done;
  }

  Result<request::Place> place_for(const Label& label, const std::string& origin) const {
    const std::string& name = to_.empty() ? context_.place_name : to_;
    if (!name.empty()) return request::find_place(places_, name);
    if (label.place != nullptr) return *label.place;
    if (label.form == Label::Form::sealed && !origin.empty()) {
      // Only the place can open it: a certificate for its name is enough.
      request::Place there;
      there.name = there.url = origin;
      there.by_name = true;
      return there;
    }
    if (label.form == Label::Form::sealed)
      return fail(Reason::not_for_me, "it is sealed for a place that this device does not know",
                  "say which with --to, or open it where that place can be reached");
    return request::find_place(places_, {});
  }

  int refused(const std::string& file, const Error& error) {
    tell(file, "refused", {}, code(error.reason));
    context_.complain(error);
    return request::is_unreached(error) ? exit_unreached : exit_of(error);
  }

  void tell(const std::string& file, const std::string& status, const std::string& job,
            std::string_view reason) const {
    if (!context_.json) {
      context_.result(file + "  " + status + (job.empty() ? "" : "  " + job.substr(0, 8)) +
                      (reason.empty() ? "" : "  " + std::string(reason)));
      return;
    }
    boost::json::object out;
    out["file"] = file;
    out["status"] = status;
    if (!job.empty()) out["job"] = job;
    if (!reason.empty()) out["reason"] = reason;
    context_.result(boost::json::serialize(out));
  }

  const Context& context_;
  const request::Home& home_;
  std::vector<request::Place> places_;
  std::string to_;
};

int transmit(const Context& context, const std::vector<std::string>& files, const std::string& to) {
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  auto places = request::load_places(*home);
  if (!places) return context.refuse(places.error());
  return Transmitting(context, *home, std::move(*places), to).run(files);
}

}  // namespace

void add_transmit_command(CLI::App& app, Context& context) {
  auto files = std::make_shared<std::vector<std::string>>();
  auto to = std::make_shared<std::string>();
  auto* command = app.add_subcommand("transmit", "Hand over requests that `make` made, here or elsewhere");
  command->add_option("FILE", *files, "Files, or - for stdin")->required();
  command->add_option("--to", *to, "Which place; default: the one that it is sealed for")->type_name("PLACE");
  command->callback([&context, files, to] {
    context.run = [&context, files, to] { return transmit(context, *files, *to); };
  });
}

}  // namespace restante::cli
