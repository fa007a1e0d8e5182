// SPDX-License-Identifier: Apache-2.0
// Names of devices on machines with no card, one and several.
#include "lucid/tensor/device.h"

#include <gtest/gtest.h>

#include "lucid/base/error.h"

namespace lucid::tensor {
namespace {

std::string mistake_of(const std::string& name, int64_t cards) {
  try {
    device_from_name(name, cards);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(DeviceNames, ACardIsFoundByItsNumber) {
  EXPECT_EQ(device_from_name("cpu", 0), torch::Device(torch::kCPU));
  EXPECT_EQ(device_from_name("cuda", 1), torch::Device(torch::kCUDA, 0));
  EXPECT_EQ(device_from_name("cuda:0", 1), torch::Device(torch::kCUDA, 0));
  EXPECT_EQ(device_from_name("cuda:3", 4), torch::Device(torch::kCUDA, 3));
}

TEST(DeviceNames, ACardThatIsNotThereIsToldInOneLine) {
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_PRED2(has, mistake_of("cuda", 0), "no CUDA device can be used here");
  EXPECT_PRED2(has, mistake_of("cuda:2", 0), "no CUDA device can be used here");
  EXPECT_PRED2(has, mistake_of("cuda:1", 1), "there is no card 1; there is only card 0");
  EXPECT_PRED2(has, mistake_of("cuda:3", 2), "there is no card 3; there are cards 0 to 1");
  for (const char* name :
       {"gpu", "CUDA", "cuda:", "cuda:x", "cuda:1x", "cuda:-1", "cuda: 1", "cuda:99999999999999999999"})
    EXPECT_PRED2(has, mistake_of(name, 4), std::string("no such device: ") + name);
  EXPECT_PRED2(has, mistake_of("cuda:300", 4), "there is no card 300");  // more than an index of libtorch's holds
}

TEST(DeviceNames, TheCpuIsAlwaysCurrent) { EXPECT_NO_THROW(make_current(torch::kCPU)); }

}  // namespace
}  // namespace lucid::tensor
