// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts/model.hpp"
#include "api/json_writer.hpp"
#include "files/records.hpp"
#include "jobs/service.hpp"

#include <string>
#include <vector>

// The one place where jobs, files, devices and errors become JSON (contract/openapi.yaml, DESIGN.md §4a).
// Nothing here shows a secret: of a document a view has only jobs::Asked.
namespace restante::api {

struct Context;

void write_job(JsonWriter& json, const jobs::JobView& view);

struct JobDetail {
  const std::vector<jobs::HistoryRow>& history;
  std::string why;
};
void write_job(JsonWriter& json, const jobs::JobView& view, const JobDetail& detail);

void write_rates(JsonWriter& json, const jobs::Rates& rates);

void write_probe(JsonWriter& json, const jobs::Probe& probe);

void write_file(JsonWriter& json, const files::FileRecord& file);
/// A file that is still arriving: no id, no instant of publishing.
void write_arriving(JsonWriter& json, const jobs::JobView& view, const jobs::FileRow& file);

void write_device(JsonWriter& json, const accounts::Device& device);
/// {"type","reason","message","hint","pointer"?}, as a line's error and on the command line.
void write_error(JsonWriter& json, const Error& error);

/// One event of a stream, in the form of text/event-stream.
std::string event_text(const jobs::Event& event);

/// What a connected device knows of the place: its names, its keys, and where to leave requests when it
/// cannot be reached: that may hold a password, which a program that may only hand in does not learn.
enum class Mailboxes { shown, hidden };
void write_place(JsonWriter& json, const Context& context, Mailboxes mailboxes = Mailboxes::shown);

}  // namespace restante::api
