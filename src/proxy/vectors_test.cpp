// SPDX-License-Identifier: Apache-2.0
#include "proxy/document.hpp"
#include "proxy/json_tree.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace restante::proxy {
namespace {

struct Vector {
  std::string why, document, reason, pointer;
};

std::vector<Vector> vectors(const std::string& name) {
  std::vector<Vector> out;
  std::ifstream file(std::string(RESTANTE_VECTORS) + "/" + name);
  for (std::string line; std::getline(file, line);) {
    const auto tree = JsonTree::parse(line);
    if (!tree) {
      ADD_FAILURE() << tree.error().message;
      continue;
    }
    const auto text = [&](std::string_view key) {
      const auto* member = tree->member(tree->root(), key);
      return member == nullptr ? std::string() : std::string(member->text);
    };
    out.push_back({text("why"), text("document"), text("reason"), text("pointer")});
  }
  EXPECT_FALSE(out.empty()) << name;
  return out;
}

TEST(Vectors, ValidDocumentsAreAccepted) {
  for (const auto& vector : vectors("proxy-valid.jsonl")) {
    const auto document = parse(vector.document);

    EXPECT_TRUE(document) << vector.why << ": " << document.error().message;
  }
}

TEST(Vectors, InvalidDocumentsAreRefusedAtTheRightPlace) {
  for (const auto& vector : vectors("proxy-invalid.jsonl")) {
    SCOPED_TRACE(vector.why);

    const auto document = parse(vector.document);

    ASSERT_FALSE(document);
    EXPECT_EQ(document.error().pointer, vector.pointer) << document.error().message;
    EXPECT_EQ(info(document.error().reason).code, vector.reason) << document.error().message;
    EXPECT_FALSE(document.error().message.empty());
    EXPECT_FALSE(document.error().transient);
  }
}

}  // namespace
}  // namespace restante::proxy
