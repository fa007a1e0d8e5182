// SPDX-License-Identifier: Apache-2.0
// Grouping of weights, and Muon and AdamW updates of a group.
#include "lucid/pretrain/optimiser/optimiser_groups.h"

#include <cmath>
#include <map>
#include <utility>

#include "lucid/pretrain/optimiser/optimiser.h"

namespace lucid::pretrain {
namespace {

/// The weights' gradients; zeros for a weight without a gradient.
std::vector<torch::Tensor> gradients_of(const WeightGroup& group) {
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& weight : group.weights) {
    gradients.push_back(weight.grad().defined() ? weight.grad() : torch::zeros_like(weight));
  }
  return gradients;
}

/// Muon's update divided by the learning rate, [G,m,n].
torch::Tensor muon_change(WeightGroup& group, const torch::Tensor& gradient, const OptimiserOptions& options) {
  group.first.mul_(options.momentum).add_(gradient);
  return orthogonalised(gradient + options.momentum * group.first).mul(-muon_scale(gradient.size(1), gradient.size(2)));
}

/// AdamW's update divided by the learning rate, [N].
torch::Tensor adam_change(WeightGroup& group, const torch::Tensor& gradient, const OptimiserOptions& options,
                          int64_t step) {
  const double n = static_cast<double>(step + 1);
  group.first.mul_(options.beta1).add_(gradient, 1 - options.beta1);
  group.second.mul_(options.beta2).addcmul_(gradient, gradient, 1 - options.beta2);
  const torch::Tensor root = (group.second / (1 - std::pow(options.beta2, n))).sqrt_().add_(options.eps);
  return (group.first / root).mul_(-1 / (1 - std::pow(options.beta1, n)));
}

}  // namespace

void WeightGroup::make_moments() {
  const auto like = weights.front().options().requires_grad(false);
  if (muon) {
    const auto matrix = weights.front().flatten(1);
    first = torch::zeros({static_cast<int64_t>(weights.size()), matrix.size(0), matrix.size(1)}, like);
    return;
  }
  int64_t count = 0;
  for (const torch::Tensor& weight : weights) count += weight.numel();
  first = torch::zeros({count}, like);
  second = torch::zeros({count}, like);
}

torch::Tensor WeightGroup::moment_of(const torch::Tensor& moments, size_t i) const {
  if (muon) return moments[static_cast<int64_t>(i)].reshape(weights[i].sizes());
  int64_t begin = 0;
  for (size_t k = 0; k < i; ++k) begin += weights[k].numel();
  return moments.slice(0, begin, begin + weights[i].numel()).reshape(weights[i].sizes());
}

std::vector<WeightGroup> weight_groups(const torch::nn::Module& module, const OptimiserOptions& options) {
  std::map<std::pair<int64_t, int64_t>, WeightGroup> matrices;
  WeightGroup plain, decaying{.decays = true};
  for (const auto& item : module.named_parameters()) {
    const torch::Tensor& weight = item.value();
    WeightGroup* group = weight.dim() >= 2 ? &decaying : &plain;
    if (uses_muon(item.key(), weight, options)) {
      const torch::Tensor matrix = weight.flatten(1);
      group = &matrices[{matrix.size(0), matrix.size(1)}];
      group->muon = group->decays = true;
    }
    group->names.push_back(item.key());
    group->weights.push_back(weight);
  }
  std::vector<WeightGroup> groups;
  for (auto& [shape, group] : matrices) groups.push_back(std::move(group));
  for (WeightGroup* group : {&plain, &decaying}) {
    if (!group->weights.empty()) groups.push_back(std::move(*group));
  }
  for (WeightGroup& group : groups) group.make_moments();
  return groups;
}

torch::Tensor step_groups(std::vector<WeightGroup>& groups, const OptimiserOptions& options, double rate,
                          int64_t step) {
  const torch::NoGradGuard no_grad;
  std::vector<std::vector<torch::Tensor>> gradients;
  std::vector<torch::Tensor> norms;
  for (const WeightGroup& group : groups) {
    for (torch::Tensor& norm : torch::_foreach_norm(gradients.emplace_back(gradients_of(group)))) {
      norms.push_back(std::move(norm));
    }
  }
  const torch::Tensor norm = torch::stack(norms).norm();
  // The clipping factor stays on the device; reading it here would synchronise.
  const torch::Tensor scale =
      options.clip > 0 ? (options.clip / (norm + 1e-12)).clamp_max_(1) : torch::ones({}, norm.options());
  for (size_t g = 0; g < groups.size(); ++g) {
    WeightGroup& group = groups[g];
    if (group.decays && options.weight_decay > 0) {
      torch::_foreach_mul_(group.weights, 1 - rate * options.weight_decay);
    }
    for (torch::Tensor& gradient : gradients[g]) gradient = group.muon ? gradient.flatten(1) : gradient.flatten();
    const torch::Tensor gradient = (group.muon ? torch::stack(gradients[g]) : torch::cat(gradients[g])) * scale;
    const torch::Tensor change =
        group.muon ? muon_change(group, gradient, options) : adam_change(group, gradient, options, step);
    std::vector<torch::Tensor> changes;
    for (size_t i = 0; i < group.weights.size(); ++i) changes.push_back(group.moment_of(change, i));
    torch::_foreach_add_(group.weights, changes, rate);
    for (torch::Tensor& weight : group.weights) weight.mutable_grad() = torch::Tensor();
  }
  return norm;
}

}  // namespace lucid::pretrain
