// SPDX-License-Identifier: Apache-2.0
#include "context.hpp"

#include "base/unicode.hpp"
#include "proxy/zone.hpp"
#include "request/sealing.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <cstdio>

namespace restante::cli {

constexpr std::chrono::seconds call_time{60};
constexpr std::chrono::hours looks_again_after{24};

int exit_of(const Error& error) {
  if (error.reason == Reason::usage) return exit_usage;
  if (request::is_unauthorised(error)) return exit_unauthorised;
  // Another server answers: that is a refusal of ours, and no reason to try again later.
  if (request::is_unreached(error) && error.reason != Reason::tls) return exit_unreached;
  return exit_failed;
}

void Context::result(const std::string& text) const {
  // Names and titles come from strangers, by way of the place.
  const std::string line = json ? printable_json(text) : text;
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

void Context::note(const std::string& line) const {
  if (!quiet) std::fprintf(stderr, "%s\n", line.c_str());
}

void Context::complain(const Error& error) const {
  const std::string message = request::in_options(request::shown(error.message)),
                    hint = request::in_options(request::shown(error.remedy()));
  std::fprintf(stderr, "restante: %s%s%s\n", message.c_str(), hint.empty() ? "" : "; ", hint.c_str());
}

int Context::refuse(const Error& error) const {
  complain(error);
  if (json) {
    const auto code = info(error.reason).code;
    boost::json::object body, root;
    body["type"] = "/problems/" + std::string(code);
    body["reason"] = std::string(code);
    body["message"] = error.message;
    body["hint"] = std::string(error.remedy());
    if (!error.pointer.empty()) body["pointer"] = error.pointer;
    root["error"] = std::move(body);
    result(boost::json::serialize(root));
  }
  return exit_of(error);
}

net::HttpClient client_for(const request::Place& place) {
  net::HttpClient::Options options;
  if (place.tls() && !place.by_name) options.pinned_jkt = place.jkt;
  if (place.by_name) options.roots_pem = place.roots_pem;
  return net::HttpClient(std::move(options));
}

Session::Session(const Context& context, std::unique_ptr<request::Home> home, request::Place place,
                 request::Outbox outbox)
    : context_(context),
      home_(std::move(home)),
      place_(std::move(place)),
      outbox_(std::move(outbox)),
      client_(client_for(place_)),
      second_client_(client_for(place_)),
      calls_(client_, place_),
      zones_{place_.tz, proxy::system_zone()} {
}

Result<std::unique_ptr<Session>> Session::open(const Context& context, const std::string& place_name) {
  auto opened = request::Home::open();
  if (!opened) return fail(std::move(opened.error()));
  auto home = std::make_unique<request::Home>(std::move(*opened));
  auto places = request::load_places(*home);
  if (!places) return fail(std::move(places.error()));
  std::string name = place_name.empty() ? context.place_name : place_name;
  if (name == request::trip_name) {
    auto trips = request::load_trips(*home);
    if (!trips) return fail(std::move(trips.error()));
    auto trip = request::trip_at(*trips, SystemClock().now());
    if (!trip) return fail(std::move(trip.error()));
    name = trip->place;
  }
  auto place = request::find_place(*places, name);
  if (!place) return fail(std::move(place.error()));
  auto outbox = request::Outbox::open(*home);
  if (!outbox) return fail(std::move(outbox.error()));
  std::unique_ptr<Session> session(
      new Session(context, std::move(home), std::move(*place), std::move(*outbox)));
  flush_outbox(context, *session->home_, session->outbox_, session->calls_, Flush::automatic);
  return session;
}

Result<void> Session::look_again() {
  return request::look_again(*home_, calls_, place_, SystemClock().now());
}

Session::~Session() {
  const Instant now = SystemClock().now();
  if (now - place_.looked < looks_again_after || !calls_.reached()) return;
  auto looked = look_again();
  if (!looked && !request::is_unreached(looked.error())) context_.note("restante: " + looked.error().message);
}

std::unique_ptr<request::Calls> Session::second_calls() {
  return std::make_unique<request::Calls>(second_client_, place_);
}

Result<std::string> call(Session& session, const std::string& method, const std::string& path,
                         const std::string& body) {
  net::ClientRequest request;
  request.method = method;
  request.body = body;
  if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  request.total_time = call_time;
  std::string answer;
  request.on_body = [&answer](std::string_view piece) {
    answer += piece;
    return true;
  };
  auto done = session.calls().stream(path, std::move(request));
  if (!done) return fail(std::move(done.error()));
  return answer;
}

}  // namespace restante::cli
