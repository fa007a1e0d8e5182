// SPDX-License-Identifier: Apache-2.0
// Views of more pixels, and the splitting of Gaussians too wide for them.
#include "lucid/train/enlarge.h"

#include <algorithm>
#include <cmath>

#include "lucid/base/error.h"
#include "lucid/train/smoothing.h"

namespace lucid::train {

std::vector<Camera> enlarged(std::vector<Camera> cameras, int64_t factor) {
  for (Camera& camera : cameras) {
    camera.width *= static_cast<int>(factor);
    camera.height *= static_cast<int>(factor);
  }
  return cameras;
}

int64_t split_wide(Model& model, std::span<const Camera> cameras, const TrainOptions& options) {
  const torch::NoGradGuard no_grad;
  constexpr double kWide = 1.2;                    // pixels
  constexpr double kApart = 0.75, kNarrow = 0.66;  // 0.75^2 + 0.66^2 = 1: the pair is as wide as its parent was
  gaussians::Cloud& cloud = model.cloud;
  const auto [width, axis] = cloud.log_scales.exp().max(1);
  const torch::Tensor pixel = filter_3d(cloud.means, cameras, /*variance=*/1).squeeze(1);
  torch::Tensor parents = torch::nonzero(width > kWide * pixel).squeeze(1);
  const int64_t most = options.densify.bound();
  const int64_t room = most > 0 ? std::max<int64_t>(most - cloud.count(), 0) : parents.numel();
  if (parents.numel() > room) {
    const torch::Tensor widest = std::get<1>(width.index_select(0, parents).topk(room));
    parents = std::get<0>(parents.index_select(0, widest).sort());
  }
  const int64_t splits = parents.numel();
  if (splits == 0) return 0;
  const torch::Tensor along = axis.index_select(0, parents).unsqueeze(1);  // [S,1]
  const torch::Tensor offset = torch::zeros({splits, 3}, width.options()).scatter_(1, along, kApart);
  const torch::Tensor scales = cloud.log_scales.index_select(0, parents)
                                   .scatter_add(1, along, torch::full({splits, 1}, std::log(kNarrow), width.options()));

  // As densification splits what has a gradient, but with children side by side in place of random ones.
  optim::DensifyStats chosen = optim::DensifyStats::zeros(cloud.count());
  for (torch::Tensor* sums : {&chosen.gradient_sum, &chosen.gradient_count, &chosen.max_radii})
    *sums = sums->to(model.device());
  chosen.gradient_sum.index_fill_(0, parents, 1);
  chosen.gradient_count.fill_(1);
  const optim::DensifyOptions split{.densify_grad_threshold = 0.5, .percent_dense = 0, .min_opacity = 0};
  const optim::DensifyReport report =
      optim::densify_and_prune(cloud, model.adam, chosen, split, /*prune_big=*/false, [&](int64_t) {
        return torch::cat({offset, -offset});
      });
  LUCID_CHECK(report.split == splits, "{} of {} Gaussians were split", report.split, splits);
  cloud.log_scales.slice(0, cloud.count() - 2 * splits).copy_(torch::cat({scales, scales}));
  model.stats = std::move(chosen);  // zeros, for the new rows
  return splits;
}

}  // namespace lucid::train
