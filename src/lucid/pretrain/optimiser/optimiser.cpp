// SPDX-License-Identifier: Apache-2.0
// Muon and AdamW updates per weight, shared among workers; Newton-Schulz orthogonalisation.
#include "lucid/pretrain/optimiser/optimiser.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "lucid/tensor/device.h"

namespace lucid::pretrain {

torch::Tensor orthogonalised(const torch::Tensor& matrix) {
  constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;  // Jordan's quintic: steepest at 0 while staying near 1
  constexpr int kSteps = 5;
  const bool batch = matrix.dim() == 3, tall = matrix.size(-2) > matrix.size(-1);
  torch::Tensor x = tall ? matrix.transpose(-2, -1) : matrix;
  x = (x / ((batch ? x.norm(2, {1, 2}, true) : x.norm()) + 1e-7)).contiguous();
  // A step is X <- P(X X^T) X. All P are polynomials of the first Gram matrix and commute. So the steps are computed on
  // the small square Gram matrices, and X, which may be ten times as wide, is multiplied twice instead of ten times.
  torch::Tensor gram = torch::matmul(x, x.transpose(-2, -1)), product;
  const torch::Tensor identity = torch::eye(gram.size(-1), gram.options());
  for (int step = 0; step < kSteps; ++step) {
    torch::Tensor poly =
        batch ? torch::baddbmm(identity, gram, gram, kA, kC) : torch::addmm(identity, gram, gram, kA, kC);
    poly.add_(gram, kB);
    product = step == 0 ? poly : torch::matmul(poly, product);
    if (step + 1 < kSteps) gram = torch::matmul(poly, torch::matmul(gram, poly));
  }
  x = torch::matmul(product, x);
  return tall ? x.transpose(-2, -1) : x;
}

double muon_scale(int64_t rows, int64_t columns) {
  return 0.2 * std::sqrt(static_cast<double>(std::max(rows, columns)));
}

bool uses_muon(const std::string& name, const torch::Tensor& parameter, const OptimiserOptions& options) {
  return parameter.dim() >= 2 && std::ranges::none_of(options.adamw_names, [&](const std::string& part) {
           return name.find(part) != std::string::npos;
         });
}

Optimiser::Optimiser(const torch::nn::Module& module, const OptimiserOptions& options)
    : Optimiser(module, options, tensor::device_of(module).is_cpu() ? UpdateMode::kPerWeight : UpdateMode::kGrouped) {}

Optimiser::Optimiser(const torch::nn::Module& module, const OptimiserOptions& options, UpdateMode mode)
    : options_(options) {
  if (mode == UpdateMode::kGrouped) {
    groups_ = weight_groups(module, options);
    return;
  }
  for (const auto& item : module.named_parameters()) {
    const torch::Tensor& p = item.value();
    const bool matrix = uses_muon(item.key(), p, options);
    slots_.push_back({.name = item.key(),
                      .parameter = p,
                      .first = torch::zeros_like(p).detach(),
                      .second = matrix ? torch::Tensor() : torch::zeros_like(p).detach()});
  }
  // Workers take weights in turn; sorted by size they get similar shares.
  std::ranges::stable_sort(slots_, std::ranges::greater{}, [](const Slot& slot) { return slot.parameter.numel(); });
}

void Optimiser::update(Slot& slot, double rate, double scale, int64_t step) const {
  torch::Tensor p = slot.parameter.data();
  const torch::Tensor gradient = slot.parameter.grad() * scale;
  if (options_.weight_decay > 0 && p.dim() >= 2) p.mul_(1 - rate * options_.weight_decay);
  if (!slot.second.defined()) {
    slot.first.mul_(options_.momentum).add_(gradient);
    const torch::Tensor ahead = (gradient + options_.momentum * slot.first).flatten(1);  // Nesterov
    p.sub_(orthogonalised(ahead).reshape(p.sizes()), rate * muon_scale(ahead.size(0), ahead.size(1)));
    return;
  }
  const double n = static_cast<double>(step + 1);
  slot.first.mul_(options_.beta1).add_(gradient, 1 - options_.beta1);
  slot.second.mul_(options_.beta2).addcmul_(gradient, gradient, 1 - options_.beta2);
  const torch::Tensor root = (slot.second / (1 - std::pow(options_.beta2, n))).sqrt_().add_(options_.eps);
  p.addcdiv_(slot.first, root, -rate / (1 - std::pow(options_.beta1, n)));
}

torch::Tensor Optimiser::step(int64_t step, double rate_factor, const tensor::Workers& workers) {
  const torch::NoGradGuard no_grad;
  if (!groups_.empty()) return step_groups(groups_, options_, options_.rate * rate_factor, step);
  const auto share = [&](int64_t worker, const std::function<void(Slot&)>& body) {
    for (size_t i = static_cast<size_t>(worker); i < slots_.size(); i += static_cast<size_t>(workers.count())) {
      if (slots_[i].parameter.grad().defined()) body(slots_[i]);
    }
  };
  const double squares = workers.sum([&](int64_t worker) {
    const torch::NoGradGuard no_grad_here;
    double sum = 0;
    share(worker, [&](Slot& slot) { sum += slot.parameter.grad().square().sum().item<double>(); });
    return sum;
  });
  const double norm = std::sqrt(squares);
  const double scale = options_.clip > 0 ? std::min(1.0, options_.clip / (norm + 1e-12)) : 1.0;
  workers.run([&](int64_t worker) {
    const torch::NoGradGuard no_grad_here;
    share(worker, [&](Slot& slot) {
      update(slot, options_.rate * rate_factor, scale, step);
      slot.parameter.mutable_grad().zero_();
    });
  });
  return torch::tensor(norm, torch::kDouble);
}

std::map<std::string, torch::Tensor> Optimiser::state() const {
  std::map<std::string, torch::Tensor> state;
  for (const Slot& slot : slots_) {
    state["first." + slot.name] = slot.first;
    if (slot.second.defined()) state["second." + slot.name] = slot.second;
  }
  for (const WeightGroup& group : groups_) {
    for (size_t i = 0; i < group.names.size(); ++i) {
      state["first." + group.names[i]] = group.moment_of(group.first, i);
      if (group.second.defined()) state["second." + group.names[i]] = group.moment_of(group.second, i);
    }
  }
  return state;
}

}  // namespace lucid::pretrain
