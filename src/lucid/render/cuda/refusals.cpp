// SPDX-License-Identifier: Apache-2.0
// Exceptions of the CUDA backend. Messages equal those of the CPU backend for errors that both can have.
#include "lucid/render/cuda/refusals.h"

#include <fmt/format.h>

#include <limits>
#include <stdexcept>

#include "lucid/base/error.h"
#include "lucid/render/inputs.h"

namespace lucid::render::cuda {

void refuse_cuda(const char* what, const char* hint) {
  throw UserError(UserMistake{.what_happened = what, .hint = hint});
}

void refuse_pairs() { throw std::length_error("rasterizer: more than 2^32 pairs of Gaussian and tile"); }

void refuse_not_finite(uint64_t packed, int64_t rows, int sh_degree) {
  constexpr double kValues[] = {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::quiet_NaN(),
                                std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  CloudView<float> cloud;
  cloud.sh_degree = sh_degree;
  const auto tensor = tensors_of(cloud).at(packed >> 56);
  refuse_element(tensor.name, kValues[packed & 3], int64_t(packed << 8 >> 10), rows, tensor.columns);
}

void check_jobs(bool distinct, int number) { LUCID_CHECK(distinct, "frame {} is negative or asked for twice", number); }

void check_frame(bool there, int number, size_t frames) {
  LUCID_CHECK(there, "frame {} of {} has no forward pass", number, frames);
}

void check_same_cloud(int64_t count, int sh_degree, int64_t forward_count, int forward_sh_degree) {
  LUCID_CHECK(count == forward_count && sh_degree == forward_sh_degree,
              "{} Gaussians of degree {} against {} of degree {} in forward", count, sh_degree, forward_count,
              forward_sh_degree);
}

}  // namespace lucid::render::cuda
