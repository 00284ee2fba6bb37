// SPDX-License-Identifier: Apache-2.0
#include "worker/running.hpp"

#include <algorithm>
#include <sys/stat.h>
#include <unistd.h>

namespace restante::worker {

using jobs::Outcome;
using jobs::TransferResult;

std::uint64_t Running::file_bytes() const {
  struct stat info{};
  return file && ::fstat(file.get(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

Result<void> Running::tell_pieces(const PieceReport& report) {
  if (!fits(report) || report.end_bytes > file_bytes())
    return fail(Reason::malformed, "it sent digests of bytes that the file has not");
  if (observer != nullptr && report.end_bytes > 0) observer->on_pieces(report);
  return {};
}

void Running::tell_apart(const std::vector<SpanReport>& spans) {
  if (observer != nullptr && !(spans.empty() && !apart)) observer->on_apart(spans);
  apart = !spans.empty();
}

TransferResult Running::dead(const std::string& message) const {
  const auto good = std::min(received_bytes, file ? file_bytes() : received_bytes);
  if (overdrawn()) static_cast<void>(!::ftruncate(file.get(), static_cast<off_t>(good)));
  if (stopping) return stopped(good);
  auto out = failed(Error{Reason::worker_died, message, {}, {}, true}, good);
  out.facts = facts;
  return out;
}

TransferResult stopped(std::uint64_t received_bytes) {
  TransferResult out;
  out.outcome = Outcome::stopped;
  out.reason = Reason::cancelled;
  out.transient = true;
  out.received_bytes = received_bytes;
  return out;
}

TransferResult failed(const Error& error, std::uint64_t received_bytes) {
  TransferResult out;
  out.outcome = Outcome::failed;
  out.reason = error.reason;
  out.message = error.message;
  out.transient = error.transient;
  out.received_bytes = received_bytes;
  return out;
}

}  // namespace restante::worker
