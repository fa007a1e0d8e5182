// SPDX-License-Identifier: Apache-2.0
// Names of devices on machines with no card, one and several.
#include "lucid/tensor/device.h"

#include <gtest/gtest.h>

#include "lucid/base/error.h"
#include "lucid/tensor/cuda_cards.h"

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

TEST(CudaCards, EachReasonForNoneSaysWhatToDo) {
  EXPECT_EQ(no_card({}).why, "this build is for the CPU alone");
  EXPECT_NE(no_card({}).hint.find("make gpu"), std::string::npos);
  EXPECT_EQ(no_card({.build = 13000}).why, "there is no NVIDIA driver");
  EXPECT_EQ(no_card({.build = 13000}).hint, "install driver 580 or later, then restart");
  EXPECT_EQ(no_card({.build = 12080}).hint, "install driver 525 or later, then restart");
  EXPECT_EQ(no_card({.build = 13000, .driver = 12020}).why,
            "the NVIDIA driver is too old: it runs CUDA 12.2, this build needs 13.0");
  // A driver runs later minor versions of its CUDA.
  EXPECT_EQ(no_card({.build = 12080, .driver = 12020}).why, "the NVIDIA driver finds no card");
  EXPECT_EQ(no_card({.build = 13000, .driver = 13010}).why, "the NVIDIA driver finds no card");
}

TEST(DeviceNames, TheCpuIsAlwaysCurrent) { EXPECT_NO_THROW(make_current(torch::kCPU)); }

}  // namespace
}  // namespace lucid::tensor
