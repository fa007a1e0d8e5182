// SPDX-License-Identifier: Apache-2.0
// The kernel of randn_kernels.h on a CPU, under the emulation of CUDA, against Rng's own normals.
#include "lucid/tensor/cuda/randn.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "lucid/base/rng.h"
#include "lucid/tensor/cuda/randn_kernels.h"

namespace lucid::tensor {
namespace {

using torch::Tensor;

TEST(NormalKernel, MatchesRng) {
  for (const int before : {0, 1, 2}) {
    for (const int64_t count : {0, 1, 2, 513, 2000}) {
      Rng device(3, "test"), host(3, "test");
      for (Rng* rng : {&device, &host}) {
        rng->chance(0.5);  // so that the normals begin inside a Philox block
        for (int i = 0; i < before; ++i) rng->normal();
      }
      const Tensor found = torch::full({count}, std::nanf("")), wanted = torch::empty({count});
      emulated::randn(device.skip_normals(static_cast<size_t>(count)), count, found.data_ptr<float>(), nullptr);
      host.fill_normal(wanted.data_ptr<float>(), static_cast<size_t>(count));
      EXPECT_TRUE(found.equal(wanted)) << before << ' ' << count;
      EXPECT_EQ(device.normal(), host.normal());
    }
  }
}

}  // namespace
}  // namespace lucid::tensor
