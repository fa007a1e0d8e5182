// SPDX-License-Identifier: Apache-2.0
// Scope guard for mixed precision (libtorch's autocast): bfloat16 computation with float32 weights. Twice as fast where
// the processor has bfloat16 instructions.
#pragma once

#include <torch/torch.h>

namespace lucid::pretrain {

/// In its scope this thread's convolutions and matrix products on `device` run in bfloat16, norms in float32. Does
/// nothing if `enabled` is false.
class LowPrecision {
 public:
  explicit LowPrecision(bool enabled, torch::DeviceType device = torch::kCPU);
  ~LowPrecision();
  LowPrecision(const LowPrecision&) = delete;
  LowPrecision& operator=(const LowPrecision&) = delete;

 private:
  struct Autocast {
    bool on = false;
    torch::ScalarType type = torch::kBFloat16;
    bool keeps_casts = true;
  };
  static Autocast autocast_of(torch::DeviceType device);
  static void set_autocast(torch::DeviceType device, const Autocast& autocast);

  bool enabled_;
  torch::DeviceType device_;
  Autocast before_;
};

}  // namespace lucid::pretrain
