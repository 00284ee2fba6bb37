// SPDX-License-Identifier: Apache-2.0
#include "api/body.hpp"
#include "api/handlers.hpp"
#include "api/json_views.hpp"
#include "api/sealed_routes.hpp"
#include "api/submitting.hpp"
#include "intake/admission.hpp"
#include "jobs/acceptance.hpp"

#include <algorithm>
#include <malloc.h>
#include <utility>

namespace restante::api {

namespace {

/// On the control loop.
Task<http::Response> submit_one(Context& context, Call call, proxy::Document document) {
  const auto turn = take_turn(context, *call.who);
  if (!turn.allowed) co_return too_often(context, turn, call);
  const bool has_deadline = document.when.by.has_value();
  jobs::Submission submission;
  submission.account = call.who->account;
  submission.device = call.who->device;
  submission.document = std::move(document);
  submission.core = std::move(call.request.body);
  auto accepted = co_await context.parts.jobs.submit(std::move(submission));
  if (!accepted) {
    auto response = refuse(accepted.error(), call.request);
    add_rate_headers(context, turn, response);
    co_return response;
  }
  const int status = accepted->replayed ? 200 : 202;
  const bool terse = is_terse(*call.who);
  const std::string location = "/v1/jobs/" + accepted->job.id.text();
  auto view = co_await view_of(context, std::move(*accepted), has_deadline);
  std::string out;
  JsonWriter json(out);
  write_told(json, view, terse);
  auto response = http::json_response(status, std::move(out));
  if (!terse) {
    response.set("Location", location);
    response.set("ETag", fmt::format("\"{}\"", view.job.version));
  }
  add_rate_headers(context, turn, response);
  co_return response;
}

constexpr std::size_t usual_line_bytes = 256;  ///< a guess, for making room beforehand

/// Many bare cores, one a line: parsed on the connection's loop, stored step by step on the control loop, one
/// result line each, in order. What has been answered is durable; sending the same lines again is harmless.
struct Batch {
  Context& context;
  accounts::Principal who;
  http::Peer peer;
  std::string lines;
  std::size_t position = 0;
  std::size_t steps = 0;  ///< that were stored
};
using SharedBatch = std::shared_ptr<Batch>;

/// The next line without its end; empty ones are passed over. nullopt at the end.
std::optional<std::string_view> next_line(Batch& batch) {
  const std::string_view all = batch.lines;
  while (batch.position < all.size()) {
    const auto end = std::min(all.find('\n', batch.position), all.size());
    auto line = all.substr(batch.position, end - batch.position);
    batch.position = end + 1;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t'))
      line.remove_suffix(1);
    if (!line.empty()) return line;
  }
  return std::nullopt;
}

/// One line of a step: refused already, or the place of its submission among those of the step.
struct LineFate {
  std::optional<Error> refused;
  std::size_t submission = 0;
  bool has_deadline = false;
};

void write_line(std::string& out, const Error& error) {
  JsonWriter json(out);
  json.open('{').key("status").text("refused").key("error");
  write_error(json, error);
  json.close('}');
  out += '\n';
}

void write_line(std::string& out, const jobs::JobView& view, bool replayed, bool terse) {
  JsonWriter json(out);
  json.open('{').key("status").text(replayed ? "replayed" : "accepted").key("job");
  write_told(json, view, terse);
  json.close('}');
  out += '\n';
}

/// On the control loop.
Task<std::string> submit_step(SharedBatch batch, std::vector<jobs::Submission> submissions,
                              std::vector<LineFate> fates) {
  std::string out;
  out.reserve(fates.size() * 384);
  const bool terse = is_terse(batch->who);
  std::vector<Result<jobs::Accepted>> results;
  if (!submissions.empty()) results = co_await batch->context.parts.jobs.submit_all(std::move(submissions));
  for (auto& fate : fates) {
    if (fate.refused) {
      write_line(out, *fate.refused);
      continue;
    }
    auto& result = results.at(fate.submission);
    if (!result) {
      write_line(out, result.error());
      continue;
    }
    const bool replayed = result->replayed;
    if (fate.has_deadline || replayed) {
      auto view = co_await view_of(batch->context, std::move(*result), true);
      write_line(out, view, replayed, terse);
    } else {
      jobs::JobView view;
      view.job = std::move(result->job);
      write_line(out, view, replayed, terse);
    }
  }
  co_return out;
}

Task<std::optional<std::string>> next_step(SharedBatch batch) {
  std::vector<jobs::Submission> submissions;
  std::vector<LineFate> fates;
  const Context& context = batch->context;
  const ApiLimits& limits = context.options.limits;
  const std::size_t from = batch->position;
  const std::size_t left = batch->lines.size() - std::min(from, batch->lines.size());
  const std::size_t likely = std::min(limits.batch_step, left / usual_line_bytes + 1);
  submissions.reserve(likely);
  fates.reserve(likely);
  const Instant now = context.parts.clock.now();
  while (fates.size() < limits.batch_step && batch->position - from < limits.batch_step_bytes) {
    const auto line = next_line(*batch);
    if (!line) break;
    LineFate fate;
    Result<proxy::Document> document =
        line->size() > limits.document_bytes
            ? fail(Reason::too_large, "the document is larger than allowed", "make several of it")
            : intake::admitted_document(*line, batch->who, carriage_of(batch->peer), context.options.jkt,
                                        now);
    if (!document) {
      fate.refused = std::move(document.error());
    } else {
      fate.submission = submissions.size();
      fate.has_deadline = document->when.by.has_value();
      submissions.push_back(
          {batch->who.account, batch->who.device, std::move(*document), std::string(*line)});
    }
    fates.push_back(std::move(fate));
  }
  if (fates.empty()) {
    // Its documents went through the heaps of three threads, which would keep their room.
    if (batch->steps > 1) ::malloc_trim(0);
    co_return std::nullopt;
  }
  ++batch->steps;
  const Executor control = context.parts.control;
  auto submitting = run_there(control, submit_step(batch, std::move(submissions), std::move(fates)));
  co_return co_await std::move(submitting);
}

/// On the control loop.
Task<http::Response> begin_batch(Context& context, Call call) {
  const auto turn = take_turn(context, *call.who);
  if (!turn.allowed) co_return too_often(context, turn, call);
  auto batch =
      std::make_shared<Batch>(Batch{context, *call.who, call.request.peer, std::move(call.request.body)});
  http::Response response;
  response.set("Content-Type", "application/jsonl");
  add_rate_headers(context, turn, response);
  http::StreamBody body;
  body.next = [batch] { return next_step(batch); };
  response.body = std::move(body);
  co_return response;
}

}  // namespace

Task<http::Response> submit(Context& context, Call call) {
  const Executor control = context.parts.control;
  if (brings_sealed(call.request)) {
    auto submitting = submit_sealed(context, std::move(call));
    co_return co_await std::move(submitting);
  }
  const std::string type = media_type_of(call.request.header("Content-Type"));
  if (type == "application/jsonl") {
    auto beginning = run_there(control, begin_batch(context, std::move(call)));
    co_return co_await std::move(beginning);
  }
  if (type != "application/vnd.restante.proxy+json" && type != "application/json") {
    const auto error = fail(Reason::media_type, "this kind of document is not known here").value();
    co_return refuse(error, call.request);
  }
  auto document = intake::admitted_document(call.request.body, *call.who, carriage_of(call.request.peer),
                                            context.options.jkt, context.parts.clock.now());
  if (!document) co_return refuse(document.error(), call.request);
  auto submitting = run_there(control, submit_one(context, std::move(call), std::move(*document)));
  co_return co_await std::move(submitting);
}

Task<http::Response> show_proxy(Context& context, Call call) {
  const JobId id = jobs::job_id(call.who->device, call.parameters.at(0));
  auto view = co_await context.parts.jobs.find(call.who->account, id);
  if (!view) co_return refuse(hide_foreign(view.error(), "proxy"), call.request);
  std::string out;
  JsonWriter json(out);
  write_job(json, *view);
  auto response = http::json_response(200, std::move(out));
  response.set("ETag", fmt::format("\"{}\"", view->job.version));
  co_return response;
}

}  // namespace restante::api
