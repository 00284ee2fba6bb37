// SPDX-License-Identifier: Apache-2.0
// Several hundred answers of content servers, beside what the real Chromium calls them (chromium.py records
// that).
#include "base/text.hpp"
#include "files/names.hpp"
#include "jobs/wanted_name.hpp"
#include "transfer/naming.hpp"
#include "worker/clean.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <optional>

namespace restante {
namespace {

namespace json = boost::json;

constexpr double same_as_chromium = 0.95;  ///< THREATS.md P12

struct Case {
  std::string group, header, path, type, why;
  std::optional<std::string> chromium, ours;
};

std::optional<std::string> text(const json::object& from, const char* key) {
  const auto* found = from.if_contains(key);
  if (found == nullptr || !found->is_string()) return std::nullopt;
  return std::string(found->as_string());
}

/// One byte for each character: that is how the file holds a header.
std::string bytes_of(std::string_view utf8) {
  std::string out;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    if (lead < 0x80)
      out += utf8[i];
    else
      out += static_cast<char>((lead & 0x03) << 6 | (static_cast<unsigned char>(utf8.at(++i)) & 0x3f));
  }
  return out;
}

std::vector<Case> corpus() {
  std::ifstream file(CORPUS, std::ios::binary);
  const std::string raw((std::istreambuf_iterator<char>(file)), {});
  std::vector<Case> out;
  const json::value all = json::parse(raw);
  for (const auto& value : all.as_object().at("cases").as_array()) {
    const auto& object = value.as_object();
    Case one;
    one.group = text(object, "group").value();
    one.header = bytes_of(text(object, "header").value_or(""));
    one.path = text(object, "path").value();
    one.type = text(object, "type").value();
    one.why = text(object, "why").value_or("");
    one.chromium = text(object, "chromium");
    one.ours = text(object, "ours");
    out.push_back(std::move(one));
  }
  return out;
}

/// The way of a name from the worker to the area.
std::string name_in_area(const Case& one) {
  const auto url = net::parse_url("http://127.0.0.1:8080" + one.path).value();
  jobs::ResponseFacts facts;
  facts.name_hint = transfer::suggested_name(one.header, url, one.type);
  worker::clean(facts);
  return files::clean_name(jobs::wanted_name(proxy::File{}, facts.name_hint));
}

TEST(ContentDisposition, GivesTheNameThatChromiumGives) {
  const auto cases = corpus();
  int judged = 0, same = 0;
  for (const Case& one : cases) {
    const std::string name = name_in_area(one);
    SCOPED_TRACE(one.header + " " + one.path);
    EXPECT_EQ(name, one.ours ? *one.ours : one.chromium.value_or("(say what `ours` is)")) << one.why;
    EXPECT_EQ(one.ours.has_value(), !one.why.empty()) << "a name of our own has a reason";
    EXPECT_EQ(files::clean_name(name), name);
    // Names that are unsafe somewhere are judged one by one above.
    if (!one.chromium || one.group == "unsafe") continue;
    ++judged;
    same += name == *one.chromium;
  }

  EXPECT_GE(cases.size(), 300u);
  EXPECT_GE(judged, 230);
  EXPECT_GE(same, same_as_chromium * judged) << same << " of " << judged << " names are Chromium's";
  std::printf("%d of %d names are Chromium's\n", same, judged);
}

}  // namespace
}  // namespace restante
