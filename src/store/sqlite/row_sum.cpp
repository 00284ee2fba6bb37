// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/row_sum.hpp"

#include "base/checksum.hpp"

#include <cstdint>
#include <sqlite3.h>
#include <string>

namespace restante::store::sqlite {
namespace {

void put_number(std::string& out, std::int64_t value) {
  auto left = static_cast<std::uint64_t>(value);
  for (int i = 0; i < 8; ++i, left >>= 8) out.push_back(static_cast<char>(left & 0xff));
}

void row_sum(sqlite3_context* context, int count, sqlite3_value** values) {
  thread_local std::string bytes;  // one buffer a thread, its room is kept
  bytes.clear();
  for (int i = 0; i < count; ++i) {
    const int type = sqlite3_value_type(values[i]);
    bytes.push_back(static_cast<char>(type));
    if (type == SQLITE_INTEGER) {
      put_number(bytes, sqlite3_value_int64(values[i]));
    } else if (type != SQLITE_NULL) {
      const auto* data = static_cast<const char*>(sqlite3_value_blob(values[i]));
      const int size = sqlite3_value_bytes(values[i]);
      put_number(bytes, size);
      if (size > 0) bytes.append(data, static_cast<std::size_t>(size));
    }
  }
  sqlite3_result_int64(context, static_cast<std::int64_t>(checksum64(bytes)));
}

}  // namespace

int add_row_sum(sqlite3* connection) {
  return sqlite3_create_function_v2(connection, "row_sum", -1,
                                    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, nullptr, &row_sum,
                                    nullptr, nullptr, nullptr);
}

}  // namespace restante::store::sqlite
