// SPDX-License-Identifier: Apache-2.0
#include "store/contract_suite.hpp"

namespace restante::store::test {

struct SqliteBackend {
  std::unique_ptr<Store> open() { return open_in(folder); }
  Folder folder;
};

RESTANTE_STORE_CONTRACT(Sqlite, SqliteBackend);

}  // namespace restante::store::test
