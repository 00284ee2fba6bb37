// SPDX-License-Identifier: Apache-2.0
#include "context.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace restante::cli {
namespace {

int list(const Context& context) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  auto devices = (*session)->calls().devices();
  if (!devices) return context.refuse(devices.error());
  for (const auto& device : *devices)
    context.result(context.json
                       ? device.json
                       : device.id.substr(0, 8) + "  " + request::shown(device.label) + "  since " +
                             request::time_words(device.created, (*session)->zones(), request::Both::no) +
                             (device.current ? "  (this one)" : ""));
  return exit_done;
}

int revoke(const Context& context, const std::string& name) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  auto devices = (*session)->calls().devices();
  if (!devices) return context.refuse(devices.error());
  std::vector<request::Device> found;
  for (const auto& device : *devices)
    if (device.id == name || device.label == name || (name.size() >= 8 && device.id.starts_with(name)))
      found.push_back(device);
  if (found.empty())
    return context.refuse(
        fail(Reason::not_found, "no device is called " + name, "`restante device list` shows them").value());
  if (found.size() > 1)
    return context.refuse(
        fail(Reason::usage, "several devices are called " + name, "give the id from `restante device list`")
            .value());
  if (auto done = (*session)->calls().revoke_device(found[0].id); !done) return context.refuse(done.error());
  context.note(request::shown(found[0].label) + " is no longer connected");
  return exit_done;
}

}  // namespace

void add_device_commands(CLI::App& app, Context& context) {
  auto* device = app.add_subcommand("device", "The devices that are connected to your account");
  device->require_subcommand(1);
  device->add_subcommand("list", "The devices")->callback([&context] {
    context.run = [&context] { return list(context); };
  });
  auto name = std::make_shared<std::string>();
  auto* revoking = device->add_subcommand("revoke", "Take a device's access away (a lost phone)");
  revoking->add_option("NAME", *name, "Its name or id")->required();
  revoking->callback([&context, name] { context.run = [&context, name] { return revoke(context, *name); }; });
}

}  // namespace restante::cli
