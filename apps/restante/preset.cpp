// SPDX-License-Identifier: Apache-2.0
// `restante preset`: settings of `send` under a name.
#include "context.hpp"
#include "request/presets.hpp"
#include "wish_options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace restante::cli {
namespace {

struct PresetOptions : WishOptions {
  std::string name, base;
};

void show(const Context& context, const request::Preset& preset) {
  if (context.json) {
    boost::json::object options;
    for (const auto& [name, values] : preset.options) {
      boost::json::array all;
      for (const std::string& value : values) all.emplace_back(value);
      options[name] = std::move(all);
    }
    boost::json::object out;
    out["name"] = preset.name;
    if (!preset.base.empty()) out["base"] = preset.base;
    out["options"] = std::move(options);
    return context.result(boost::json::serialize(out));
  }
  std::string line = preset.name;
  if (!preset.base.empty()) line += "  " + preset.base;
  for (const auto& [name, values] : preset.options)
    for (const std::string& value : values)
      line += "  --" + name + (value == "true" ? "" : " " + request::shown(value));
  context.result(line);
}

/// What was given of the options that `send` has, too.
request::Preset preset_of(const CLI::App& command, const PresetOptions& options) {
  request::Preset out{options.name, options.base, {}};
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() == 0 || option->get_positional() || option->get_lnames().empty()) continue;
    const std::string& name = option->get_lnames().front();
    if (name == "base" || name == "help" || name == "preset") continue;
    out.options.emplace_back(name, option->results());
  }
  return out;
}

/// A wrong time or size is told now: later nobody might be there to mend it.
Result<void> try_out(const PresetOptions& options) {
  request::Place place;
  place.tz = "UTC";
  auto made = compose_one(options, "https://files.example/a", place, SystemClock().now(), true);
  if (!made) return fail(std::move(made.error()));
  return {};
}

int save(const Context& context, request::Preset preset) {
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  if (auto saved = request::save_preset(*home, std::move(preset)); !saved)
    return context.refuse(saved.error());
  return exit_done;
}

int list(const Context& context) {
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  auto all = request::load_presets(*home);
  if (!all) return context.refuse(all.error());
  for (const auto& preset : *all) show(context, preset);
  if (all->empty()) context.note("no preset yet: `restante preset save NAME` with options of `send`");
  return exit_done;
}

int remove(const Context& context, const std::string& name) {
  auto home = request::Home::open();
  if (!home) return context.refuse(home.error());
  if (auto gone = request::remove_preset(*home, name); !gone) return context.refuse(gone.error());
  return exit_done;
}

}  // namespace

void add_preset_commands(CLI::App& app, Context& context) {
  auto* preset = app.add_subcommand("preset", "Settings of `send` under a name: `send --preset NAME`");
  preset->require_subcommand(1);
  auto options = std::make_shared<PresetOptions>();
  auto* saving =
      preset->add_subcommand("save", "Keep these options; in the place of the preset of that name");
  saving->add_option("NAME", options->name)->required();
  saving->add_option("--base", options->base, "The folder that short names are taken from")->type_name("URL");
  add_wish_options(*saving, *options);
  refuse_empty_values(*saving);
  saving->callback([&context, saving, options] {
    context.run = [&context, options, given = preset_of(*saving, *options)]() -> int {
      auto good = try_out(*options);
      return good ? save(context, given) : context.refuse(good.error());
    };
  });
  preset->add_subcommand("list", "What is kept")->callback([&context] {
    context.run = [&context] { return list(context); };
  });
  auto name = std::make_shared<std::string>();
  auto* removing = preset->add_subcommand("remove", "Forget one");
  removing->add_option("NAME", *name)->required();
  removing->callback([&context, name] { context.run = [&context, name] { return remove(context, *name); }; });
}

}  // namespace restante::cli
