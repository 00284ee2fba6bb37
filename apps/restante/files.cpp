// SPDX-License-Identifier: Apache-2.0
#include "bars.hpp"
#include "base/text.hpp"
#include "context.hpp"
#include "files/names.hpp"
#include "request/fetch.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <filesystem>
#include <set>
#include <unistd.h>

namespace restante::cli {
namespace {

int list(const Context& context, bool arriving) {
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  auto files = (*session)->calls().files(arriving);
  if (!files) return context.refuse(files.error());
  std::set<std::string> seen;
  for (const auto& file : *files) {
    if (!file.arriving && !seen.insert(file.name).second) continue;
    context.result(context.json ? file.json : request::file_line(file));
  }
  return exit_done;
}

struct GetOptions {
  std::string name, out;
  bool force = false;
};

/// A name that the place gave is one file of the chosen folder, whatever the place says.
std::string target_path(const std::string& out, const std::string& name) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  std::string last;
  for (const auto& segment : files::split_path(name)) last = files::clean_segment(segment);
  if (last.empty()) last = "download";
  if (out.empty()) return last;
  if (out.ends_with('/') || fs::is_directory(out, ignored)) return (fs::path(out) / last).string();
  return out;
}

int told(const Context& context, const request::StoredFile& file, const std::string& path,
         const request::Fetched& fetched) {
  if (!fetched.proven)
    context.note("the place knows no checksum of it yet: only length and ETag could be verified");
  if (file.size_bytes && *file.size_bytes != fetched.size_bytes)
    context.note("it has changed at the place meanwhile: " + human_size(fetched.size_bytes));
  if (path.empty()) return exit_done;
  if (context.json) {
    boost::json::object out;
    out["name"] = file.name;
    out["id"] = file.id;
    out["path"] = path;
    out["size_bytes"] = fetched.size_bytes;
    out["resumed_at"] = fetched.resumed_at;
    out["sha256"] = fetched.sha256;
    out["verified"] = fetched.proven;
    context.result(boost::json::serialize(out));
  } else {
    context.result(path);
  }
  return exit_done;
}

int get(const Context& context, const GetOptions& options) {
  // An obvious refusal needs no place.
  std::error_code ignored;
  if (!options.out.empty() && options.out != "-" && !options.force && !options.out.ends_with('/') &&
      std::filesystem::exists(options.out, ignored) && !std::filesystem::is_directory(options.out, ignored))
    return context.refuse(fail(Reason::in_use, options.out + " exists already",
                               "choose another name with -o, or replace it with -f")
                              .value());
  auto session = Session::open(context);
  if (!session) return context.refuse(session.error());
  auto file = (*session)->calls().file(options.name);
  if (!file) return context.refuse(file.error());
  if (options.out == "-") {
    if (context.stdout_terminal) context.note("writing to the terminal");
    auto fetched = request::fetch_to((*session)->calls(), file->id, STDOUT_FILENO);
    return fetched ? told(context, *file, "", *fetched) : context.refuse(fetched.error());
  }
  const std::string path = target_path(options.out, file->name);
  if (const auto folder = std::filesystem::path(path).parent_path();
      options.out.ends_with('/') && !folder.empty())
    std::filesystem::create_directories(folder, ignored);
  Bars bars(STDERR_FILENO, context.stderr_terminal && !context.quiet);
  request::Fetch fetch;
  fetch.file_id = file->id;
  fetch.path = path;
  fetch.existing = options.force ? request::Fetch::Existing::replaced : request::Fetch::Existing::refused;
  Rate rate;
  fetch.progress = [&](std::uint64_t have, std::optional<std::uint64_t> size) {
    if (!bars.due()) return;
    bars.set(file->id, {file->name, "", have, size ? size : file->size_bytes, rate.at(have)});
  };
  auto fetched = request::fetch_file((*session)->calls(), fetch);
  bars.clear();
  if (!fetched) return context.refuse(fetched.error());
  if (fetched->resumed_at > 0) context.note("went on at " + human_size(fetched->resumed_at));
  return told(context, *file, path, *fetched);
}

}  // namespace

void add_file_commands(CLI::App& app, Context& context) {
  auto arriving = std::make_shared<bool>(false);
  auto* files = app.add_subcommand("files", "My files at the place, newest first: size, instant, name");
  files->add_flag("--arriving", *arriving, "Those that are still arriving too");
  files->callback(
      [&context, arriving] { context.run = [&context, arriving] { return list(context, *arriving); }; });

  auto options = std::make_shared<GetOptions>();
  auto* getting = app.add_subcommand("get", "Take a file from the place to here");
  getting->add_option("NAME", options->name, "Exact name or id")->required();
  getting->add_option("-o,--output", options->out, "Where to: a path, a FOLDER/ or - for stdout")
      ->type_name("PATH");
  getting->add_flag("-f,--force", options->force, "Replace what is there");
  getting->callback(
      [&context, options] { context.run = [&context, options] { return get(context, *options); }; });
}

}  // namespace restante::cli
