// SPDX-License-Identifier: Apache-2.0
// Adaptive density control of 3D Gaussian Splatting: clone, split, prune, opacity reset.
#pragma once

#include <functional>

#include "lucid/base/rng.h"
#include "lucid/optim/adam.h"

namespace lucid::optim {

/// Running sums between two densifications.
struct DensifyStats {
  torch::Tensor gradient_sum, gradient_count;  // [N,1] float
  torch::Tensor max_radii;                     // [N] float, pixels
  static DensifyStats zeros(int64_t count);
  void add_view(const torch::Tensor& means2d_ndc, const torch::Tensor& radii);  // [N,2], [N] int32; counts visible ones
};

struct DensifyReport {
  int64_t cloned = 0, split = 0, pruned = 0, total = 0;
};

/// Survivors, then clones, then first children, then second children of the split ones, the pruned removed in place;
/// `stats` starts anew. Candidates have a mean screen gradient >= densify_grad_threshold; those with a largest scale <=
/// percent_dense * extent are cloned (a plain copy), the others split into two (scale / 1.6, sampled inside the
/// parent). Pruned are opacities < min_opacity and, with `prune_big`, largest scales > 0.1 * extent (and > 20 px on
/// screen, if prune_big_screen). A row that continues keeps its Adam moments, new ones start at zero. `unit_normals(S)`
/// gives [2S,3] standard normals for S split Gaussians (first all first children, then all second); not called for S =
/// 0.
DensifyReport densify_and_prune(gaussians::Cloud& cloud, Adam& adam, DensifyStats& stats, const DensifyOptions& options,
                                bool prune_big, const std::function<torch::Tensor(int64_t)>& unit_normals);
/// Opacity <= 0.01 for all; its moments to zero.
void reset_opacity(gaussians::Cloud& cloud, Adam& adam);

/// The calendar: what is due at an iteration, applied; nothing from densify_until_iter on. Densification at multiples
/// of densification_interval after (not at) densify_from_iter, pruning big ones after opacity_reset_interval; then the
/// opacity reset at multiples of opacity_reset_interval. Draws: Rng(seed, "split", iteration). Returns whether rows
/// came or went; `report` is written only when a densification was due.
bool densify_if_due(gaussians::Cloud& cloud, Adam& adam, DensifyStats& stats, const DensifyOptions& options,
                    int64_t iteration, uint64_t seed, DensifyReport* report = nullptr);

}  // namespace lucid::optim
