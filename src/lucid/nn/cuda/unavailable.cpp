// SPDX-License-Identifier: Apache-2.0
// The functions of device_kernels.h in a build without CUDA: has_kernels() is false, the others throw.
#if !defined(LUCID_WITH_CUDA)
#include <stdexcept>

#include "lucid/nn/cuda/device_kernels.h"

namespace lucid::nn::cuda {
namespace {
[[noreturn]] void refuse() { throw std::logic_error("this build has no CUDA kernels"); }
}  // namespace

bool has_kernels() { return false; }
int64_t group_norm_sums_size(const kernels::NormShape&) { refuse(); }
void group_norm_forward(const GroupNormCall&, const GroupNormScratch&, void*, void*) { refuse(); }
void group_norm_backward(const GroupNormCall&, const GroupNormScratch&, const void*, float*, void*, void*) { refuse(); }
void layer_norm(const LayerNormCall&, void*) { refuse(); }
void gated_gelu(Dtype, int64_t, int, const void*, void*, void*) { refuse(); }
void sum(const SumCall&, void*) { refuse(); }

}  // namespace lucid::nn::cuda
#endif  // LUCID_WITH_CUDA
