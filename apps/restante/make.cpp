// SPDX-License-Identifier: Apache-2.0
// `restante make`: a request as a file, a link or a QR code, without any network.
#include "../qr.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "context.hpp"
#include "proxy/envelope.hpp"
#include "request/logins.hpp"
#include "request/sealing.hpp"
#include "request/trips.hpp"
#include "wish_options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace restante::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t cancel_lasts = 90 * 24 * 3600;

struct MakeOptions : WishOptions {
  std::string output, cancel;
  bool compact = false, link = false, force = false;
};

/// Beside it first, so that a cut leaves what was there. Errors: usage, storage.
Result<void> write_file(const std::string& path, std::string_view text, bool force) {
  if (!force && ::access(path.c_str(), F_OK) == 0)
    return fail(Reason::usage, path + " exists already", "choose another name, or add -f");
  const std::string beside = path + ".part";
  const UniqueFd out(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!out) return fail_errno(Reason::storage, "cannot make " + beside, errno);
  const std::string line = std::string(text) + "\n";
  if (::write(out.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
      ::fsync(out.get()) != 0 || ::rename(beside.c_str(), path.c_str()) != 0)
    return fail_errno(Reason::storage, "cannot write " + path, errno);
  return {};
}

/// What takes back a request, whether it has come to the place or not.
Composed cancellation(const std::string& id, const request::Place& place, Instant now) {
  proxy::Document document;
  document.id = id;
  document.rev = 1;
  document.op = proxy::Document::Op::cancel;
  document.aud.push_back({place.jkt, {}});
  document.iat = std::chrono::floor<Seconds>(now).time_since_epoch().count();
  document.exp = document.iat + cancel_lasts;
  Composed out;
  out.id = id;
  out.exp = document.exp;
  out.core = proxy::to_json(document);
  out.shown = "cancel " + id;
  return out;
}

class Making {
public:
  Making(const Context& context, const request::Home& home, const request::Place& place,
         const MakeOptions& options)
      : context_(context), home_(home), place_(place), options_(options) {}

  Result<void> make(Composed made) {
    const Secret core(std::move(made.core));
    const auto form =
        options_.compact || options_.link ? proxy::SealedForm::compact : proxy::SealedForm::json;
    auto sealed = request::seal_request(home_, place_, core.text, made.exp, form);
    if (!sealed) return fail(std::move(sealed.error()));
    const std::string text = options_.link ? place_.url + "/p#" + *sealed : *sealed;
    std::string file;
    if (!options_.output.empty()) {
      file = into_folder() ? options_.output + "/" + made.id + ".restante" : options_.output;
      if (auto written = write_file(file, text, options_.force); !written) return written;
    }
    tell(made, file, text);
    return {};
  }

private:
  bool into_folder() const {
    std::error_code error;
    return fs::is_directory(options_.output, error);
  }

  void tell(const Composed& made, const std::string& file, const std::string& text) {
    if (!context_.json) {
      context_.result(file.empty() ? text : file);
      if (file.empty() && context_.stdout_terminal && !show_qr(text))
        context_.note("the window is too narrow for its QR code");
      return;
    }
    boost::json::object out;
    if (!file.empty()) out["file"] = file;
    if (file.empty()) out[options_.link ? "link" : "document"] = text;
    out["id"] = made.id;
    out["job"] = request::job_id_of(place_, made.id);
    out["place"] = place_.name;
    out["bytes"] = text.size();
    out["expires"] = to_rfc3339(Instant(Seconds(made.exp)));
    context_.result(boost::json::serialize(out));
  }

  const Context& context_;
  const request::Home& home_;
  const request::Place& place_;
  const MakeOptions& options_;
};

Result<std::string> place_name(const Context& context, const request::Home& home, const MakeOptions& options,
                               Instant now) {
  const std::string name = options.to.empty() ? context.place_name : options.to;
  if (name != request::trip_name) return name;
  auto trips = request::load_trips(home);
  if (!trips) return fail(std::move(trips.error()));
  auto trip = request::trip_at(*trips, now);
  if (!trip) return fail(std::move(trip.error()));
  return trip->place;
}

bool is_request_id(std::string_view text) {
  return text.size() == 36 && text.find_first_not_of("0123456789abcdef-") == text.npos;
}

Result<void> check_output(const MakeOptions& options) {
  if (options.urls.empty() == options.cancel.empty())
    return fail(Reason::usage, "make what?", "give URLs, or --cancel with the id of a request");
  if (!options.cancel.empty() && !is_request_id(options.cancel))
    return fail(Reason::usage, "--cancel wants the whole id of a request",
                "`make --json` and `send --json` tell it: 36 characters");
  if (options.output.empty() && !options.link && !options.compact)
    return fail(Reason::usage, "where to?", "give -o FILE, or --link or --compact for a line on stdout");
  std::error_code error;
  if (options.urls.size() > 1 && !options.output.empty() && !fs::is_directory(options.output, error))
    return fail(Reason::usage, "several URLs make several files", "give a folder with -o");
  return {};
}

Result<void> make_all(const Context& context, MakeOptions options) {
  if (auto good = check_output(options); !good) return good;
  if (auto good = check_wish(options); !good) return good;
  if (auto done = read_secrets(context, options); !done) return done;
  options.wish.probe = !options.no_probe;
  const Instant now = SystemClock().now();
  auto home = request::Home::open();
  if (!home) return fail(std::move(home.error()));
  auto places = request::load_places(*home);
  if (!places) return fail(std::move(places.error()));
  auto name = place_name(context, *home, options, now);
  if (!name) return fail(std::move(name.error()));
  auto place = request::find_place(*places, *name);
  if (!place) return fail(std::move(place.error()));
  auto logins = request::Logins::open(*home);
  if (!logins) return fail(std::move(logins.error()));
  auto stored = logins->all();
  if (!stored) return fail(std::move(stored.error()));
  options.wish.logins = std::move(*stored);
  Making making(context, *home, *place, options);
  if (!options.cancel.empty()) return making.make(cancellation(options.cancel, *place, now));
  for (const std::string& url : options.urls) {
    auto made = compose_one(options, url, *place, now, true);
    if (!made) return fail(std::move(made.error()));
    for (const std::string& login : made->logins) context.note("signs in with the stored login " + login);
    if (auto done = making.make(std::move(*made)); !done) return done;
  }
  return {};
}

}  // namespace

void add_make_command(CLI::App& app, Context& context) {
  auto options = std::make_shared<MakeOptions>();
  auto* command = app.add_subcommand("make", "Make a sealed request as a file, without any network");
  command->add_option("URL", options->urls, "What; several make one file each");
  command->add_option("-o,--output", options->output, "The file, or a folder for several")->type_name("FILE");
  command->add_flag("-f,--force", options->force, "Replace an existing file");
  command->add_flag("--compact", options->compact, "In one short line, for QR codes");
  command->add_flag("--link", options->link, "As a link that any browser can open");
  command->add_option("--cancel", options->cancel, "Take back the request of this id")->type_name("ID");
  add_wish_options(*command, *options);
  refuse_empty_values(*command);
  command->callback([&context, command, options] {
    auto preset = apply_preset(*command, *options);
    context.run = [&context, options, preset]() -> int {
      auto made = preset ? make_all(context, *options) : preset;
      return made ? exit_done : context.refuse(made.error());
    };
  });
}

}  // namespace restante::cli
