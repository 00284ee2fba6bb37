// SPDX-License-Identifier: Apache-2.0
// The same for tests (Together.cmake).
#pragma once

#include "precompiled.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
