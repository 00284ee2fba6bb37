// SPDX-License-Identifier: Apache-2.0
#include "jobs/wanted_name.hpp"

namespace restante::jobs {

namespace {

std::string one_segment(std::string_view served) {
  if (served.find_first_not_of("-_./\\ ") == std::string_view::npos) return "download";
  std::string out(served);
  for (char& c : out)
    if (c == '/' || c == '\\') c = '_';
  return out;
}

}  // namespace

std::string wanted_name(const proxy::File& file, std::string_view served_name) {
  const std::string base = file.name.empty() ? one_segment(served_name) : file.name;
  return file.folder.empty() ? base : file.folder + "/" + base;
}

}  // namespace restante::jobs
