// SPDX-License-Identifier: Apache-2.0
#include "request/presets.hpp"

#include "base/text.hpp"
#include "proxy/headers.hpp"
#include "proxy/url.hpp"
#include "request/json.hpp"
#include "request/place.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>

namespace restante::request {
namespace {

constexpr const char* presets_file = "presets.json";
/// Options that bring secrets along, or name a file that holds some.
constexpr std::array<std::string_view, 6> secret_options{"user", "secret-stdin", "digest",
                                                         "cert", "key",          "cookies"};

tl::unexpected<Error> usage(std::string message, std::string hint) {
  return fail(Reason::usage, std::move(message), std::move(hint));
}

Result<void> check(const Preset& preset) {
  if (auto good = check_place_name(preset.name); !good)
    return usage("a preset's name is 1 to 64 letters, digits, '.', '_' or '-'",
                 "choose a short one such as `lectures`");
  for (const auto& [name, values] : preset.options) {
    if (std::find(secret_options.begin(), secret_options.end(), name) != secret_options.end())
      return usage("--" + name + " cannot be in a preset: presets hold no secrets",
                   "`restante login add ORIGIN` keeps a sign-in, which is used by itself");
    if (name != "header") continue;
    for (const std::string& value : values) {
      const std::string header = ascii_lower(value.substr(0, value.find(':')));
      if (!proxy::is_harmless_header(header))
        return usage("the header " + header + " may be a secret, and presets hold none",
                     "`restante login add ORIGIN --header " + header + "` keeps it");
    }
  }
  return {};
}

/// "https://host[:port]" of a URL that was split.
std::string origin_text(const proxy::UrlParts& parts) {
  std::string out = std::string(parts.scheme) + "://" + std::string(parts.host);
  if (parts.port) out += ":" + std::to_string(*parts.port);
  return ascii_lower(out);
}

Result<void> write(const Home& home, const std::vector<Preset>& presets) {
  boost::json::array list;
  for (const Preset& preset : presets) {
    boost::json::object options;
    for (const auto& [name, values] : preset.options) {
      boost::json::array all;
      for (const std::string& value : values) all.emplace_back(value);
      options[name] = std::move(all);
    }
    boost::json::object entry;
    entry["name"] = preset.name;
    if (!preset.base.empty()) entry["base"] = preset.base;
    entry["options"] = std::move(options);
    list.push_back(std::move(entry));
  }
  boost::json::object root;
  root["v"] = 1;
  root["presets"] = std::move(list);
  return home.write(presets_file, boost::json::serialize(root) + "\n");
}

}  // namespace

Result<std::vector<Preset>> load_presets(const Home& home) {
  std::vector<Preset> out;
  auto text = home.read(presets_file);
  if (!text) return fail(std::move(text.error()));
  if (!*text) return out;
  auto root = json::parse_object(**text, home.path() + "/" + presets_file);
  if (!root) return fail(std::move(root.error()));
  const auto* list = json::array(*root, "presets");
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const auto* entry = (*list)[i].if_object();
    if (entry == nullptr) continue;
    Preset preset{json::text(*entry, "name"), json::text(*entry, "base"), {}};
    if (const auto* options = json::object(*entry, "options"))
      for (const auto& [name, values] : *options) {
        auto& option = preset.options.emplace_back(std::string(name), std::vector<std::string>());
        if (const auto* all = values.if_array())
          for (const auto& value : *all)
            if (value.is_string()) option.second.emplace_back(value.get_string());
      }
    out.push_back(std::move(preset));
  }
  return out;
}

Result<void> save_preset(const Home& home, Preset preset) {
  if (auto good = check(preset); !good) return good;
  if (!preset.base.empty()) {
    auto base = proxy::tidy_url(preset.base);
    if (!base) return usage("--base: " + base.error().message, base.error().hint);
    const auto parts = proxy::split_url(*base);
    if (!parts || parts->has_userinfo || parts->rest.find_first_of("?#") != parts->rest.npos)
      return usage("--base is the address of a folder, without a password or a query",
                   "write it as in https://video.example.edu/media/");
    preset.base = *base;
    if (!preset.base.ends_with('/')) preset.base += '/';
  }
  auto lock = home.lock("lock");
  if (!lock) return fail(std::move(lock.error()));
  auto all = load_presets(home);
  if (!all) return fail(std::move(all.error()));
  std::erase_if(*all, [&](const Preset& one) { return one.name == preset.name; });
  if (all->size() >= most_presets)
    return fail(Reason::too_large, "there are " + std::to_string(most_presets) + " presets already",
                "`restante preset remove NAME` makes room");
  all->push_back(std::move(preset));
  std::sort(all->begin(), all->end(), [](const Preset& a, const Preset& b) { return a.name < b.name; });
  return write(home, *all);
}

Result<void> remove_preset(const Home& home, std::string_view name) {
  auto lock = home.lock("lock");
  if (!lock) return fail(std::move(lock.error()));
  auto all = load_presets(home);
  if (!all) return fail(std::move(all.error()));
  if (std::erase_if(*all, [&](const Preset& one) { return one.name == name; }) == 0)
    return fail(Reason::not_found, "there is no preset named " + std::string(name),
                "`restante preset list` shows them");
  return write(home, *all);
}

Result<Preset> find_preset(const Home& home, std::string_view name) {
  auto all = load_presets(home);
  if (!all) return fail(std::move(all.error()));
  for (Preset& preset : *all)
    if (preset.name == name) return std::move(preset);
  return fail(Reason::not_found, "there is no preset named " + std::string(name),
              "`restante preset list` shows them; `restante preset save NAME ...` makes one");
}

Result<std::string> url_with(const Preset& preset, std::string_view text) {
  if (text.find("://") != text.npos) return std::string(text);
  if (preset.base.empty())
    return usage(
        "'" + std::string(text) + "' is no whole URL, and the preset " + preset.name + " has no --base",
        "give the whole URL, or save the preset with --base URL");
  const auto parts = proxy::split_url(preset.base);
  if (!parts) return fail(parts.error());
  const std::string origin = origin_text(*parts);
  auto url =
      proxy::tidy_url(text.starts_with('/') ? origin + std::string(text) : preset.base + std::string(text));
  if (!url) return usage(url.error().message, url.error().hint);
  const auto there = proxy::split_url(*url);
  // A relative name must not climb out: "../" of servers and clients is read in more than one way.
  const bool climbs = text.find("..") != text.npos || text.starts_with("//") || text.find('\\') != text.npos;
  if (!there || climbs || origin_text(*there) != origin)
    return usage("'" + std::string(text) + "' leads out of " + preset.base, "give the whole URL");
  return url;
}

}  // namespace restante::request
