// SPDX-License-Identifier: Apache-2.0
// Densification in one pass: the source row of every new row is computed first, then all tensors are gathered once.
#include "lucid/optim/densify.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lucid/base/error.h"

namespace lucid::optim {
namespace {

using gaussians::Cloud;

constexpr double kChildShrink = 1.6;  // a child's scale is its parent's divided by this
constexpr double kBigShare = 0.1;     // Gaussians larger than this share of the extent are pruned
constexpr double kBigPixels = 20;     // screen radius above which prune_big_screen prunes
constexpr double kResetOpacity = 0.01;

torch::Tensor rows_where(const torch::Tensor& mask) { return mask.nonzero().squeeze(1); }

torch::Tensor largest_scale(const torch::Tensor& log_scales) { return log_scales.exp().amax(1); }  // [N]

/// The Gaussians to clone or split: [N] bool. If the bound allows only some, those with the largest gradients.
torch::Tensor candidates(const DensifyStats& stats, const DensifyOptions& options) {
  const torch::Tensor count = stats.gradient_count.squeeze(1);
  const torch::Tensor mean =
      torch::nan_to_num(torch::where(count > 0, stats.gradient_sum.squeeze(1) / count, torch::zeros_like(count)));
  torch::Tensor chosen = mean >= options.densify_grad_threshold;
  if (options.bound() <= 0) return chosen;
  const int64_t room = std::max<int64_t>(options.bound() - mean.size(0), 0);  // each candidate adds one row
  if (chosen.sum().item<int64_t>() <= room) return chosen;
  const torch::Tensor order = std::get<1>(torch::sort(mean, /*stable=*/true, /*dim=*/0, /*descending=*/true));
  return torch::zeros_like(chosen).index_fill_(0, order.slice(0, 0, room), true);
}

/// R(q) v for quaternions q (w,x,y,z, normalised here): [N,4], [N,3] -> [N,3]. The matrix is computed entry by entry
/// like in the 3D Gaussian Splatting code, so that float32 rounding is the same even where sums cancel.
torch::Tensor rotated(const torch::Tensor& q, const torch::Tensor& v) {
  const std::vector<torch::Tensor> unit = (q / q.square().sum(1, true).sqrt().clamp_min(1e-30)).unbind(1);
  const torch::Tensor &w = unit[0], &x = unit[1], &y = unit[2], &z = unit[3];
  const torch::Tensor rotation = torch::stack(
      {1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y), 2 * (x * y + w * z), 1 - 2 * (x * x + z * z),
       2 * (y * z - w * x), 2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)},
      1);
  return rotation.view({-1, 3, 3}).bmm(v.unsqueeze(2)).squeeze(2);
}

/// Gathers the rows `source` of every parameter and turns the last 2S rows, two per split parent, into children.
Cloud with_children(const Cloud& cloud, const torch::Tensor& source, int64_t splits,
                    const std::function<torch::Tensor(int64_t)>& unit_normals) {
  Cloud result;
  const auto from = cloud.parameters();
  const auto to = result.parameters();
  for (int g = 0; g < Cloud::kGroups; ++g) *to[g] = from[g]->index_select(0, source);
  if (splits == 0) return result;
  const int64_t first_child = source.size(0) - 2 * splits;
  const auto children = [&](const torch::Tensor& x) { return x.slice(0, first_child); };
  const torch::Tensor scales = children(result.log_scales).exp();
  const torch::Tensor normals = unit_normals(splits).to(scales.options());
  LUCID_CHECK(normals.sizes() == scales.sizes(), "{} normals for {} children", normals.size(0), 2 * splits);
  children(result.means).add_(rotated(children(result.quats), scales * normals));
  children(result.log_scales).copy_((scales / kChildShrink).log_());
  return result;
}

/// The Gaussians to prune: [M] bool. Those with low opacity and, with prune_big, those too large in the world or (with
/// prune_big_screen) on screen; `radii` [M] in pixels.
torch::Tensor to_prune(const Cloud& cloud, const torch::Tensor& radii, const DensifyOptions& options, bool prune_big) {
  torch::Tensor prune = cloud.opacity_logits.squeeze(1).sigmoid() < options.min_opacity;
  if (!prune_big) return prune;
  prune = prune | (largest_scale(cloud.log_scales) > kBigShare * options.extent);
  return options.prune_big_screen ? prune | (radii > kBigPixels) : prune;
}

/// Whether `iteration` is a multiple of `interval`; an interval of 0 means never.
bool is_multiple(int64_t iteration, int64_t interval) { return interval > 0 && iteration % interval == 0; }

}  // namespace

DensifyStats DensifyStats::zeros(int64_t count) {
  return {.gradient_sum = torch::zeros({count, 1}),
          .gradient_count = torch::zeros({count, 1}),
          .max_radii = torch::zeros({count})};
}

void DensifyStats::add_view(const torch::Tensor& means2d_ndc, const torch::Tensor& radii) {
  const torch::NoGradGuard no_grad;
  LUCID_CHECK(means2d_ndc.size(0) == max_radii.size(0) && radii.size(0) == max_radii.size(0),
              "statistics of {} Gaussians, a view of {} and {}", max_radii.size(0), means2d_ndc.size(0), radii.size(0));
  const torch::Tensor visible = (radii > 0).unsqueeze(1);  // [N,1]
  gradient_sum.add_(means2d_ndc.norm(2, 1, true).masked_fill_(visible.logical_not(), 0));
  gradient_count.add_(visible);
  max_radii = torch::maximum(max_radii, radii.to(max_radii.options()));
}

DensifyReport densify_and_prune(Cloud& cloud, Adam& adam, DensifyStats& stats, const DensifyOptions& options,
                                bool prune_big, const std::function<torch::Tensor(int64_t)>& unit_normals) {
  const torch::NoGradGuard no_grad;
  LUCID_CHECK(stats.max_radii.size(0) == cloud.count(), "statistics of {} Gaussians for {}", stats.max_radii.size(0),
              cloud.count());
  const torch::Tensor chosen = candidates(stats, options);
  const torch::Tensor small = largest_scale(cloud.log_scales) <= options.percent_dense * options.extent;
  const torch::Tensor split = chosen & small.logical_not();
  const torch::Tensor survivors = rows_where(split.logical_not());
  const torch::Tensor clones = rows_where(chosen & small), parents = rows_where(split);
  DensifyReport report{.cloned = clones.size(0), .split = parents.size(0)};

  // source: rows before pruning (unsplit, clones, first children, second children). keep: those that are not pruned.
  const torch::Tensor source = torch::cat({survivors, clones, parents, parents});
  const torch::Tensor moment_source =
      torch::cat({survivors, torch::full({source.size(0) - survivors.size(0)}, -1, survivors.options())});
  Cloud grown = with_children(cloud, source, report.split, unit_normals);
  // A clone has its original's screen radius; a child's is still unknown (0).
  const torch::Tensor radii =
      torch::cat({stats.max_radii.index_select(0, survivors), stats.max_radii.index_select(0, clones),
                  torch::zeros({2 * report.split}, stats.max_radii.options())});
  const torch::Tensor keep = rows_where(to_prune(grown, radii, options, prune_big).logical_not());
  report.pruned = source.size(0) - keep.size(0);
  report.total = keep.size(0);

  const auto from = grown.parameters();
  const auto to = cloud.parameters();
  for (int g = 0; g < Cloud::kGroups; ++g) *to[g] = report.pruned > 0 ? from[g]->index_select(0, keep) : *from[g];
  report.source = moment_source.index_select(0, keep);
  adam.rearrange_rows(report.source);
  const auto device = stats.max_radii.device();
  stats = DensifyStats::zeros(report.total);
  for (torch::Tensor* x : {&stats.gradient_sum, &stats.gradient_count, &stats.max_radii}) *x = x->to(device);
  return report;
}

void reset_opacity(Cloud& cloud, Adam& adam) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor opacity = cloud.opacity_logits.sigmoid().clamp_max(kResetOpacity);
  cloud.opacity_logits.copy_((opacity / (1 - opacity)).log());
  adam.zero_moments(Cloud::kOpacityLogits);
}

bool densify_if_due(Cloud& cloud, Adam& adam, DensifyStats& stats, const DensifyOptions& options, int64_t iteration,
                    uint64_t seed, DensifyReport* report) {
  if (iteration >= options.densify_until_iter) {
    if (iteration >= options.prune_until_iter || !is_multiple(iteration, options.densification_interval)) return false;
    DensifyOptions removal = options;
    removal.densify_grad_threshold = std::numeric_limits<double>::infinity();  // nothing is cloned or split
    removal.extent = options.prune_size / kBigShare;
    const DensifyReport done =
        densify_and_prune(cloud, adam, stats, removal, /*prune_big=*/true, [](int64_t) { return torch::Tensor(); });
    if (report != nullptr) *report = done;
    return done.pruned > 0;
  }
  bool changed = false;
  if (iteration > options.densify_from_iter && is_multiple(iteration, options.densification_interval)) {
    const auto normals = [&](int64_t splits) {
      torch::Tensor draws = torch::empty({2 * splits, 3});
      Rng(seed, "split", static_cast<uint64_t>(iteration))
          .fill_normal(draws.data_ptr<float>(), static_cast<size_t>(draws.numel()));
      return draws;
    };
    const bool prune_big = iteration > options.opacity_reset_interval;
    const DensifyReport done = densify_and_prune(cloud, adam, stats, options, prune_big, normals);
    changed = done.cloned + done.split + done.pruned > 0;
    if (report != nullptr) *report = done;
  }
  if (is_multiple(iteration, options.opacity_reset_interval)) reset_opacity(cloud, adam);
  return changed;
}

}  // namespace lucid::optim
