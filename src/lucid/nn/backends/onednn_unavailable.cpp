// SPDX-License-Identifier: Apache-2.0
// The functions of onednn.h in a build without oneDNN (libtorch does not export it): available() is false.
#if !defined(LUCID_WITH_ONEDNN)
#include "lucid/base/error.h"
#include "lucid/nn/backends/onednn.h"

namespace lucid::nn::onednn {
namespace {
constexpr const char* kMissing = "this build calls no oneDNN";
}

bool available() { return false; }

Packed make_packed(int64_t) { return {}; }

torch::Tensor convolution(const torch::Tensor&, const Weights&, const Windows&) {
  LUCID_CHECK(false, "{}", kMissing);
  return {};
}

torch::Tensor convolution_gradient(const std::vector<int64_t>&, const torch::Tensor&, const Weights&, const Windows&) {
  LUCID_CHECK(false, "{}", kMissing);
  return {};
}

torch::Tensor linear(const torch::Tensor&, const Weights&, torch::ScalarType) {
  LUCID_CHECK(false, "{}", kMissing);
  return {};
}

}  // namespace lucid::nn::onednn
#endif
