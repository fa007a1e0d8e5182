// SPDX-License-Identifier: Apache-2.0
// An estimate of the memory that a run takes, from the shapes of the prior's networks, its pictures and its Gaussians.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "lucid/diffusion/unet.h"
#include "lucid/diffusion/vae.h"

namespace lucid::app {

/// What a run computes.
struct RunShape {
  int64_t side = 512;         // pixels of a training view
  int64_t result_side = 512;  // of the pictures at the end
  int64_t views = 4;          // in a batch
  int64_t prompts = 4;        // U-Net rows a view: negative, view, and those of Perp-Neg or view guidance
  int64_t workers = 1;        // CPU threads that share a batch
  int64_t rows_at_once = 0;   // of the U-Net's batch; 0 = all
  int64_t gaussians = 0;
  int64_t sh_degree = 0;
  int64_t enlarged_side = 0, enlarged_views = 0;  // of the rounds of refining that enlarge their pictures; 0 = none
};

/// Bytes at the peak of a run.
struct PriorMemory {
  double cpu = 0;               // of this process
  double cpu_returned = 0;      // where freed blocks return to the system, return_large_blocks_to_os(): with --memory
  double cpu_low = 0;           // with --low-memory
  double gpu = 0, gpu_low = 0;  // of the card, in bfloat16; with --low-memory
};

/// For the networks as they are loaded here. prior_memory_test.cpp says how well this meets measured peaks.
PriorMemory estimate_memory(const diffusion::UNetImpl& unet, const diffusion::VaeImpl& vae, const RunShape& run);

/// What to add to a run's flags so that it fits `bytes` of the card's memory, or of this process on a CPU: "" for
/// nothing, `--low-memory`, then fewer views, then smaller pictures. nullopt if none of these is enough.
std::optional<std::string> flags_to_fit(double bytes, bool on_gpu, const RunShape& run,
                                        const std::function<PriorMemory(const RunShape&)>& estimate);

}  // namespace lucid::app
