// SPDX-License-Identifier: Apache-2.0
#include "api/api.hpp"

#include "api/body.hpp"
#include "api/context.hpp"
#include "api/door.hpp"
#include "api/open_door.hpp"
#include "api/routes.hpp"
#include "api/sealed_routes.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include <exception>

namespace restante::api {

namespace {

/// Whether this credential opens a route of these rights.
bool may_use(const accounts::Principal& who, Rights rights) {
  using Kind = accounts::Principal::Kind;
  switch (rights) {
    case Rights::open:
    case Rights::submit:
      return true;
    case Rights::account:
      return who.kind != Kind::submit_token;
    case Rights::person:
      return who.kind == Kind::device || who.kind == Kind::session;
    case Rights::admin:
      return may_use(who, Rights::person) && who.role == accounts::Role::admin;
  }
  return false;
}

/// What a guest may no longer do when the stay has ended: everything but looking, taking, putting away and
/// ending what goes on.
bool begins_something(std::string_view method, std::string_view pattern) {
  return changes_something(method) && method != "DELETE" && !pattern.ends_with(":pause") &&
         !pattern.ends_with(":cancel");
}

class ApiImpl final : public Api {
public:
  ApiImpl(ApiParts parts, ApiOptions options)
      : context_{std::move(parts), std::move(options), intake::SubmitLimit(0), intake::SubmitLimit(0)} {
    context_.submits = context_.token_submits =
        intake::SubmitLimit(context_.options.limits.submit_per_minute);
    context_.started = context_.parts.clock.now();
    context_.link_door = LinkDoor(context_.options.limits.links);
    context_.refused_senders =
        accounts::Backoff({.free = context_.options.limits.refused_before_backoff,
                           .longest = context_.options.limits.longest_refused_backoff});
  }

  std::uint64_t body_limit(const http::Request& head) const override {
    const ApiLimits& limits = context_.options.limits;
    // What is sealed is taken from everybody.
    if (brings_sealed(head)) return intake::largest_document;
    if (head.peer.open_door) return limits.small_body_bytes;
    const Match found = match(head.method, head.segments);
    if (found.route == nullptr || found.route->body == Body::none) return limits.small_body_bytes;
    if (found.route->body == Body::small || !who_asks(head, credential_of(head)))
      return limits.small_body_bytes;
    const bool batch =
        found.route->body == Body::batch && media_type_of(head.header("Content-Type")) == "application/jsonl";
    return batch ? limits.batch_bytes : limits.document_bytes;
  }

  Task<http::Response> handle(http::Request request) override {
    http::Response response;
    // The edge of a request: whatever a handler throws becomes a plain answer, and the next request is
    // served.
    std::string failure;
    const std::string path = shown_path(request.path);
    try {
      auto answer = answered(std::move(request));
      response = co_await std::move(answer);
    } catch (const boost::system::system_error& error) {
      if (error.code() == asio::error::operation_aborted) throw;
      failure = error.what();
    } catch (const std::exception& error) {
      failure = error.what();
    }
    if (!failure.empty()) {
      log::error("request {}: {}", path, failure);
      const Error error{Reason::internal, "the server made a mistake while answering", "", "", true};
      response = http::problem(error, path);
    }
    co_return response;
  }

  void listening_on(const std::string& url) override {
    if (context_.options.public_url.empty()) context_.options.public_url = url;
  }

  void close() override { context_.closed = true; }

private:
  std::optional<accounts::Principal> who_asks(const http::Request& request,
                                              const Credential& credential) const {
    const auto snapshot = context_.parts.accounts.snapshot();
    return principal_of(credential, request, *snapshot, context_.parts.clock.now());
  }

  bool still_in(const accounts::Principal& who) const {
    return context_.parts.accounts.snapshot()->alive(who, context_.parts.clock.now());
  }

  bool has_left(const accounts::Principal& who) const { return context_.parts.clock.now() >= who.stay_ends; }

  Result<void> admit(const http::Request& request) const {
    if (context_.closed) return fail(Reason::busy, "the server is stopping", "try again in a moment");
    const auto host = request.header("Host");
    if (!request.peer.unix_socket && !context_.options.hosts.knows(host)) {
      const std::string name = host_only(host);
      return fail(Reason::misdirected,
                  name.empty() ? "the request names no host" : "this server does not go by the name " + name,
                  fmt::format("if it should, add it to the configuration: [listen] hosts = [\"{}\"]",
                              name.empty() ? "NAME" : name));
    }
    return {};
  }

  Task<http::Response> answered(http::Request request) {
    if (auto admitted = admit(request); !admitted) co_return refuse(admitted.error(), request);
    if (request.peer.open_door)
      if (auto stopped = stopped_at_open_door(context_, request)) co_return std::move(*stopped);
    Match found = match(request.method, request.segments);
    const bool open =
        found.route != nullptr && (found.route->rights == Rights::open || brings_sealed(request));
    Credential credential = credential_of(request);
    auto who = who_asks(request, credential);
    if (changes_something(request.method)) {
      auto checked = check_change(request, credential, context_.options);
      if (!checked && open && credential.how == Credential::How::cookie) {
        // An open route needs no cookie; without what belongs to it, it is as if it were not there.
        credential = {};
        who.reset();
        checked = check_change(request, credential, context_.options);
      }
      if (!checked) co_return refuse(checked.error(), request);
    }
    if (!open && !who) {
      const auto error = fail(Reason::unauthenticated, "it is not known who you are").value();
      co_return refuse(error, request);
    }
    if (found.route == nullptr && found.allowed.empty()) co_return refuse(nothing_there("thing"), request);
    if (found.route == nullptr) {
      const auto error =
          fail(Reason::method, "this method is not known here", "this path knows " + found.allowed).value();
      auto response = refuse(error, request);
      response.set("Allow", found.allowed);
      co_return response;
    }
    const Route& route = *found.route;
    if (!open && !may_use(*who, route.rights)) {
      const auto error = fail(Reason::forbidden, "this may not be done with this token",
                              "use a connected device, or sign in as somebody who may")
                             .value();
      co_return refuse(error, request);
    }
    if (!open && has_left(*who) && begins_something(request.method, route.pattern)) {
      const auto error =
          fail(Reason::forbidden, "your stay here has ended; what came may still be looked at and taken",
               "take what you want to keep: it is erased soon")
              .value();
      co_return refuse(error, request);
    }
    const bool looks = !changes_something(request.method);
    const auto body = route.body == Body::form ? check_form(credential) : check_body_type(request);
    if (!body) co_return refuse(body.error(), request);
    Call call;
    call.request = std::move(request);
    call.who = who;
    call.credential = std::move(credential);
    call.parameters = std::move(found.parameters);
    auto handling = route.handler(context_, std::move(call));
    http::Response response;
    if (route.loop == Loop::connection) {
      response = co_await std::move(handling);
    } else {
      auto there = run_there(context_.parts.control, std::move(handling));
      response = co_await std::move(there);
    }
    if (!open) stay_honest(response, *who, looks);
    co_return response;
  }

  /// Whoever was let in may have lost the right since: nothing more is told then, and what is being sent
  /// ends.
  void stay_honest(http::Response& response, const accounts::Principal& who, bool looks) const {
    if (looks && !still_in(who)) {
      const auto error = fail(Reason::unauthenticated, "it is not known who you are").value();
      response = refuse(error, {});
    }
    if (!response.may_go_on) response.may_go_on = [this, who] { return still_in(who); };
  }

  Context context_;
};

}  // namespace

std::unique_ptr<Api> make_api(ApiParts parts, ApiOptions options) {
  return std::make_unique<ApiImpl>(std::move(parts), std::move(options));
}

}  // namespace restante::api
