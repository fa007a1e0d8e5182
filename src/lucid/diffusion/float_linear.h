// SPDX-License-Identifier: Apache-2.0
// Linear layers of small weights in float32 by linear_kernel.h, on x86-64 without AVX-512.
#pragma once

#include <torch/torch.h>

namespace lucid::diffusion {

struct LinearKernel;

/// Whether this processor's fastest kernels have one. oneDNN, which otherwise keeps weights laid out, then does not.
bool has_linear_kernel();

/// A layer's weights, laid out when they are first asked for, and kept.
using PanelWeights = c10::intrusive_ptr<torch::CustomClassHolder>;
/// Of weights of up to `largest` bytes, and of no more than a library multiplies as fast; by this kernel or by the
/// fastest here. They may change in place if autograd is told (not through .data()).
PanelWeights make_panel_weights(size_t largest, const LinearKernel* kernel = nullptr);

/// Whether x weight^T of such a weight [out,in] is computed so.
bool takes_panels(const PanelWeights& panels, const torch::Tensor& weight);

/// x [...,in] float32 without gaps, weight [out,in], bias [out] or undefined -> [...,out].
torch::Tensor linear_by_panels(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                               const PanelWeights& panels);

}  // namespace lucid::diffusion
