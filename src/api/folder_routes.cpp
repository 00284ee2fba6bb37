// SPDX-License-Identifier: Apache-2.0
// Folders of an area, and its trash.
#include "api/body.hpp"
#include "api/handlers.hpp"
#include "api/json_views.hpp"
#include "base/text.hpp"

namespace restante::api {

namespace {

constexpr std::size_t path_bytes = 4096;

/// A member that is a path and not empty. Errors: as need_text.
Result<std::string> need_path(const boost::json::object& body, std::string_view member) {
  auto path = need_text(body, member, path_bytes);
  if (path && path->empty())
    return fail(Reason::invalid, fmt::format("{} is empty", member), "give the path of a folder",
                fmt::format("/{}", member));
  return path;
}

http::Response folder_json(int status, std::string_view path) {
  std::string out;
  JsonWriter json(out);
  json.open('{').key("path").text(path).close('}');
  return http::json_response(status, std::move(out));
}

}  // namespace

Task<http::Response> make_folder(Context& context, Call call) {
  auto body = read_object(call.request, {"application/json"}, {"path"});
  if (!body) co_return refuse(body.error(), call.request);
  auto path = need_path(*body, "path");
  if (!path) co_return refuse(path.error(), call.request);
  auto made = co_await context.parts.areas.make_folder(call.who->account, *path);
  if (!made) co_return refuse(made.error(), call.request);
  co_return folder_json(201, *made);
}

Task<http::Response> move_folder(Context& context, Call call) {
  auto body = read_object(call.request, {"application/merge-patch+json", "application/json"}, {"path", "to"});
  if (!body) co_return refuse(body.error(), call.request);
  auto path = need_path(*body, "path");
  if (!path) co_return refuse(path.error(), call.request);
  auto to = need_path(*body, "to");
  if (!to) co_return refuse(to.error(), call.request);
  auto moved = co_await context.parts.areas.move_folder(call.who->account, *path, *to);
  if (!moved) co_return refuse(hide_foreign(moved.error(), "folder"), call.request);
  auto followed = co_await context.parts.links.folder_moved(call.who->account, *path, *moved);
  if (!followed) co_return refuse(followed.error(), call.request);
  co_return folder_json(200, *moved);
}

Task<http::Response> remove_folder(Context& context, Call call) {
  const std::string path(call.request.query_value("path").value_or(""));
  using Removal = files::Areas::Removal;
  const Removal removal = call.request.query_value("now") == "true" ? Removal::for_good : Removal::into_trash;
  auto done = co_await context.parts.areas.remove_folder(call.who->account, path, removal);
  if (!done) co_return refuse(hide_foreign(done.error(), "folder"), call.request);
  co_return no_content();
}

Task<http::Response> list_trash(Context& context, Call call) {
  auto files = co_await context.parts.areas.list_trash(call.who->account);
  if (!files) co_return refuse(files.error(), call.request);
  std::string out;
  JsonWriter json(out);
  json.open('[');
  for (const auto& one : *files) {
    json.open('{').key("id").text(one.file.id.text());
    json.key("name").text(one.file.name);
    json.key("size_bytes").number(one.file.size_bytes);
    json.key("removed").text(to_rfc3339(one.removed));
    json.key("until").text(to_rfc3339(one.removed + context.parts.areas.trash_keep())).close('}');
  }
  json.close(']');
  co_return http::json_response(200, std::move(out));
}

Task<http::Response> restore_file(Context& context, Call call) {
  const auto id = FileId::parse(call.parameters.at(0));
  if (!id) co_return refuse(nothing_there("file"), call.request);
  auto record = co_await context.parts.areas.restore(call.who->account, *id);
  if (!record) co_return refuse(hide_foreign(record.error(), "file"), call.request);
  std::string out;
  JsonWriter json(out);
  write_file(json, *record);
  co_return http::json_response(200, std::move(out));
}

Task<http::Response> erase_trashed(Context& context, Call call) {
  const auto id = FileId::parse(call.parameters.at(0));
  if (!id) co_return refuse(nothing_there("file"), call.request);
  auto done = co_await context.parts.areas.erase_deleted(call.who->account, *id);
  if (!done) co_return refuse(hide_foreign(done.error(), "file"), call.request);
  co_return no_content();
}

Task<http::Response> empty_trash(Context& context, Call call) {
  auto done = co_await context.parts.areas.empty_trash(call.who->account);
  if (!done) co_return refuse(done.error(), call.request);
  co_return no_content();
}

}  // namespace restante::api
