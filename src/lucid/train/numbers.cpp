// SPDX-License-Identifier: Apache-2.0
// Finds the first tensor of a step that is not finite.
#include "lucid/train/numbers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

namespace lucid::train {

std::string BadNumbers::text() const {
  std::vector<std::string> kinds;
  if (nan > 0) kinds.emplace_back("NaN");
  if (infinite > 0) kinds.emplace_back("Inf");
  if (large > 0) kinds.push_back(fmt::format("values above {:.0e}", kLarge));
  std::vector<std::string> places;
  if (view >= 0) places.push_back(fmt::format("view {}", view));
  if (t >= 0) places.push_back(fmt::format("t = {}", t));
  const std::string where = places.empty() ? "" : fmt::format(" ({})", fmt::join(places, ", "));
  return fmt::format("step {}: {} in {} of {} numbers of {}{}", step, fmt::join(kinds, " and "), nan + infinite + large,
                     all, tensor, where);
}

void NumberWatch::add(std::string name, const torch::Tensor& tensor, Of of, bool by_view) {
  if (!tensor.defined() || tensor.numel() == 0) return;
  const torch::Tensor plain = tensor.detach();
  watched_.push_back({std::move(name), plain, plain.norm().to(torch::kFloat), of, by_view});
}

void NumberWatch::add_parameters(Model& model) {
  using gaussians::Cloud;
  const auto parameters = model.cloud.parameters();
  for (size_t group = 0; group < parameters.size(); ++group)
    add(fmt::format("the Gaussians' {}", Cloud::kNames[group]), *parameters[group], Of::kGaussians, false);
  add("the Gaussians' scales", model.cloud.log_scales.exp(), Of::kGaussians, false);
}

torch::Tensor NumberWatch::norms() const {
  std::vector<torch::Tensor> norms;
  for (const Watched& each : watched_) norms.push_back(each.norm);
  return torch::stack(norms);
}

std::optional<BadNumbers> NumberWatch::find(const torch::Tensor& norms) const {
  for (size_t i = 0; i < watched_.size(); ++i) {
    if (std::isfinite(norms[static_cast<int64_t>(i)].item<float>())) continue;
    const Watched& each = watched_[i];
    const torch::Tensor is_large = each.tensor.isfinite().logical_and(each.tensor.abs() > kLarge);
    BadNumbers bad{.tensor = each.name,
                   .nan = each.tensor.isnan().sum().item<int64_t>(),
                   .infinite = each.tensor.isinf().sum().item<int64_t>(),
                   .large = is_large.sum().item<int64_t>(),
                   .all = each.tensor.numel(),
                   .of_gaussians = each.of == Of::kGaussians,
                   .of_prior = each.of == Of::kPrior};
    if (bad.nan + bad.infinite + bad.large == 0) continue;
    if (each.by_view) {
      const torch::Tensor rows = each.tensor.isfinite().logical_not().logical_or(is_large).flatten(1).any(1);  // [B]
      bad.view = rows.nonzero()[0].item<int64_t>();
    }
    return bad;
  }
  return std::nullopt;
}

uint64_t seed_after_setbacks(uint64_t seed, const Model& model) {
  constexpr uint64_t kGoldenRatio = 0x9E3779B97F4A7C15;  // any odd number far from small ones
  return seed + static_cast<uint64_t>(model.setbacks) * kGoldenRatio;
}

double rate_after_setbacks(const Model& model) { return std::ldexp(1.0, -static_cast<int>(model.setbacks)); }

Model copy_of(const Model& model) {
  Model copy = model;  // handles
  for_each_tensor(copy, [](const std::string&, torch::Tensor& tensor) { tensor = tensor.clone(); });
  return copy;
}

}  // namespace lucid::train
