// SPDX-License-Identifier: Apache-2.0
// A card's full memory is told from other failures, since the user can do something about it.
#include "lucid/base/cuda/failure.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

namespace lucid::cuda {
namespace {

TEST(CudaFailure, OutOfMemoryIsTheUsersAndOthersAreOurs) {
  EXPECT_THROW(call_failed("cudaMalloc", "out of memory"), std::bad_alloc);
  try {
    call_failed("cudaEventRecord", "invalid resource handle");
    FAIL() << "call_failed() came back";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "cudaEventRecord: invalid resource handle");
  }
}

}  // namespace
}  // namespace lucid::cuda
