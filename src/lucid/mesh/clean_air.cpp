// SPDX-License-Identifier: Apache-2.0
// Each Gaussian's blending weights by view: all, on faint pixels, and on parts of the picture apart from the object.
#include "lucid/mesh/clean_air.h"

#include <algorithm>
#include <numeric>

#include "lucid/base/error.h"
#include "lucid/mesh/extract.h"
#include "lucid/mesh/normalise.h"
#include "lucid/mesh/picture_components.h"
#include "lucid/mesh/seen_weights.h"
#include "lucid/render/constants.h"

namespace lucid::mesh {
namespace {

constexpr float kVisibleAlpha = 0.02f;   // of a pixel that a person sees
constexpr float kSolidAlpha = 0.5f;      // of a pixel of the object
constexpr float kRulesSize = 512;        // pixels per side to which AirRules' sums and sizes refer
constexpr float kMostlyApart = 0.5f;     // share of a Gaussian's weight in a view
constexpr int kVotes = 2;                // views that show a floater apart
constexpr float kViewThatCounts = 0.1f;  // a Gaussian's weight in a view, of that in the view that shows it most

/// 1 for pixels of parts that are air, [H,W].
std::vector<float> air_pixels(const std::vector<float>& alpha, int size, const AirRules& rules) {
  const PictureComponents parts = picture_components(alpha.data(), size, size, kVisibleAlpha);
  std::vector<float> greatest(parts.pixels.size());  // alpha of each part
  for (size_t i = 0; i < alpha.size(); ++i) {
    if (parts.label[i] < 0) continue;
    float& part = greatest[static_cast<size_t>(parts.label[i])];
    part = std::max(part, alpha[i]);
  }
  const float scale = static_cast<float>(size) / kRulesSize;
  std::vector<float> air(alpha.size());
  for (size_t i = 0; i < alpha.size(); ++i) {
    if (parts.label[i] < 0 || parts.label[i] == parts.largest) continue;
    const auto part = static_cast<size_t>(parts.label[i]);
    air[i] = greatest[part] < rules.faint || static_cast<float>(parts.pixels[part]) < rules.speck * scale * scale;
  }
  return air;
}

/// For each Gaussian the sums over one view's pixels of w, of w * alpha, and of w on pixels that are air: [N,3].
std::vector<float> sums_of_view(WeightSums& weights, const Camera& camera, const AirRules& rules) {
  const std::vector<float>& alpha = weights.render(camera);
  std::vector<float> planes(alpha.size(), 1.0f);
  planes.insert(planes.end(), alpha.begin(), alpha.end());
  const std::vector<float> air = air_pixels(alpha, camera.width, rules);
  planes.insert(planes.end(), air.begin(), air.end());
  return weights.sums(planes);
}

/// Indices into `cloud` of what stays.
std::vector<int64_t> one_round(const render::CloudView<float>& cloud, const AirRules& rules) {
  const NormalisedCloud normal = normalise(cloud, std::nullopt);
  if (rules.scene_stays && normal.extent.is_scene()) {
    std::vector<int64_t> all(static_cast<size_t>(cloud.count));
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
  render::CloudView<float> view = normal.view();
  view.filter = cloud.filter;
  WeightSums weights(view);
  std::vector<std::vector<float>> views;
  for (const Camera& camera : fitting_cameras(normal, rules.views, rules.size, 0))
    views.push_back(sums_of_view(weights, camera, rules));
  const float scale = static_cast<float>(rules.size) / kRulesSize;
  std::vector<int64_t> kept;
  for (size_t i = 0; i < normal.source.size(); ++i) {
    float greatest = 0;
    for (const std::vector<float>& sums : views) greatest = std::max(greatest, sums[3 * i]);
    if (greatest < rules.hidden * scale * scale) continue;
    int votes = 0;
    bool haze = false;
    for (const std::vector<float>& sums : views) {
      const float all = sums[3 * i], with_alpha = sums[3 * i + 1], apart = sums[3 * i + 2];
      if (all < kViewThatCounts * greatest) continue;
      votes += apart > kMostlyApart * all;
      haze = haze || with_alpha < rules.haze * all;
    }
    if (votes < kVotes && !haze) kept.push_back(normal.source[i]);
  }
  return kept;
}

/// The arrays of some Gaussians of a cloud.
struct Selection {
  std::vector<float> means, scales, quats, opacities, sh;
  render::CloudView<float> view;

  Selection(const render::CloudView<float>& cloud, const std::vector<int64_t>& indices) : view(cloud) {
    const auto taken = [&](const float* from, size_t width) {
      std::vector<float> values;
      for (const int64_t i : indices) {
        const float* row = from + static_cast<size_t>(i) * width;
        values.insert(values.end(), row, row + width);
      }
      return values;
    };
    const auto degree = static_cast<size_t>(cloud.sh_degree + 1);
    means = taken(cloud.means, 3);
    scales = taken(cloud.scales, 3);
    quats = taken(cloud.quats, 4);
    opacities = taken(cloud.opacities, 1);
    sh = taken(cloud.sh, 3 * degree * degree);
    view.count = static_cast<int64_t>(indices.size());
    view.means = means.data();
    view.scales = scales.data();
    view.quats = quats.data();
    view.opacities = opacities.data();
    view.sh = sh.data();
  }
};

}  // namespace

std::vector<int64_t> without_air(const render::CloudView<float>& cloud, const AirRules& rules) {
  std::vector<int64_t> kept(static_cast<size_t>(cloud.count));
  std::iota(kept.begin(), kept.end(), 0);
  const float *first = cloud.opacities, *end = first + cloud.count;
  if (std::none_of(first, end, [](float opacity) { return opacity >= static_cast<float>(render::kAlphaCut); }))
    return kept;
  for (int round = 0; round < rules.rounds; ++round) {
    const Selection selection(cloud, kept);
    const std::vector<int64_t> staying = one_round(selection.view, rules);
    if (staying.size() == kept.size()) break;
    std::vector<int64_t> fewer;
    for (const int64_t i : staying) fewer.push_back(kept[static_cast<size_t>(i)]);
    kept = fewer;
  }
  return kept;
}

double psnr_of_object(const std::vector<CloudPicture>& before, const std::vector<CloudPicture>& after) {
  LUCID_CHECK(before.size() == after.size(), "{} pictures, and {}", before.size(), after.size());
  SquaredErrors errors;
  for (size_t view = 0; view < before.size(); ++view) {
    const CloudPicture &a = before[view], &b = after[view];
    const PictureComponents parts = picture_components(a.alpha.data(), a.camera.width, a.camera.height, kVisibleAlpha);
    const size_t pixels = a.alpha.size();
    for (size_t i = 0; i < 3 * pixels; ++i) {
      if (a.alpha[i % pixels] > kSolidAlpha && parts.label[i % pixels] == parts.largest)
        errors.add(over_white(a, i) - over_white(b, i));
    }
  }
  return errors.psnr();
}

}  // namespace lucid::mesh
