// SPDX-License-Identifier: Apache-2.0
#include "accounts/passwords.hpp"
#include "api/body.hpp"
#include "api/door.hpp"
#include "api/handlers.hpp"
#include "api/json_writer.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

#include <fmt/format.h>

namespace restante::api {

namespace {

void write_link(JsonWriter& json, const files::ListedLink& listed) {
  const files::Link& link = listed.link;
  json.key("id").text(link.id.text());
  if (link.file) json.key("file").text(link.file->text());
  if (!link.file) json.key("folder").text(link.folder);
  json.key("name").text(listed.name).key("created").text(to_rfc3339(link.created));
  if (link.expires) json.key("expires").text(to_rfc3339(*link.expires));
  json.key("password").yes_no(!link.password_hash.empty()).key("login").yes_no(link.login);
  if (link.most_uses) json.key("count").number(*link.most_uses);
  json.key("uses").number(link.uses);
}

std::string link_json(const files::ListedLink& listed) {
  std::string out;
  JsonWriter json(out);
  json.open('{');
  write_link(json, listed);
  json.close('}');
  return out;
}

struct Wanted {
  files::LinkTarget target;
  files::LinkTerms terms;
  std::string password;
};

Result<Wanted> read_wanted(const boost::json::object& body) {
  Wanted out;
  auto file = read_text(body, "file", 64);
  auto folder = read_text(body, "folder", 4096);
  auto password = read_text(body, "password", 4096);
  for (const auto* text : {&file, &folder, &password})
    if (!*text) return fail(text->error());
  if (file->has_value() == folder->has_value())
    return fail(Reason::invalid, "a link leads to one file or to one folder", "give file or folder", "/file");
  if (*file) {
    out.target.file = FileId::parse(**file);
    if (!out.target.file) return fail(nothing_there("file"));
  } else {
    std::string path = **folder;
    while (path.ends_with('/')) path.pop_back();
    out.target.folder = std::move(path);
  }
  out.password = password->value_or("");
  if (const auto* expires = body.if_contains("expires"); expires != nullptr && expires->is_null()) {
    out.terms.end = files::LinkTerms::End::revoked;
  } else {
    auto text = read_text(body, "expires", 64);
    if (!text) return fail(text.error());
    if (*text) {
      const auto at = from_rfc3339(**text);
      if (!at)
        return fail(Reason::invalid, "expires is not an instant", "write it as 2026-12-24T18:00:00Z",
                    "/expires");
      out.terms.end = files::LinkTerms::End::at;
      out.terms.expires = *at;
    }
  }
  if (const auto* login = body.if_contains("login")) {
    if (!login->is_bool()) return fail(Reason::invalid, "login is neither true nor false", "", "/login");
    out.terms.login = login->as_bool();
  }
  if (const auto* count = body.if_contains("count")) {
    if (!count->is_int64()) return fail(Reason::invalid, "count is not a number", "", "/count");
    out.terms.most_uses = count->as_int64();
  }
  return out;
}

Result<void> check_password_of_link(const std::string& password, const LinkDoorLimits& limits) {
  if (password.size() < limits.least_password)
    return fail(Reason::invalid,
                fmt::format("the password is shorter than {} characters", limits.least_password),
                "take a longer one; a few words are good", "/password");
  if (password.size() > limits.longest_password)
    return fail(Reason::invalid, fmt::format("the password is longer than {} bytes", limits.longest_password),
                "", "/password");
  return {};
}

}  // namespace

Task<http::Response> create_link(Context& context, Call call) {
  auto body = read_object(call.request, {"application/json"},
                          {"file", "folder", "expires", "password", "login", "count"});
  if (!body) co_return refuse(body.error(), call.request);
  const bool with_password = body->contains("password");
  auto wanted = read_wanted(*body);
  if (!wanted) co_return refuse(wanted.error(), call.request);
  if (with_password) {
    auto& door = context.link_door;
    if (auto safe = check_private(call.request.peer); !safe) co_return refuse(safe.error(), call.request);
    if (auto good = check_password_of_link(wanted->password, door.limits()); !good)
      co_return refuse(good.error(), call.request);
    if (door.hashing_is_full()) {
      const auto error = fail(Reason::busy, "too many passwords at once", "try again in a moment").value();
      co_return refuse(error, call.request);
    }
    auto hash = [&wanted] { return accounts::hash_password(wanted->password); };
    const LinkDoor::Hashing hashing(door);
    wanted->terms.password_hash = co_await offload(context.parts.hashing, hash);
    wipe(wanted->password);
  }
  const AccountId account = call.who->account;
  auto created = co_await context.parts.links.create(account, wanted->target, wanted->terms);
  if (!created) {
    const auto error = hide_foreign(created.error(), wanted->target.file ? "file" : "folder");
    co_return refuse(error, call.request);
  }
  auto listed = co_await context.parts.links.find(account, created->link.id);
  if (!listed) co_return refuse(hide_foreign(listed.error(), "file"), call.request);
  std::string out;
  JsonWriter json(out);
  json.open('{');
  write_link(json, *listed);
  const std::string path = files::link_path(created->token);
  json.key("url").text(context.options.public_url + path);
  if (!context.options.lan_url.empty()) json.key("lan_url").text(context.options.lan_url + path);
  json.close('}');
  auto response = http::json_response(201, std::move(out));
  response.set("Location", "/v1/links/" + created->link.id.text());
  co_return response;
}

Task<http::Response> list_links(Context& context, Call call) {
  auto links = co_await context.parts.links.list(call.who->account);
  if (!links) co_return refuse(links.error(), call.request);
  std::string out;
  JsonWriter json(out);
  json.open('[');
  for (const auto& link : *links) {
    json.open('{');
    write_link(json, link);
    json.close('}');
  }
  json.close(']');
  co_return http::json_response(200, std::move(out));
}

Task<http::Response> show_link(Context& context, Call call) {
  const auto id = files::LinkId::parse(call.parameters.at(0));
  if (!id) co_return refuse(nothing_there("link"), call.request);
  auto link = co_await context.parts.links.find(call.who->account, *id);
  if (!link) co_return refuse(hide_foreign(link.error(), "link"), call.request);
  co_return http::json_response(200, link_json(*link));
}

Task<http::Response> revoke_link(Context& context, Call call) {
  const auto id = files::LinkId::parse(call.parameters.at(0));
  if (!id) co_return refuse(nothing_there("link"), call.request);
  auto done = co_await context.parts.links.revoke(call.who->account, *id);
  if (!done) co_return refuse(hide_foreign(done.error(), "link"), call.request);
  co_return no_content();
}

}  // namespace restante::api
