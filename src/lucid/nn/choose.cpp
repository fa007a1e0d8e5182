// SPDX-License-Identifier: Apache-2.0
// The rules by which a layer's kernel is chosen. Every threshold is a measurement; docs/dev/compute.md has them.
#include "lucid/nn/choose.h"

#include <algorithm>

#include "lucid/base/error.h"
#include "lucid/base/machine.h"
#include "lucid/nn/backends/kernel_arguments.h"
#include "lucid/nn/backends/onednn.h"
#include "lucid/tensor/reference_ops.h"

namespace lucid::nn {
namespace {

using kernels::Kernels;
using tensor::ReferenceOpsGuard;
using tensor::wants_gradient;
using torch::Tensor;

/// The widest panel (output channels computed together) of any float32 kernel.
constexpr int64_t kWidestPanel = 32;
/// In bytes. Above this size oneDNN and OpenBLAS are as fast with float32 weights as the panel kernel (Zen 3).
constexpr size_t kLargestPanelWeight = 2 << 20;
/// Of the attention kernels. With wider heads the sums of a tile do not fit the first-level cache.
constexpr int64_t kWidestHead = 256;
/// The narrowest head whose products are faster by AMX than by the bfloat16 attention kernel.
constexpr int64_t kMatrixUnitHead = 64;

/// The fastest float32 kernels of this processor.
const Kernels& float_kernels() {
  for (const Kernels& each : kernels::available_kernels()) {
    if (each.linear != nullptr) return each;
  }
  LUCID_CHECK(false, "no portable kernels");
}

/// Estimated time of a convolution for each pair of channels, in products, for x [B,in,h,w]. Less than four tiles take
/// as long as four: they do not keep enough sums in flight.
int64_t winograd_cost(const kernels::WinogradKernel& kernel, at::IntArrayRef x) {
  const int64_t tiles =
      kernels::WinogradShape{.batch = x[0], .height = x[2], .width = x[3], .tile_size = kernel.tile_size}.tiles();
  return kernel.tile_elements() * std::max<int64_t>(tiles, 4) + kernel.filter_transform_cost;
}

/// The fastest Winograd kernels of this processor that take a weight [out,in,3,3]; null if there are none.
const Kernels* winograd_kernels(const Tensor& weight, bool in_bfloat16) {
  if (in_bfloat16 ? weight.scalar_type() != torch::kBFloat16 : !stored_type(weight.scalar_type())) return nullptr;
  for (const Kernels& each : kernels::available_kernels()) {
    const int64_t panel = each.winograd->panel;
    const bool whole_panels = weight.size(0) % panel == 0 && weight.size(1) % panel == 0;
    if (each.winograd->bfloat16_tiles == in_bfloat16 && whole_panels) return &each;
  }
  return nullptr;
}

bool wants_bfloat16_winograd(const Tensor& weight, const ComputePolicy& policy) {
  return policy.round_activations && policy.may_pack(weight);  // the transformed filters are cached
}

}  // namespace

bool uses_onednn(torch::ScalarType dtype) {
  static const bool multiplies_bfloat16 = has_fast_bfloat16();
  const bool fast = dtype == torch::kFloat || (dtype == torch::kBFloat16 && multiplies_bfloat16);
  return fast && onednn::available() && !ReferenceOpsGuard::active();
}

bool uses_cpu_kernels(const Tensor& x) {
  return !ReferenceOpsGuard::active() && x.is_cpu() &&
         (x.scalar_type() == torch::kFloat || x.scalar_type() == torch::kBFloat16);
}

torch::ScalarType activation_dtype(torch::ScalarType dtype, const Tensor& input) {
  const bool mixed = dtype == torch::kBFloat16 && input.is_cpu() && uses_onednn(dtype);
  return mixed ? torch::kFloat : dtype;
}

bool has_whole_panels(int64_t out_channels) { return out_channels % kWidestPanel == 0; }

Conv2dChoice choose_conv2d(const Conv2dOperands& operands) {
  using Method = Conv2dChoice::Method;
  const auto& [x, weight, bias, policy, keeps_size] = operands;
  // The kernels read float32 activations on a CPU.
  if (!x.is_cpu() || x.scalar_type() != torch::kFloat || ReferenceOpsGuard::active()) return {};
  const bool mixed = policy.is_mixed(x);
  // They give no gradient of the weights.
  if (!mixed && (policy.dtype != torch::kFloat || wants_gradient({weight, bias}))) return {};

  const bool stored_as_operands = weight.scalar_type() == policy.dtype;
  const bool by_onednn = stored_as_operands && uses_onednn(policy.dtype) && (mixed || policy.may_pack(weight));
  // oneDNN's matrix units outdo Winograd: Stable Diffusion's U-Net takes 1.5 s instead of 2.2.
  const bool by_matrix_units = mixed && by_onednn && policy.round_activations && has_bfloat16_matrix_units();
  const bool by_winograd = policy.frozen && keeps_size && (by_onednn || !mixed) && !by_matrix_units;
  if (by_winograd) {
    const auto* kernel = choose_winograd(weight, x.sizes(), wants_bfloat16_winograd(weight, policy));
    if (kernel != nullptr) return {.method = Method::kWinograd, .winograd = kernel};
  }
  return {.method = by_onednn ? Method::kOneDnn : Method::kLibtorch};
}

bool winograd_reads_stored_filters(const Tensor& weight, const ComputePolicy& policy) {
  const Kernels* here = winograd_kernels(weight, wants_bfloat16_winograd(weight, policy));
  return here != nullptr && here->winograd->filter_transform == nullptr;
}

const kernels::WinogradKernel* choose_winograd(const Tensor& weight, at::IntArrayRef x, bool in_bfloat16) {
  const Kernels* here = winograd_kernels(weight, in_bfloat16);
  if (here == nullptr) return nullptr;
  const kernels::WinogradKernel* small = here->winograd_small_maps;
  return small != nullptr && winograd_cost(*small, x) < winograd_cost(*here->winograd, x) ? small : here->winograd;
}

LinearChoice choose_linear(const LinearOperands& operands) {
  using Method = LinearChoice::Method;
  const auto& [x, weight, bias, out_dtype, policy] = operands;
  if (!x.is_cpu() || ReferenceOpsGuard::active() || wants_gradient({x, weight, bias})) return {};
  const Kernels& here = float_kernels();
  if (x.scalar_type() == torch::kFloat && out_dtype == torch::kFloat && weight.size(0) % here.linear->panel == 0) {
    const bool in_16_bit = weight.scalar_type() == torch::kHalf || weight.scalar_type() == torch::kBFloat16;
    const bool small = weight.scalar_type() == torch::kFloat && weight.nbytes() <= kLargestPanelWeight;
    if (in_16_bit || (small && here.linear_faster_than_libraries)) {
      return {.method = Method::kPanels, .panels = here.linear};
    }
  }
  // In float32 libtorch's own product is as fast as oneDNN's with packed weights.
  const bool in_bfloat16 = x.scalar_type() == torch::kBFloat16 && weight.scalar_type() == torch::kBFloat16;
  const bool by_onednn = in_bfloat16 && uses_onednn(torch::kBFloat16) && policy.may_pack(weight);
  return {.method = by_onednn ? Method::kOneDnn : Method::kLibtorch};
}

AttentionChoice choose_attention(const Tensor& q, const Tensor& k, const Tensor& v, int64_t heads) {
  using Method = AttentionChoice::Method;
  const int64_t width = q.size(2) / heads;
  const torch::ScalarType dtype = q.scalar_type();
  const bool one_dtype = k.scalar_type() == dtype && v.scalar_type() == dtype;
  // Matrix units outdo the fused kernel for heads that fill their tiles (64 wide: 0.75 of its time; 40 wide: 1.4).
  const bool by_matrix_units = dtype == torch::kBFloat16 && has_bfloat16_matrix_units() && width >= kMatrixUnitHead;
  if (uses_cpu_kernels(q) && !by_matrix_units && k.is_cpu() && v.is_cpu() && one_dtype && width <= kWidestHead &&
      k.size(1) > 0 && !wants_gradient({q, k, v})) {
    for (const Kernels& each : kernels::available_kernels()) {
      const kernels::AttentionKernel* kernel = each.attention;
      const bool fits = kernel->in_bfloat16 == (dtype == torch::kBFloat16) && width % kernel->width_multiple == 0;
      if (fits) return {.method = Method::kKernel, .kernel = kernel};
    }
  }
#if TORCH_VERSION_MAJOR >= 2
  // On a GPU its fast kernels take no head as wide as the VAE's (512): its gradient takes 15 ms there, as matrix
  // products 1 ms.
  if (q.is_cpu() || width <= kWidestHead) return {.method = Method::kLibtorch};
#endif
  return {.method = Method::kMatmul};
}

}  // namespace lucid::nn
