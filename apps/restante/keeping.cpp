// SPDX-License-Identifier: Apache-2.0
#include "context.hpp"
#include "request/fetch.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

// How people keep files at a place: renamed, moved, deleted, had back.
namespace restante::cli {
namespace {

using Removal = request::Calls::Removal;

/// A file by name or id, else the folder of that name.
Result<std::optional<request::StoredFile>> file_or_folder(request::Calls& calls, const std::string& name) {
  auto file = calls.file(name);
  if (file) return std::optional<request::StoredFile>(std::move(*file));
  if (file.error().reason == Reason::not_found) return std::optional<request::StoredFile>();
  return fail(std::move(file.error()));
}

Error nothing_of(const std::string& name) {
  return fail(Reason::not_found, "there is no file or folder " + name,
              "`restante files` shows the files by name")
      .value();
}

int refuse(const Context& context, Error error, const std::string& name) {
  return context.refuse(error.reason == Reason::not_found ? nothing_of(name) : std::move(error));
}

int remove(const Context& context, const std::string& name, Removal removal) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  request::Calls& calls = (*session)->calls();
  auto file = file_or_folder(calls, name);
  if (!file) return context.refuse(file.error());
  auto done = *file ? calls.remove_file((*file)->id, removal) : calls.remove_folder(name, removal);
  if (!done) return refuse(context, std::move(done.error()), name);
  context.note("removed: " + request::shown(*file ? (*file)->name : name));
  return exit_done;
}

int move(const Context& context, const std::string& name, const std::string& to) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  request::Calls& calls = (*session)->calls();
  auto file = file_or_folder(calls, name);
  if (!file) return context.refuse(file.error());
  if (*file) {
    auto moved = calls.rename_file((*file)->id, to);
    if (!moved) return refuse(context, std::move(moved.error()), name);
    context.result(context.json ? moved->json : request::shown(moved->name));
    return exit_done;
  }
  auto moved = calls.move_folder(name, to);
  if (!moved) return refuse(context, std::move(moved.error()), name);
  const boost::json::object out{{"path", *moved}};
  context.result(context.json ? boost::json::serialize(out) : request::shown(*moved));
  return exit_done;
}

int list_trash(const Context& context) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  auto files = (*session)->calls().trash();
  if (!files) return context.refuse(files.error());
  for (const auto& file : *files)
    context.result(context.json ? file.json
                                : std::to_string(file.size_bytes) + "\t" + file.until + "\t" +
                                      request::shown(file.name));
  return exit_done;
}

int restore(const Context& context, const std::string& name) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  request::Calls& calls = (*session)->calls();
  auto files = calls.trash();
  if (!files) return context.refuse(files.error());
  for (const auto& file : *files) {
    if (file.name != name && file.id != name) continue;
    auto back = calls.restore_file(file.id);
    if (!back) return context.refuse(back.error());
    context.result(context.json ? back->json : request::shown(back->name));
    return exit_done;
  }
  return context.refuse(fail(Reason::not_found, "there is no deleted file " + name,
                             "`restante trash list` shows what can be had back")
                            .value());
}

int empty(const Context& context) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  if (auto done = (*session)->calls().empty_trash(); !done) return context.refuse(done.error());
  context.note("the trash is empty");
  return exit_done;
}

}  // namespace

void add_keeping_commands(CLI::App& app, Context& context) {
  struct Options {
    std::string name, to;
    bool now = false;
  };
  auto options = std::make_shared<Options>();
  auto* removing = app.add_subcommand("remove", "Delete a file or folder at the place; it can be had back");
  removing->add_option("NAME", options->name, "Exact name or id")->required();
  removing->add_flag("--now", options->now, "For good, not into the trash");
  removing->callback([&context, options] {
    context.run = [&context, options] {
      return remove(context, options->name, options->now ? Removal::for_good : Removal::into_trash);
    };
  });

  auto* moving = app.add_subcommand("move", "Rename or move a file or folder at the place");
  moving->add_option("NAME", options->name, "Exact name or id of a file, or a folder's path")->required();
  moving->add_option("NEWNAME", options->to, "Its new name, with folders")->required();
  moving->callback([&context, options] {
    context.run = [&context, options] { return move(context, options->name, options->to); };
  });

  auto* trash = app.add_subcommand("trash", "Deleted files at the place");
  trash->require_subcommand(1);
  trash->fallthrough();
  auto* listing = trash->add_subcommand("list", "What can be had back: size, until when, name");
  listing->callback([&context] { context.run = [&context] { return list_trash(context); }; });
  auto* restoring = trash->add_subcommand("restore", "Have a deleted file back");
  restoring->add_option("NAME", options->name, "Exact name or id")->required();
  restoring->callback(
      [&context, options] { context.run = [&context, options] { return restore(context, options->name); }; });
  auto* emptying = trash->add_subcommand("empty", "Erase all deleted files for good");
  emptying->callback([&context] { context.run = [&context] { return empty(context); }; });
}

}  // namespace restante::cli
