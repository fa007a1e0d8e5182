// SPDX-License-Identifier: Apache-2.0
// Thresholds of the signs. A run in good health passes them all from its first steps on, besides haze.
#include "lucid/train/health.h"

#include <fmt/format.h>

namespace lucid::train {
namespace {

/// Mean of a [1,H,W] picture's function over all views.
template <class Of>
double mean_over(const std::vector<gaussians::RenderedView>& views, const Of& of) {
  double sum = 0;
  for (const gaussians::RenderedView& view : views)
    sum += of(view.alpha).to(torch::kFloat).mean().template item<double>();
  return sum / static_cast<double>(views.size());
}

std::string exploding(const Model& model, double extent) {
  constexpr double kFar = 10, kShare = 0.01;  // in scene extents; of the Gaussians
  if (model.cloud.count() == 0) return "";
  const torch::Tensor far = model.cloud.means.norm(2, 1) > kFar * extent;
  const torch::Tensor large = std::get<0>(model.cloud.log_scales.exp().max(1)) > extent;
  const double share = (far | large).to(torch::kFloat).mean().item<double>();
  if (share < kShare) return "";
  return fmt::format("the Gaussians explode: {:.0f} % of them are far outside the scene or larger than it",
                     100 * share);
}

std::string vanishing(const Model& model, const std::vector<gaussians::RenderedView>& views) {
  constexpr int64_t kFewest = 10;
  constexpr double kCover = 0.002;
  if (model.cloud.count() < kFewest) return fmt::format("the Gaussians vanish: {} are left", model.cloud.count());
  if (views.empty()) return "";
  const double cover = mean_over(views, [](const torch::Tensor& alpha) { return alpha; });
  if (cover >= kCover) return "";
  return fmt::format("the Gaussians vanish: they cover {:.2f} % of the pictures", 100 * cover);
}

std::string haze(const std::vector<gaussians::RenderedView>& views) {
  constexpr double kClear = 0.05, kSolid = 0.9, kShare = 0.6;
  if (views.empty()) return "";
  const double share =
      mean_over(views, [](const torch::Tensor& alpha) { return (alpha > kClear).logical_and(alpha < kSolid); });
  if (share < kShare) return "";
  return fmt::format("the Gaussians turn into haze: {:.0f} % of the pictures is half transparent", 100 * share);
}

}  // namespace

std::string sign_of(Ailment ailment, const Model& model, const StepReport& report, double extent) {
  switch (ailment) {
    case Ailment::kExploding:
      return exploding(model, extent);
    case Ailment::kVanishing:
      return vanishing(model, report.views);
    case Ailment::kHaze:
      return haze(report.views);
    case Ailment::kNoScore:  // a network that overflows inside can do that, and there is no NaN to see
      if (report.score_norm > 0 || report.views.empty()) return "";
      return "the score is 0: the prior answers the same whatever it is asked";
  }
  return "";
}

std::vector<std::string> Health::look(const Model& model, const StepReport& report, const TrainOptions& options) {
  constexpr int64_t kInterval = 25;  // steps between looks; a look waits for a GPU
  std::vector<std::string> signs;
  if (model.iteration % kInterval != 0) return signs;
  for (const Ailment ailment : {Ailment::kExploding, Ailment::kVanishing, Ailment::kHaze, Ailment::kNoScore}) {
    Found& found = found_[static_cast<size_t>(ailment)];
    const bool too_early = ailment == Ailment::kHaze && 3 * model.iteration < options.iterations;  // starts are hazy
    if (found.said || too_early) continue;
    const std::string sign = sign_of(ailment, model, report, options.densify.extent);
    if (!sign.empty() && found.before) {
      signs.push_back(fmt::format("step {}: {}", model.iteration, sign));
      found.said = true;
    }
    found.before = !sign.empty();
  }
  return signs;
}

}  // namespace lucid::train
