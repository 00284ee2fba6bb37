// SPDX-License-Identifier: Apache-2.0
#include "api/body.hpp"
#include "api/commands.hpp"
#include "api/handlers.hpp"
#include "base/text.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

// What admins do with users: the operator's commands, over the API. Sizes are told, never names of files.
namespace restante::api {

namespace {

/// The members of a user's body as arguments of a command. Error invalid, with the pointer.
Result<boost::json::object> user_arguments(const boost::json::object& body) {
  boost::json::object out;
  for (const std::string_view member : {"name", "role", "password"}) {
    auto text = read_text(body, member, 4096);
    if (!text) return fail(text.error());
    if (!*text) continue;
    if ((*text)->empty())
      return fail(Reason::invalid, fmt::format("{} is empty", member), "", fmt::format("/{}", member));
    out[member] = **text;
  }
  for (const std::string_view member : {"quota_bytes", "traffic_bytes", "rate_bytes_per_s"}) {
    const auto* size = body.if_contains(member);
    if (size == nullptr) continue;
    if (!size->is_null() && (!size->is_int64() || size->as_int64() < 0))
      return fail(Reason::invalid, fmt::format("{} is not a size", member), "give a number, or null for none",
                  fmt::format("/{}", member));
    if (member == "rate_bytes_per_s" && size->is_int64() && size->as_int64() == 0)
      return fail(Reason::invalid, "rate_bytes_per_s is 0", "give a number, or null for none",
                  "/rate_bytes_per_s");
    out[member] = *size;
  }
  if (const auto* lan = body.if_contains("lan")) {
    if (!lan->is_bool()) return fail(Reason::invalid, "lan is neither true nor false", "", "/lan");
    out["lan"] = *lan;
  }
  return out;
}

Task<Result<CommandLines>> administer(Context& context, std::string command, boost::json::object arguments) {
  std::string text = boost::json::serialize(arguments);
  auto running = run_command(context.parts.administration, std::move(command), std::move(text));
  co_return co_await std::move(running);
}

http::Response one_user(int status, CommandLines lines) {
  return http::json_response(status, lines.empty() ? "{}" : std::move(lines.front()));
}

}  // namespace

Task<http::Response> list_users(Context& context, Call call) {
  boost::json::object nothing;
  auto lines = co_await administer(context, "user-list", std::move(nothing));
  if (!lines) co_return refuse(lines.error(), call.request);
  std::string out = "{\"users\":[";
  for (const auto& line : *lines) (out += out.back() == '[' ? "" : ",") += line;
  co_return http::json_response(200, out + "]}");
}

Task<http::Response> add_user(Context& context, Call call) {
  if (auto safe = check_private(call.request.peer); !safe) co_return refuse(safe.error(), call.request);
  auto body =
      read_object(call.request, {"application/json"},
                  {"name", "role", "quota_bytes", "traffic_bytes", "rate_bytes_per_s", "lan", "password"});
  if (!body) co_return refuse(body.error(), call.request);
  auto arguments = user_arguments(*body);
  if (!arguments) co_return refuse(arguments.error(), call.request);
  auto lines = co_await administer(context, "user-add", std::move(*arguments));
  if (!lines) co_return refuse(lines.error(), call.request);
  co_return one_user(201, std::move(*lines));
}

Task<http::Response> change_user(Context& context, Call call) {
  if (auto safe = check_private(call.request.peer); !safe) co_return refuse(safe.error(), call.request);
  auto body = read_object(call.request, {"application/merge-patch+json", "application/json"},
                          {"role", "quota_bytes", "traffic_bytes", "rate_bytes_per_s", "lan", "password"});
  if (!body) co_return refuse(body.error(), call.request);
  auto arguments = user_arguments(*body);
  if (!arguments) co_return refuse(arguments.error(), call.request);
  (*arguments)["name"] = call.parameters.at(0);
  auto lines = co_await administer(context, "user-change", std::move(*arguments));
  if (!lines) co_return refuse(hide_foreign(lines.error(), "user"), call.request);
  co_return one_user(200, std::move(*lines));
}

Task<http::Response> remove_user(Context& context, Call call) {
  boost::json::object arguments{{"name", call.parameters.at(0)}};
  auto lines = co_await administer(context, "user-remove", std::move(arguments));
  if (!lines) co_return refuse(hide_foreign(lines.error(), "user"), call.request);
  co_return no_content();
}

}  // namespace restante::api
