// SPDX-License-Identifier: Apache-2.0
// Kernels: the CPU kernels of one instruction set; available_kernels() lists those that this processor can run.
#pragma once

#include <span>

#include "lucid/nn/kernels/attention_kernel.h"
#include "lucid/nn/kernels/linear_kernel.h"
#include "lucid/nn/kernels/winograd_kernel.h"

namespace lucid::nn::kernels {

/// Kernels of one instruction set and dtype.
struct Kernels {
  const AttentionKernel* attention = nullptr;
  const WinogradKernel* winograd = nullptr;
  const WinogradKernel* winograd_small_maps = nullptr;  // smaller tiles; null if `winograd` serves all sizes
  const LinearKernel* linear = nullptr;                 // float32 only; null for the bfloat16 kernels
  /// Whether `linear` is faster than oneDNN and OpenBLAS for small float32 weights too.
  bool linear_faster_than_libraries = false;
};

/// The kernels that this processor runs and LUCID_ISA (base/machine.h) allows; of each dtype the fastest first.
std::span<const Kernels> available_kernels();

}  // namespace lucid::nn::kernels
