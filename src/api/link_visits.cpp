// SPDX-License-Identifier: Apache-2.0
#include "accounts/passwords.hpp"
#include "accounts/stays.hpp"
#include "api/body.hpp"
#include "api/door.hpp"
#include "api/handlers.hpp"
#include "api/link_pages.hpp"
#include "api/serving.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "files/names.hpp"

#include <fmt/format.h>

// What whoever has a link is answered. Looking (GET, HEAD) changes nothing, however often it is done: mail
// scanners and previews look first (THREATS.md D8).
namespace restante::api {

namespace {

using files::Link;

constexpr std::string_view secure_cookie = "__Secure-restante-link", plain_cookie = "restante-link";

std::string_view cookie_name(const http::Peer& peer) {
  return peer.tls ? secure_cookie : plain_cookie;
}

/// Whether a link still holds and its account may be served. Any thread.
bool holds(const Context& context, const Link& link) {
  if (!context.parts.links.holds(link)) return false;
  const auto account = context.parts.accounts.snapshot()->account(link.account);
  return account && accounts::stay_at(*account, context.parts.clock.now(),
                                      context.parts.accounts.guest_limits().grace) != accounts::Stay::over;
}

http::Response unable(const Error& error) {
  if (error.reason == Reason::not_found) return gone_page();
  const bool busy = error.reason == Reason::busy;
  if (!busy) log::error("a link cannot be served: {}", error.message);
  auto response =
      refusal_page(busy ? 503 : 500, "Not now", "This place cannot answer. Try again in a moment.");
  if (busy) response.set("Retry-After", "1");
  return response;
}

bool asks_first(const Link& link) {
  return !link.password_hash.empty() || link.login || link.most_uses;
}

/// Whoever answered the link's page has a pass; its owner, signed in, needs none where only that is asked.
bool is_let_in(const Context& context, const Link& link, const Call& call) {
  const auto pass = cookie_value(call.request.header("Cookie"), cookie_name(call.request.peer));
  if (context.link_door.admits(link, pass, context.parts.clock.now())) return true;
  return link.login && link.password_hash.empty() && !link.most_uses && call.who &&
         call.who->account == link.account && call.who->kind != accounts::Principal::Kind::submit_token;
}

LinkQuestion question_of(const Link& link) {
  LinkQuestion out;
  out.password = !link.password_hash.empty();
  out.login = link.login;
  if (link.most_uses) out.uses_left = *link.most_uses - link.uses;
  return out;
}

/// What a link and the path below it lead to.
struct Goal {
  std::optional<FileId> file;
  files::Areas::Listing listing;  ///< if it is a folder
  std::string folder;
};

std::string without_slash(std::string path) {
  if (path.ends_with('/')) path.pop_back();
  return path;
}

/// Error not-found also for whatever lies outside the link.
Task<Result<Goal>> goal_of(Context& context, std::shared_ptr<const Link> link,
                           std::optional<std::string> path) {
  Goal goal;
  if (link->file) {
    if (path) co_return fail(Reason::not_found, "a file has no files in it");
    auto file = co_await context.parts.areas.find(link->account, *link->file);
    if (!file) co_return fail(std::move(file.error()));
    goal.file = link->file;
    co_return goal;
  }
  goal.folder = link->folder;
  if (path && !path->empty()) {
    const std::string name = link->folder + "/" + *path;
    auto file = co_await context.parts.links.file_named(link->account, name);
    if (file) {
      goal.file = *file;
      co_return goal;
    }
    if (file.error().reason != Reason::not_found) co_return fail(std::move(file.error()));
    goal.folder = without_slash(name);
  }
  auto listing = co_await context.parts.areas.list_folder(link->account, goal.folder);
  if (!listing) co_return fail(std::move(listing.error()));
  goal.listing = std::move(*listing);
  co_return goal;
}

std::string last_segment(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

/// The path of something in the link's folder, below the link.
std::string href_of(const Link& link, std::string_view token, std::string_view name) {
  std::string out = files::link_path(token);
  for (const auto& segment : files::split_path(name.substr(link.folder.size())))
    if (!segment.empty()) out += "/" + path_segment(segment);
  return out;
}

http::Response listing_page(const LinkDoorLimits& limits, const Link& link, std::string_view token,
                            const Goal& goal) {
  FolderPage page;
  page.title = last_segment(goal.folder);
  if (goal.folder != link.folder)
    page.up = href_of(link, token, goal.folder.substr(0, goal.folder.rfind('/')));
  std::size_t room = limits.listed;
  for (const auto& folder : goal.listing.folders) {
    if (room == 0) break;
    --room;
    page.folders.push_back({last_segment(folder), href_of(link, token, folder), ""});
  }
  for (const auto& file : goal.listing.files) {
    if (room == 0) break;
    --room;
    page.files.push_back(
        {last_segment(file.name), href_of(link, token, file.name), human_size(file.size_bytes)});
  }
  page.left_out =
      goal.listing.folders.size() + goal.listing.files.size() - page.folders.size() - page.files.size();
  return folder_page(page);
}

/// The data itself: nothing of it is kept by caches or found by search engines.
Task<http::Response> data_of(Context& context, std::shared_ptr<const Link> link, FileId id,
                             http::Request request) {
  auto file = co_await context.parts.areas.open(link->account, id);
  if (!file) co_return unable(file.error());
  auto response = serve_content(context, request, link->account, representation(*file));
  if (response.status == 429)
    co_return refusal_page(429, "Not this month",
                           "What this account may be served in a month is used up. Try again next month.");
  response.set("Cache-Control", "private, no-store");
  response.set("Referrer-Policy", "no-referrer");
  response.set("X-Robots-Tag", "noindex");
  response.may_go_on = [&context, link] { return holds(context, *link); };
  co_return response;
}

std::optional<std::string> path_below(const Call& call) {
  if (call.parameters.size() < 2) return std::nullopt;
  return call.parameters[1];
}

/// What came of an answer to a link's question: nothing if it was right.
using Refusal = std::optional<http::Response>;

http::Response ask_again(const Link& link, int status, std::string wrong) {
  auto question = question_of(link);
  question.status = status;
  question.wrong = std::move(wrong);
  return question_page(question);
}

http::Response ask_later(const Link& link, Seconds wait) {
  auto response = ask_again(
      link, 429,
      fmt::format("There were too many wrong answers. The next one is heard in {} s.", wait.count()));
  response.set("Retry-After", std::to_string(wait.count()));
  return response;
}

Task<Refusal> judge_password(Context& context, std::shared_ptr<const Link> link, std::string password,
                             std::string peer) {
  LinkDoor& door = context.link_door;
  const Instant now = context.parts.clock.now();
  if (const Seconds wait = door.wait(*link, peer, now); wait > Seconds{0}) co_return ask_later(*link, wait);
  if (door.hashing_is_full()) {
    const Error error{Reason::busy, "", "", "", true};
    co_return unable(error);
  }
  door.guessed(*link, peer, now);
  const bool too_long = password.size() > door.limits().longest_password;
  auto check = [&password, &link, too_long] {
    return accounts::check_password(too_long ? "" : password, link->password_hash).right;
  };
  bool right = false;
  {
    const LinkDoor::Hashing hashing(door);
    right = co_await offload(context.parts.hashing, check);
  }
  wipe(password);
  if (!right) co_return ask_again(*link, 403, "This is not the password.");
  door.was_right(*link, peer);
  co_return std::nullopt;
}

/// The owner shows that it is they, and is not signed in by it: this may be somebody else's computer.
Task<Refusal> judge_login(Context& context, std::shared_ptr<const Link> link, std::string user,
                          std::string password, std::string peer) {
  auto& accounts = context.parts.accounts;
  auto signed_in = co_await accounts.sign_in(user, password, peer);
  wipe(password);
  if (!signed_in && signed_in.error().reason == Reason::rate_limited)
    co_return ask_later(*link, accounts.sign_in_wait(user, peer));
  if (!signed_in && signed_in.error().reason != Reason::unauthenticated) co_return unable(signed_in.error());
  if (!signed_in) co_return ask_again(*link, 403, "This name and password do not belong together.");
  if (auto done = co_await accounts.sign_out(signed_in->token); !done) co_return unable(done.error());
  if (signed_in->account.id != link->account)
    co_return ask_again(*link, 403, "This link is another account's.");
  co_return std::nullopt;
}

/// What a form on a link's page sends.
struct Given {
  std::string user, account_password, password, peer;
};

Given given_with(http::Request& request) {
  Given out;
  out.user = form_field(request.body, "user").value_or("");
  out.account_password = form_field(request.body, "account-password").value_or("");
  out.password = form_field(request.body, "password").value_or("");
  out.peer = request.peer.address;
  wipe(request.body);
  return out;
}

/// Whether an answer may be heard at all.
Refusal judge_form(const Link& link, const http::Request& request) {
  if (media_type_of(request.header("Content-Type")) != "application/x-www-form-urlencoded")
    return refusal_page(415, "Not understood", "The answer must be sent as a form.");
  const bool secret = link.login || !link.password_hash.empty();
  if (secret && !check_private(request.peer))
    return refusal_page(403, "Not over this connection",
                        "Passwords may not travel over a connection without TLS: open this link with https.");
  return std::nullopt;
}

Task<Refusal> judge_answer(Context& context, std::shared_ptr<const Link> link, Given given) {
  if (link->login) {
    auto refused = co_await judge_login(context, link, given.user, given.account_password, given.peer);
    if (refused) co_return refused;
  }
  if (!link->password_hash.empty())
    co_return co_await judge_password(context, link, given.password, given.peer);
  co_return std::nullopt;
}

http::Response see_other(const std::string& path) {
  auto response = refusal_page(303, "Go on", "This is opened.");
  response.set("Location", path);
  return response;
}

}  // namespace

Task<http::Response> visit_link(Context& context, Call call) {
  const std::string token = call.parameters.at(0);
  auto link = co_await context.parts.links.open(token);
  if (!link) co_return unable(link.error());
  if (!holds(context, **link)) co_return gone_page();
  const bool let_in = !asks_first(**link) || is_let_in(context, **link, call);
  if (!let_in && (*link)->most_uses && (*link)->uses >= *(*link)->most_uses) co_return gone_page();
  auto path = path_below(call);
  auto goal = co_await goal_of(context, *link, std::move(path));
  if (!goal) co_return unable(goal.error());
  if (!let_in) co_return question_page(question_of(**link));
  if (!goal->file) co_return listing_page(context.link_door.limits(), **link, token, *goal);
  co_return co_await data_of(context, *link, *goal->file, std::move(call.request));
}

Task<http::Response> answer_link(Context& context, Call call) {
  auto link = co_await context.parts.links.open(call.parameters.at(0));
  if (!link) co_return unable(link.error());
  if (!holds(context, **link)) co_return gone_page();
  auto path = path_below(call);
  auto goal = co_await goal_of(context, *link, std::move(path));
  if (!goal) co_return unable(goal.error());
  if (!asks_first(**link)) co_return see_other(call.request.path);
  if ((*link)->most_uses && (*link)->uses >= *(*link)->most_uses) co_return gone_page();
  auto refused = judge_form(**link, call.request);
  if (refused) co_return std::move(*refused);
  auto given = given_with(call.request);
  refused = co_await judge_answer(context, *link, std::move(given));
  if (refused) co_return std::move(*refused);
  if (auto used = co_await context.parts.links.use(*link); !used) co_return unable(used.error());

  const Seconds lasts = context.link_door.limits().pass_time;
  const bool tls = call.request.peer.tls;
  auto response = see_other(call.request.path);
  response.set(
      "Set-Cookie",
      fmt::format("{}={}; Path={}; Max-Age={}; HttpOnly; SameSite=Strict{}", cookie_name(call.request.peer),
                  context.link_door.pass(**link, context.parts.clock.now() + lasts),
                  files::link_path(call.parameters.at(0)), lasts.count(), tls ? "; Secure" : ""));
  co_return response;
}

}  // namespace restante::api
