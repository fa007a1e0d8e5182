// SPDX-License-Identifier: Apache-2.0
// Densification: the adaptive density control of 3D Gaussian Splatting (Kerbl et al. 2023, section 5.2). Clones, splits
// and prunes Gaussians and resets opacities.
#pragma once

#include <functional>

#include "lucid/base/rng.h"
#include "lucid/optim/adam.h"

namespace lucid::optim {

/// Statistics of the renders since the last densification.
struct DensifyStats {
  torch::Tensor gradient_sum;    // [N,1] float: sum of |dL/d(screen mean in NDC)| over the views that saw the Gaussian
  torch::Tensor gradient_count;  // [N,1] float: number of those views
  torch::Tensor max_radii;       // [N] float: largest screen radius, pixels
  static DensifyStats zeros(int64_t count);
  /// Adds one view: dL/d(screen mean) [N,2] and radii [N] int32. Only visible Gaussians (radius > 0) count.
  void add_view(const torch::Tensor& means2d_ndc, const torch::Tensor& radii);
};

/// Numbers of Gaussians that one densification changed, and the number afterwards.
struct DensifyReport {
  int64_t cloned = 0, split = 0, pruned = 0, total = 0;
  torch::Tensor source = {};  // [total] int64: the row that each row was; -1 for a clone or a child
};

/// One densification:
/// - Candidates are Gaussians whose mean screen gradient is >= densify_grad_threshold.
/// - A candidate with a largest scale <= percent_dense * extent is cloned (an exact copy). A larger one is split into
///   two children: means drawn from the parent's distribution, scales divided by 1.6.
/// - Then Gaussians are pruned whose opacity is < min_opacity and, with `prune_big`, those whose largest scale is
///   > 0.1 * extent (and those > 20 px on screen, if prune_big_screen).
/// Order of the resulting rows: the unsplit ones, clones, first children, second children; without the pruned ones.
/// Existing rows keep their Adam moments, new rows start with zero moments. `stats` is reset. `unit_normals(S)` returns
/// [2S,3] standard normals for S split Gaussians, first for all first children, then for all second; it is not called
/// if S = 0.
DensifyReport densify_and_prune(gaussians::Cloud& cloud, Adam& adam, DensifyStats& stats, const DensifyOptions& options,
                                bool prune_big, const std::function<torch::Tensor(int64_t)>& unit_normals);
/// Lowers all opacities to at most 0.01 and sets their Adam moments to zero.
void reset_opacity(gaussians::Cloud& cloud, Adam& adam);

/// The schedule: does what is due at an iteration before densify_until_iter. First the densification, at multiples of
/// densification_interval after (not at) densify_from_iter, with prune_big after opacity_reset_interval; then the
/// opacity reset, at multiples of opacity_reset_interval. From then on until prune_until_iter: removal alone. Random
/// numbers: Rng(seed, "split", iteration). Returns whether rows were added or removed. `report` is written only if a
/// densification was due.
bool densify_if_due(gaussians::Cloud& cloud, Adam& adam, DensifyStats& stats, const DensifyOptions& options,
                    int64_t iteration, uint64_t seed, DensifyReport* report = nullptr);

}  // namespace lucid::optim
