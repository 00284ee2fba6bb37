// SPDX-License-Identifier: Apache-2.0
#include "api/body.hpp"
#include "api/handlers.hpp"
#include "api/json_views.hpp"
#include "api/serving.hpp"
#include "base/sparse_file.hpp"

#include <sys/stat.h>

namespace restante::api {

namespace {

bool may_be_arriving(const jobs::Job& job) {
  return !jobs::ended(job.state) && (job.attempt > 0 || job.state == jobs::State::running);
}

/// Files of unended jobs of which bytes are on their way, as JSON values in `json`.
Task<Result<void>> write_all_arriving(Context& context, AccountId account, std::string name,
                                      JsonWriter& json) {
  using enum jobs::State;
  jobs::JobFilter filter;
  filter.states = {waiting, running, verifying, publishing, paused, held};
  filter.limit = context.options.limits.longest_page;
  int left = context.options.limits.arriving_files;
  do {
    auto page = co_await context.parts.jobs.list(account, filter);
    if (!page) co_return fail(page.error());
    for (const auto& job : page->jobs) {
      if (!may_be_arriving(job)) continue;
      auto view = co_await context.parts.jobs.find(account, job.id);
      if (!view) continue;  // it was removed meanwhile
      for (const auto& file : view->files) {
        const bool over = file.state == jobs::FileState::done || file.state == jobs::FileState::failed;
        const bool begun = file.checkpoint.written_bytes > 0 || file.state != jobs::FileState::pending;
        const std::string& shown = file.name.empty() ? view->job.name : file.name;
        if (over || !begun || (!name.empty() && shown != name)) continue;
        write_arriving(json, *view, file);
        if (--left <= 0) co_return Result<void>();
      }
    }
    filter.cursor = page->next_cursor;
  } while (!filter.cursor.empty());
  co_return Result<void>();
}

http::Response file_json(const files::FileRecord& record) {
  std::string out;
  JsonWriter json(out);
  write_file(json, record);
  return http::json_response(200, std::move(out));
}

}  // namespace

/// One folder: what lies right inside it.
Task<http::Response> list_one_folder(Context& context, Call call, std::string folder) {
  auto listed =
      run_there(context.parts.control, context.parts.areas.list_folder(call.who->account, std::move(folder)));
  auto listing = co_await std::move(listed);
  if (!listing) co_return refuse(hide_foreign(listing.error(), "folder"), call.request);
  std::string out;
  JsonWriter json(out);
  json.open('{').key("folders").open('[');
  for (const auto& path : listing->folders) json.open('{').key("path").text(path).close('}');
  json.close(']').key("files").open('[');
  for (const auto& file : listing->files) write_file(json, file);
  json.close(']').close('}');
  co_return http::json_response(200, std::move(out));
}

/// Files by a part of their path. Error invalid: nothing to look for, or too much.
Task<http::Response> search_files(Context& context, Call call, std::string text) {
  const ApiLimits& limits = context.options.limits;
  if (text.empty() || text.size() > limits.longest_search) {
    const auto error = fail(Reason::invalid, "this cannot be searched for", "give a part of a name").value();
    co_return refuse(error, call.request);
  }
  const int most = limits.files_found;
  auto finding = run_there(context.parts.control,
                           context.parts.areas.search(call.who->account, std::move(text), most + 1));
  auto found = co_await std::move(finding);
  if (!found) co_return refuse(found.error(), call.request);
  const bool more = found->size() > static_cast<std::size_t>(most);
  if (more) found->pop_back();
  std::string out;
  JsonWriter json(out);
  json.open('{').key("folders").open('[').close(']').key("files").open('[');
  for (const auto& file : *found) write_file(json, file);
  json.close(']').key("more").yes_no(more).close('}');
  co_return http::json_response(200, std::move(out));
}

/// Runs on the connection's loop: a long list is written there and holds up nobody else.
Task<http::Response> list_files(Context& context, Call call) {
  const AccountId account = call.who->account;
  if (const auto wanted = call.request.query_value("search")) {
    std::string text(*wanted);
    auto searching = search_files(context, std::move(call), std::move(text));
    co_return co_await std::move(searching);
  }
  if (const auto folder = call.request.query_value("folder")) {
    std::string path(*folder);
    auto listing = list_one_folder(context, std::move(call), std::move(path));
    co_return co_await std::move(listing);
  }
  const std::string name(call.request.query_value("name").value_or(""));
  std::string out;
  JsonWriter json(out);
  json.open('[');
  if (call.request.query_value("arriving") == "true") {
    auto writing = run_there(context.parts.control, write_all_arriving(context, account, name, json));
    auto written = co_await std::move(writing);
    if (!written) co_return refuse(written.error(), call.request);
  }
  auto listing = run_there(context.parts.control, context.parts.areas.list(account));
  auto files = co_await std::move(listing);
  if (!files) co_return refuse(files.error(), call.request);
  for (const auto& file : *files)
    if (name.empty() || file.name == name) write_file(json, file);
  json.close(']');
  co_return http::json_response(200, std::move(out));
}

Task<http::Response> get_file(Context& context, Call call) {
  const auto id = FileId::parse(call.parameters.at(0));
  if (!id) co_return refuse(nothing_there("file"), call.request);
  auto file = co_await context.parts.areas.open(call.who->account, *id);
  if (!file) co_return refuse(hide_foreign(file.error(), "file"), call.request);
  co_return serve_content(context, call.request, call.who->account, representation(*file));
}

Task<http::Response> change_file(Context& context, Call call) {
  const auto id = FileId::parse(call.parameters.at(0));
  auto body = read_object(call.request, {"application/merge-patch+json", "application/json"}, {"name"});
  if (!body) co_return refuse(body.error(), call.request);
  auto name = need_text(*body, "name", 4096);
  if (!name) co_return refuse(name.error(), call.request);
  if (name->empty()) {
    const auto error = fail(Reason::invalid, "the name is empty", "give a name", "/name");
    co_return refuse(error.value(), call.request);
  }
  if (!id) co_return refuse(nothing_there("file"), call.request);
  auto record = co_await context.parts.areas.rename(call.who->account, *id, *name);
  if (!record) co_return refuse(hide_foreign(record.error(), "file"), call.request);
  co_return file_json(*record);
}

Task<http::Response> remove_file(Context& context, Call call) {
  const auto id = FileId::parse(call.parameters.at(0));
  if (!id) co_return refuse(nothing_there("file"), call.request);
  auto& areas = context.parts.areas;
  const bool now = call.request.query_value("now") == "true";
  auto removing = now ? areas.remove(call.who->account, *id) : areas.trash(call.who->account, *id);
  auto done = co_await std::move(removing);
  if (!done) co_return refuse(hide_foreign(done.error(), "file"), call.request);
  co_return no_content();
}

/// A file that is still arriving: as many bytes as are there; the published one once it is.
Task<http::Response> job_file(Context& context, Call call) {
  const auto id = JobId::parse(call.parameters.at(0));
  const std::string& index = call.parameters.at(1);
  if (!id) co_return refuse(nothing_there("file"), call.request);
  auto view = co_await context.parts.jobs.find(call.who->account, *id);
  if (!view) co_return refuse(hide_foreign(view.error(), "file"), call.request);
  const jobs::FileRow* row = nullptr;
  for (const auto& file : view->files)
    if (std::to_string(file.index) == index) row = &file;
  if (row == nullptr) co_return refuse(nothing_there("file"), call.request);
  if (row->published) {
    auto file = co_await context.parts.areas.open(call.who->account, *row->published);
    if (!file) co_return refuse(hide_foreign(file.error(), "file"), call.request);
    co_return serve_content(context, call.request, call.who->account, representation(*file));
  }
  auto opened =
      co_await context.parts.areas.open_arriving(call.who->account, *id, row->index, row->generation);
  if (!opened) co_return refuse(hide_foreign(opened.error(), "file"), call.request);
  struct stat status{};
  if (::fstat(opened->get(), &status) != 0) co_return refuse(nothing_there("file"), call.request);
  http::Representation arriving;
  arriving.fd = std::make_shared<UniqueFd>(std::move(*opened));
  // What has come apart from the beginning can be taken once the beginning has reached it.
  arriving.size_bytes = layout_of(arriving.fd->get(), 0).beginning;
  arriving.etag =
      fmt::format("\"{}.{}.{}-{}\"", id->text(), row->index, row->generation, arriving.size_bytes);
  arriving.modified_s = status.st_mtim.tv_sec;
  const std::string& name = row->name.empty() ? view->job.name : row->name;
  arriving.name = name.substr(name.rfind('/') + 1);
  arriving.media_type = row->media_type;
  co_return serve_content(context, call.request, call.who->account, arriving);
}

}  // namespace restante::api
