// SPDX-License-Identifier: Apache-2.0
// `restante inspect`: what can be known of a request in a file, without opening it.
#include "base/text.hpp"
#include "context.hpp"
#include "documents.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace restante::cli {
namespace {

std::string_view name(Label::Form form) {
  switch (form) {
    case Label::Form::bare:
      return "bare";
    case Label::Form::signed_only:
      return "signed";
    case Label::Form::sealed:
      return "sealed";
  }
  return {};
}

boost::json::object json_of(const std::string& file, const Label& label, std::size_t bytes) {
  boost::json::object out;
  out["file"] = file;
  out["form"] = name(label.form);
  out["media_type"] = label.media_type;
  out["bytes"] = bytes;
  if (label.place != nullptr) out["place"] = label.place->name;
  if (!label.kid.empty()) out["kid"] = label.kid;
  if (!label.id.empty()) out["id"] = label.id;
  if (label.exp) out["expires"] = to_rfc3339(Instant(Seconds(*label.exp)));
  if (!label.content.empty()) out["content"] = boost::json::parse(label.content);
  return out;
}

int inspect(const Context& context, const std::string& file) {
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  auto places = request::load_places(*home);
  if (!places) return context.refuse(places.error());
  auto document = read_document(file);
  if (!document) return context.refuse(document.error());
  auto label = label_of(document->text, *places);
  if (!label) return context.refuse(label.error());
  if (context.json) {
    context.result(boost::json::serialize(json_of(file, *label, document->text.size())));
    return exit_done;
  }
  const auto row = [&](const std::string& what, const std::string& value) {
    if (!value.empty())
      context.result(what + std::string(9 - std::min<std::size_t>(8, what.size()), ' ') + value);
  };
  row("form", std::string(name(label->form)) +
                  (label->form == Label::Form::sealed ? ": only its place can read what it asks for" : ""));
  row("for", label->place != nullptr ? label->place->name + "  " + label->place->url
                                     : "a place that this device does not know");
  row("request", request::shown(label->id));
  row("until", label->exp ? to_rfc3339(Instant(Seconds(*label->exp))) : "");
  row("size", std::to_string(document->text.size()) + " bytes");
  row("content", request::shown(label->content));
  return exit_done;
}

}  // namespace

void add_inspect_command(CLI::App& app, Context& context) {
  auto file = std::make_shared<std::string>();
  auto* command = app.add_subcommand("inspect", "What a request in a file is, as far as it can be read");
  command->add_option("FILE", *file, "A file, or - for stdin")->required();
  command->callback([&context, file] { context.run = [&context, file] { return inspect(context, *file); }; });
}

}  // namespace restante::cli
