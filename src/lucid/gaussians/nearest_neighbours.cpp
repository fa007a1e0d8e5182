// SPDX-License-Identifier: Apache-2.0
// Initial scales of Gaussians from the distances to their nearest neighbours, found in a k-d tree (nanoflann).
#include <nanoflann.hpp>

#include "lucid/base/error.h"
#include "lucid/base/parallel.h"
#include "lucid/gaussians/starts.h"

namespace lucid::gaussians {
namespace {

constexpr size_t kNeighbours = 3;
constexpr float kSmallestSquare = 1e-7F;  // lower bound of the mean squared distance, for coincident points
constexpr int64_t kGrain = 1024;          // queries per chunk of parallel_for

struct Points {  // nanoflann's interface to a data set
  const float* xyz;
  size_t count;
  size_t kdtree_get_point_count() const { return count; }
  float kdtree_get_pt(size_t index, size_t axis) const { return xyz[3 * index + axis]; }
  template <class Box>
  bool kdtree_get_bbox(Box&) const {
    return false;
  }
};
using Tree = nanoflann::KDTreeSingleIndexAdaptor<nanoflann::L2_Simple_Adaptor<float, Points>, Points, 3, uint32_t>;

}  // namespace

torch::Tensor nearest_neighbour_log_scales(const torch::Tensor& means) {
  LUCID_CHECK(means.dim() == 2 && means.size(1) == 3, "means has {} dimensions", means.dim());
  LUCID_CHECK(means.isfinite().all().item<bool>(), "a mean is not finite");
  const torch::Tensor rows = means.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  torch::Tensor squares = torch::empty({rows.size(0)});
  if (rows.size(0) == 0) return torch::empty_like(means);
  const Points points{rows.data_ptr<float>(), static_cast<size_t>(rows.size(0))};
  const Tree tree(3, points);
  float* out = squares.data_ptr<float>();
  parallel_for(rows.size(0), kGrain, [&](int64_t i) {
    uint32_t index[kNeighbours + 1];
    float square[kNeighbours + 1];
    const size_t found = tree.knnSearch(points.xyz + 3 * i, kNeighbours + 1, index, square);
    float sum = 0;  // the results include the point itself, at distance 0
    for (size_t j = 0; j < found; ++j) sum += square[j];
    out[i] = std::max(sum / static_cast<float>(std::max<size_t>(found - 1, 1)), kSmallestSquare);
  });
  return squares.log_().mul_(0.5).unsqueeze(1).expand({-1, 3}).contiguous().to(means.device());
}

}  // namespace lucid::gaussians
