// SPDX-License-Identifier: Apache-2.0
#include "api/body.hpp"
#include "api/handlers.hpp"
#include "api/json_views.hpp"
#include "api/submitting.hpp"
#include "capture/understand.hpp"
#include "http/form.hpp"

#include <algorithm>
#include <utility>

namespace restante::api {

namespace {

constexpr std::size_t longest_text = 1u << 20;  ///< of a JSON member; forms are as long as a document may be

/// What came, by its fields; files are read by what is in them, never by their names.
struct Fields {
  std::vector<std::string> texts;  ///< url and text, and files
  std::string title;
};

void add_field(Fields& fields, std::string_view name, std::string value) {
  if (name == "title") fields.title = std::move(value);
  if (name == "url" || name == "text" || name == "files" || name == "file")
    if (!value.empty()) fields.texts.push_back(std::move(value));
}

Result<Fields> read_json(const http::Request& request) {
  Fields out;
  const auto object = read_object(request, {"application/json"}, {"url", "text", "title"});
  if (!object) return fail(object.error());
  for (const char* member : {"url", "text", "title"}) {
    auto text = read_text(*object, member, longest_text);
    if (!text) return fail(std::move(text.error()));
    if (*text) add_field(out, member, std::move(**text));
  }
  return out;
}

Result<Fields> read_fields(const http::Request& request) {
  Fields out;
  const auto type = media_type_of(request.header("Content-Type"));
  if (type == "application/json") return read_json(request);
  if (type == "text/plain") {
    add_field(out, "text", request.body);
  } else if (type == "application/x-www-form-urlencoded") {
    auto fields = http::read_urlencoded(request.body);
    if (!fields) return fail(std::move(fields.error()));
    for (auto& field : *fields) add_field(out, field.name, std::move(field.value));
  } else if (type == "multipart/form-data") {
    auto parts = http::read_multipart(request.header("Content-Type"), request.body);
    if (!parts) return fail(std::move(parts.error()));
    for (const auto& part : *parts) {
      // A file is a file, whatever its field is called.
      const bool file = part.file_name && part.name != "title";
      add_field(out, file ? std::string_view("files") : part.name, std::string(part.content));
    }
  } else {
    return fail(Reason::media_type, "this kind of body is not known here",
                "send application/json, text/plain or a form");
  }
  return out;
}

/// What was understood of all texts: each content once, those that cannot be as errors.
struct Understood {
  std::vector<jobs::Submission> submissions;
  std::vector<Error> refused;
};

/// Whether another submission asks for the same: phones send one link as `url` and again within `text`.
bool is_known(const std::vector<jobs::Submission>& known, const proxy::Document& document) {
  const auto first = [](const proxy::Document& one) { return one.files.front().sources.front().url; };
  return std::any_of(known.begin(), known.end(), [&](const jobs::Submission& one) {
    return one.document.files.size() == document.files.size() && first(one.document) == first(document);
  });
}

/// The error of one of several links: it says of which. A pointer would lead into a document that nobody
/// sees.
Error about(std::string_view what, Error error) {
  error.message = fmt::format("{}: {}", what, error.message);
  error.pointer.clear();
  return error;
}

void understand(const Context& context, const Call& call, std::string_view text, Understood& out) {
  const Instant now = context.parts.clock.now();
  const capture::Recipient here{context.options.jkt, context.options.public_url};
  auto understood = capture::understand(text);
  if (!understood) {
    out.refused.push_back(std::move(understood.error()));
    return;
  }
  for (auto& request : understood->requests) {
    const auto addressed = capture::address_to(std::move(request.document), here, now);
    if (is_known(out.submissions, addressed)) continue;
    std::string core = proxy::to_json(addressed);
    auto document =
        intake::admitted_document(core, *call.who, carriage_of(call.request.peer), context.options.jkt, now);
    if (!document)
      out.refused.push_back(about(request.url, std::move(document.error())));
    else if (out.submissions.size() == context.options.limits.shared_downloads)
      out.refused.push_back(fail(Reason::too_large,
                                 fmt::format("more than {} downloads are shared at once",
                                             context.options.limits.shared_downloads),
                                 "share them in several turns")
                                .value());
    else
      out.submissions.push_back({call.who->account, call.who->device, std::move(*document), std::move(core)});
  }
  for (auto& one : understood->left_out)
    out.refused.push_back(about(one.what, fail(Reason::invalid, std::move(one.why)).value()));
}

/// On the control loop.
Task<http::Response> take(Context& context, Call call, Understood understood,
                          intake::SubmitLimit::Verdict turn) {
  std::vector<jobs::JobView> taken;
  auto results = co_await context.parts.jobs.submit_all(std::move(understood.submissions));
  for (auto& result : results) {
    if (result) {
      auto view = co_await view_of(context, std::move(*result), false);
      taken.push_back(std::move(view));
    } else {
      understood.refused.push_back(std::move(result.error()));
    }
  }
  http::Response response;
  if (taken.empty()) {
    response = refuse(understood.refused.front(), call.request);
  } else {
    std::string out;
    JsonWriter json(out);
    json.open('{').key("downloads").open('[');
    for (const auto& view : taken) write_told(json, view, is_terse(*call.who));
    json.close(']').key("refused").open('[');
    for (const auto& error : understood.refused) write_error(json, error);
    json.close(']').close('}');
    response = http::json_response(202, std::move(out));
  }
  add_rate_headers(context, turn, response);
  co_return response;
}

}  // namespace

Task<http::Response> share(Context& context, Call call) {
  // Also what is refused has to be read: it counts.
  auto counting = take_turn_there(context, *call.who);
  const auto turn = co_await std::move(counting);
  if (!turn.allowed) co_return too_often(context, turn, call);
  auto fields = read_fields(call.request);
  if (!fields) co_return refuse(fields.error(), call.request);
  Understood understood;
  for (const auto& text : fields->texts) understand(context, call, text, understood);
  // Some apps put the link into the title; most put the page's name there, which is none.
  const bool only_title = understood.submissions.empty() && !fields->title.empty();
  if (only_title) {
    Understood by_title;
    understand(context, call, fields->title, by_title);
    if (!by_title.submissions.empty() || understood.refused.empty()) understood = std::move(by_title);
  }
  if (understood.submissions.empty()) {
    const Error nothing = fail(Reason::invalid, "there is no link in what was shared",
                               "share the address of a file, as in https://host/file")
                              .value();
    co_return refuse(understood.refused.empty() ? nothing : understood.refused.front(), call.request);
  }
  const Executor control = context.parts.control;
  auto taking = run_there(control, take(context, std::move(call), std::move(understood), turn));
  co_return co_await std::move(taking);
}

}  // namespace restante::api
