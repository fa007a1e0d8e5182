// SPDX-License-Identifier: Apache-2.0
// Which kernels this processor runs.
#pragma once

#include <span>

#include "lucid/nn/kernels/attention_kernel.h"
#include "lucid/nn/kernels/linear_kernel.h"
#include "lucid/nn/kernels/winograd_kernel.h"

namespace lucid::nn::kernels {

/// Of one instruction set and type of numbers.
struct Kernels {
  const AttentionKernel* attention = nullptr;
  const WinogradKernel* winograd = nullptr;
  const WinogradKernel* winograd_of_few = nullptr;  // tiles; none if it is the same
  const LinearKernel* linear = nullptr;             // in float32
  bool linear_outdoes_libraries = false;
};

/// Those that this processor runs and LUCID_ISA (base/machine.h) allows, the fastest of each type first.
std::span<const Kernels> kernels_here();

}  // namespace lucid::nn::kernels
