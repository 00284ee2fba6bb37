// SPDX-License-Identifier: Apache-2.0
// `restante capture`: requests out of curl commands, recordings of a browser, Metalinks and lists.
#include "base/text.hpp"
#include "capture/understand.hpp"
#include "context.hpp"
#include "parcels.hpp"
#include "request/compose.hpp"
#include "request/logins.hpp"
#include "secret.hpp"
#include "sending.hpp"
#include "wish_options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <array>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <optional>
#include <set>
#include <string_view>
#include <termios.h>
#include <unistd.h>

namespace restante::cli {
namespace {

struct CaptureLimits {
  std::size_t text_bytes = 64u << 20;  ///< of what is read; recordings with contents are large
  std::size_t single_calls = 20;       ///< more requests than these go as batches, without a look first
  std::size_t batch_bytes = 8u << 20;
};

struct CaptureOptions : WishOptions {
  std::optional<capture::Kind> kind;  ///< not set: addresses, or what aria2 takes
  std::string command, file;
  bool dry_run = false, show_secrets = false;
  Delivery delivery;

  bool reads_stdin() const { return command.empty() ? file.empty() || file == "-" : command == "-"; }
};

/// What is pasted at a terminal, until Ctrl-D: not by lines, of which a terminal cuts what is longer than 4
/// KiB.
std::string read_terminal(const Context& context, std::size_t most_bytes) {
  constexpr char end_of_input = 4;
  termios before{};
  const bool known = ::tcgetattr(STDIN_FILENO, &before) == 0;
  termios raw = before;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  if (known) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  context.note("paste it here, then press Ctrl-D");
  std::string text;
  std::array<char, 4096> part{};
  while (text.size() <= most_bytes) {
    const ssize_t got = ::read(STDIN_FILENO, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    const std::string_view piece(part.data(), static_cast<std::size_t>(got));
    const auto end = piece.find(end_of_input);
    text += piece.substr(0, end);
    if (end != piece.npos) break;
  }
  if (known) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
  return text;
}

/// Errors: usage (it cannot be read, is empty, or too large).
Result<std::string> read_text(const Context& context, const CaptureOptions& options) {
  if (!options.reads_stdin() && !options.command.empty()) return options.command;
  const CaptureLimits limits;
  const bool from_stdin = options.reads_stdin();
  if (from_stdin && (options.secret_stdin || options.key_path == "-"))
    return fail(Reason::usage, "the text and a secret both want stdin", "give the text as a file");
  const std::string what = from_stdin ? "stdin" : options.file;
  const bool from_terminal = from_stdin && context.stdin_terminal;
  std::string text = from_terminal ? read_terminal(context, limits.text_bytes) : std::string();
  std::ifstream file;
  if (!from_stdin) file.open(options.file, std::ios::binary);
  std::istream& in = from_stdin ? std::cin : file;
  if (!in) return fail(Reason::usage, "cannot read " + what, "check the name and the rights");
  std::string part(65536, '\0');
  while (!from_terminal && text.size() <= limits.text_bytes) {
    in.read(part.data(), static_cast<std::streamsize>(part.size()));
    if (in.gcount() == 0) break;
    text.append(part, 0, static_cast<std::size_t>(in.gcount()));
  }
  if (text.size() > limits.text_bytes)
    return fail(Reason::usage, what + " has more than 64 MiB",
                "of a recording, save only what belongs to the download");
  if (in.bad()) return fail(Reason::usage, "cannot read " + what, "is it a file?");
  if (text.find_first_not_of(" \t\r\n") == text.npos)
    return fail(Reason::usage, "there is nothing in " + what);
  return text;
}

/// Errors: those of capture::understand, usage (a list that is something else).
Result<capture::Understood> understand(const CaptureOptions& options, const std::string& text) {
  capture::Hint hint;
  hint.kind = options.kind;
  auto out = capture::understand(text, hint);
  if (!out || options.kind) return out;
  if (out->kind == capture::Kind::urls || out->kind == capture::Kind::aria2) return out;
  const std::string kind(capture::name(out->kind));
  return fail(Reason::usage, "this is no list of addresses",
              out->kind == capture::Kind::request ? "`restante transmit` sends a request that is ready"
                                                  : "`restante capture " + kind + "` reads it");
}

void tell(const Context& context, const capture::Understood& found) {
  for (const capture::Request& one : found.requests)
    for (const std::string& note : one.notes) context.note(one.url + ": " + note);
  for (const capture::LeftOut& one : found.left_out) context.note("left out: " + one.what + ": " + one.why);
}

/// The place that --to, --place or the device's first one means; without any, one that nobody is.
Result<request::Place> place_to_show(const Context& context, const CaptureOptions& options) {
  request::Place nobody;
  nobody.jkt = std::string(43, 'A');
  const std::string& name = options.to.empty() ? context.place_name : options.to;
  auto home = request::Home::open();
  if (!home) return nobody;
  auto places = request::load_places(*home);
  if (!places) return fail(std::move(places.error()));
  if (places->empty() && name.empty()) return nobody;
  std::string place_name = name;
  if (name == request::trip_name) {
    auto trips = request::load_trips(*home);
    if (!trips) return fail(std::move(trips.error()));
    auto trip = request::trip_at(*trips, SystemClock().now());
    if (!trip) return fail(std::move(trip.error()));
    place_name = trip->place;
  }
  return request::find_place(*places, place_name);
}

/// Nothing is stored or sent, and no stored sign-in is lent.
int show(const Context& context, const CaptureOptions& options, const capture::Understood& found) {
  auto place = place_to_show(context, options);
  if (!place) return context.refuse(place.error());
  const Instant now = SystemClock().now();
  const proxy::Part part = options.show_secrets ? proxy::Part::everything : proxy::Part::hidden;
  for (const capture::Request& one : found.requests) {
    auto document = request::compose_captured(one.document, options.wish, *place, now);
    if (!document) return context.refuse(document.error());
    context.result(proxy::to_json(*document, part));
  }
  return exit_done;
}

/// Few requests go one by one, sealed where the place told its keys; many as batches, over TLS.
/// `used`: the stored logins that go along, by name.
Result<std::vector<Parcel>> compose_all(const CaptureOptions& options, const Session& session,
                                        const capture::Understood& found, std::set<std::string>& used) {
  const CaptureLimits limits;
  const std::size_t in_one = request::CallLimits().batch_documents;
  const Instant now = SystemClock().now();
  std::vector<Parcel> parcels;
  std::size_t bytes = 0;
  for (const capture::Request& one : found.requests) {
    auto document = request::compose_captured(one.document, options.wish, session.place(), now);
    if (!document) return fail(std::move(document.error()));
    for (const proxy::Credential& login : document->access)
      if (login.id.starts_with(request::login_id)) used.insert(request::login_name(login));
    if (found.requests.size() <= limits.single_calls) {
      auto parcel = parcel_of(std::move(*document), session, one.url, now);
      if (!parcel) return fail(std::move(parcel.error()));
      if (parcel->name.empty()) parcel->name = one.name;
      parcels.push_back(std::move(*parcel));
      continue;
    }
    std::string core = proxy::to_json(*document);
    bytes += core.size();
    if (parcels.empty() || parcels.back().unsent.documents.size() >= in_one || bytes > limits.batch_bytes) {
      Parcel& parcel = parcels.emplace_back();
      parcel.unsent.id = document->id;
      parcel.unsent.place = session.place().name;
      parcel.unsent.created = now;
      parcel.unsent.label = one.url;
      parcel.unsent.sender = process_id();
      parcel.exp = document->exp;
      parcel.name = one.name;
      parcel.start = document->when.start;
      if (parcel.start && *parcel.start < now) parcel.passed = parcel.start;
      bytes = core.size();
    }
    parcels.back().urls.push_back(one.url);
    parcels.back().unsent.documents.push_back(std::move(core));
  }
  return parcels;
}

int run(const Context& context, CaptureOptions options) {
  if (options.show_secrets && !options.dry_run)
    return context.refuse(fail(Reason::usage, "--show-secrets goes with --dry-run").value());
  auto text = read_text(context, options);
  if (!text) return context.refuse(text.error());
  auto found = understand(options, *text);
  if (!found) return context.refuse(found.error());
  tell(context, *found);
  if (found->requests.empty())
    return context.refuse(fail(Reason::invalid, "nothing in it can be downloaded",
                               context.quiet ? "without --quiet it is told why" : "see above why")
                              .value());
  options.urls.clear();
  for (const capture::Request& one : found->requests) options.urls.push_back(one.url);
  if (auto good = check_wish(options); !good) return context.refuse(good.error());
  options.wish.probe = !options.no_probe;
  if (auto done = read_secrets(context, options); !done) return context.refuse(done.error());
  if (options.dry_run) return show(context, options, *found);

  auto session = Session::open(context, options.to);
  if (!session) return context.refuse(session.error());
  if (auto stored = use_stored(context, **session, options); !stored) return context.refuse(stored.error());
  std::set<std::string> used;
  auto parcels = compose_all(options, **session, *found, used);
  if (!parcels) return context.refuse(parcels.error());
  for (const std::string& login : used) context.note("signs in with the stored login " + login);
  if (const auto passed = parcels->front().passed)
    context.note(request::time_words(to_rfc3339(*passed), (*session)->zones(), request::Both::yes) +
                 " has passed: it starts as soon as it may");
  for (Parcel& parcel : *parcels) parcel.by_trip = options.to == request::trip_name;
  options.delivery.look = !options.no_probe && found->requests.size() <= CaptureLimits().single_calls;
  return deliver(context, **session, *parcels, options.delivery);
}

void add_kind(CLI::App& group, Context& context, const std::string& name, const std::string& what,
              std::optional<capture::Kind> kind) {
  auto options = std::make_shared<CaptureOptions>();
  options->kind = kind;
  auto* command = group.add_subcommand(name, what);
  if (kind == capture::Kind::curl)
    command->add_option("COMMAND", options->command,
                        "In quotes. Others on this machine see it: better '-' or nothing, from stdin");
  else
    command->add_option("FILE", options->file, "'-' or nothing: from stdin");
  command->add_flag("--dry-run", options->dry_run, "Show what was understood; send and store nothing");
  command->add_flag("--show-secrets", options->show_secrets,
                    "Show passwords, cookies and keys too, not as ***");
  add_wish_options(*command, *options);
  command->add_flag("--strict", options->delivery.strict, "Refuse what cannot be done in time");
  command->add_flag("--wait", options->delivery.wait, "Return when it has ended");
  refuse_empty_values(*command);
  command->callback([&context, command, options] {
    auto preset = apply_preset(*command, *options);
    context.run = [&context, options, preset]() -> int {
      return preset ? run(context, *options) : context.refuse(preset.error());
    };
  });
}

}  // namespace

void add_capture_commands(CLI::App& app, Context& context) {
  auto* group = app.add_subcommand("capture", "Send what a browser or another program would download");
  group->require_subcommand(1);
  add_kind(*group, context, "curl", "Commands that a browser copied (Copy as cURL)", capture::Kind::curl);
  add_kind(*group, context, "har", "The download in a browser's recording (HAR)", capture::Kind::har);
  add_kind(*group, context, "metalink", "The files of a Metalink, from all their mirrors",
           capture::Kind::metalink);
  add_kind(*group, context, "list", "Addresses, one a line, or an input file of aria2", std::nullopt);
}

}  // namespace restante::cli
