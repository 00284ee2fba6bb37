// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "request/state.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace restante::request {

/// Settings under a name, for what is asked for again and again (patent: stored parameters): options of
/// `send` as they were given, and the folder on a content server that short names are taken from.
struct Preset {
  std::string name;
  std::string base;  ///< a URL with a closing slash; empty: whole URLs have to be given
  /// Names without "--", with their values; of a flag "true".
  std::vector<std::pair<std::string, std::vector<std::string>>> options;
};

inline constexpr std::size_t most_presets = 200;

/// By name. Errors: storage, malformed.
Result<std::vector<Preset>> load_presets(const Home& home);
/// In the place of the one with its name. Errors: usage (its name, a base that is no URL, a secret among its
/// options), too-large, storage, disk-full.
Result<void> save_preset(const Home& home, Preset preset);
/// Error not-found.
Result<void> remove_preset(const Home& home, std::string_view name);
Result<Preset> find_preset(const Home& home, std::string_view name);

/// What a person means by `text`: a URL is itself, anything else lies below the preset's base, or, with a
/// leading slash, on its server. Errors: usage (there is no base, or it would lead elsewhere).
Result<std::string> url_with(const Preset& preset, std::string_view text);

}  // namespace restante::request
