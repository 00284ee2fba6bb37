// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/contract/accounts.hpp"
#include "store/contract/files.hpp"
#include "store/contract/jobs.hpp"
#include "store/contract/links.hpp"
#include "store/contract/notices.hpp"
#include "store/contract/replays.hpp"
#include "store/contract/transactions.hpp"

/// Runs everything that any store must do against one backend (see contract/fixture.hpp). Stands in a test
/// file, in namespace restante::store::test.
#define RESTANTE_STORE_CONTRACT(Prefix, Backend)                           \
  INSTANTIATE_TYPED_TEST_SUITE_P(Prefix, JobRecordsContract, Backend);     \
  INSTANTIATE_TYPED_TEST_SUITE_P(Prefix, FileRecordsContract, Backend);    \
  INSTANTIATE_TYPED_TEST_SUITE_P(Prefix, LinkRecordsContract, Backend);    \
  INSTANTIATE_TYPED_TEST_SUITE_P(Prefix, NoticeRecordsContract, Backend);  \
  INSTANTIATE_TYPED_TEST_SUITE_P(Prefix, ReplayRecordsContract, Backend);  \
  INSTANTIATE_TYPED_TEST_SUITE_P(Prefix, AccountRecordsContract, Backend); \
  INSTANTIATE_TYPED_TEST_SUITE_P(Prefix, TransactionContract, Backend)
