// SPDX-License-Identifier: Apache-2.0
#include "jobs/model.hpp"

#include <array>

namespace restante::jobs {
namespace {

constexpr std::array<std::string_view, 11> states = {"scheduled",  "waiting",   "running", "verifying",
                                                     "publishing", "done",      "paused",  "held",
                                                     "failed",     "cancelled", "expired"};

}  // namespace

std::string_view name(State state) {
  return states.at(static_cast<std::size_t>(state));
}

std::optional<State> state_from_name(std::string_view name) {
  for (std::size_t i = 0; i < states.size(); ++i)
    if (states[i] == name) return static_cast<State>(i);
  return std::nullopt;
}

std::string_view name(WaitingFor what) {
  switch (what) {
    case WaitingFor::nothing:
      return "";
    case WaitingFor::window:
      return "window";
    case WaitingFor::slot:
      return "slot";
    case WaitingFor::retry:
      return "retry";
    case WaitingFor::quota:
      return "quota";
    case WaitingFor::origin_pause:
      return "origin-pause";
  }
  return "";
}

std::string_view name(FileState state) {
  switch (state) {
    case FileState::pending:
      return "pending";
    case FileState::receiving:
      return "receiving";
    case FileState::verifying:
      return "verifying";
    case FileState::publishing:
      return "publishing";
    case FileState::done:
      return "done";
    case FileState::failed:
      return "failed";
  }
  return "";
}

}  // namespace restante::jobs
