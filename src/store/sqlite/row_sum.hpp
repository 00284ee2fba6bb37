// SPDX-License-Identifier: Apache-2.0
#pragma once

struct sqlite3;

namespace restante::store::sqlite {

/// Makes the SQL function row_sum(value, ...) known to a connection: a checksum of its values with their
/// types and lengths, as a 64-bit integer. Rows keep it, because SQLite does not notice a flipped bit in a
/// value. Returns SQLite's code.
int add_row_sum(sqlite3* connection);

}  // namespace restante::store::sqlite
