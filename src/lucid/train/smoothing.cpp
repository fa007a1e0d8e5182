// SPDX-License-Identifier: Apache-2.0
// The 3D filter's size from the training views, and when it is computed anew.
#include "lucid/train/smoothing.h"

#include <cmath>
#include <limits>

#include "lucid/base/error.h"
#include "lucid/train/enlarge.h"

namespace lucid::train {

torch::Tensor filter_3d(const torch::Tensor& means, std::span<const Camera> cameras, double variance) {
  const torch::NoGradGuard no_grad;
  LUCID_CHECK(!cameras.empty(), "the 3D filter needs views");
  constexpr double kNear = 0.2, kBeside = 1.15;  // as in the paper's code
  constexpr float kUnseen = std::numeric_limits<float>::infinity();
  torch::Tensor finest = torch::full({means.size(0)}, kUnseen, means.options());  // side of a pixel, world units
  for (const Camera& camera : cameras) {
    const torch::Tensor pose =
        torch::tensor(at::ArrayRef<double>(camera.camera_from_world), torch::kFloat64).view({4, 4}).to(means.options());
    const torch::Tensor here = torch::addmm(pose.slice(0, 0, 3).select(1, 3), means,
                                            pose.slice(0, 0, 3).slice(1, 0, 3).t());  // [N,3] camera coordinates
    const torch::Tensor x = here.select(1, 0), y = here.select(1, 1), z = here.select(1, 2);
    const torch::Tensor shown = (z > kNear) & (x.abs() <= z * (kBeside * camera.tan_half_fov_x)) &
                                (y.abs() <= z * (kBeside * camera.tan_half_fov_y));
    const torch::Tensor pixel = z * (2 * camera.tan_half_fov_x / camera.width);
    finest = torch::minimum(finest, pixel.masked_fill_(shown.logical_not(), kUnseen));
  }
  const torch::Tensor unseen = finest == kUnseen;
  const torch::Tensor largest = finest.masked_fill(unseen, 0).max();
  return torch::where(unseen, largest, finest).mul_(std::sqrt(variance)).unsqueeze(1);
}

void update_filter(Model& model, const TrainOptions& options, const FilterUpdate& update) {
  if (options.filter_3d <= 0) return;
  constexpr int64_t kInterval = 100;  // steps
  constexpr int kViews = 64;
  gaussians::Cloud& cloud = model.cloud;
  if (cloud.filter_3d.defined() && !update.anew && model.iteration % kInterval != 0) return;
  Rng rng(options.seed, "filter", static_cast<uint64_t>(model.iteration));
  const ViewOptions views = options.use_progressive ? widened(options.views, model.iteration) : options.views;
  cloud.filter_3d =
      filter_3d(cloud.means, enlarged(sample_views(views, kViews, rng), update.factor), options.filter_3d);
}

}  // namespace lucid::train
