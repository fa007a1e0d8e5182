// SPDX-License-Identifier: Apache-2.0
// See optimiser.h.
#include "lucid/prior/optimiser.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace lucid::prior {

torch::Tensor orthogonalised(const torch::Tensor& matrix) {
  constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;  // steepest at 0 among the quintics that stay near 1
  constexpr int kSteps = 5;
  const bool tall = matrix.size(0) > matrix.size(1);
  torch::Tensor x = tall ? matrix.t() : matrix;
  x = (x / (x.norm() + 1e-7)).contiguous();
  // Each step is X <- P(X X^T) X. All P are polynomials of the first Gram matrix and commute, so the steps are taken on
  // the small square matrices and X, often ten times as wide, is multiplied twice instead of ten times.
  torch::Tensor gram = torch::mm(x, x.t()), product;
  const torch::Tensor identity = torch::eye(gram.size(0));
  for (int step = 0; step < kSteps; ++step) {
    const torch::Tensor poly = torch::addmm(identity, gram, gram, kA, kC).add_(gram, kB);
    product = step == 0 ? poly : torch::mm(poly, product);
    if (step + 1 < kSteps) gram = torch::mm(poly, torch::mm(gram, poly));
  }
  x = torch::mm(product, x);
  return tall ? x.t() : x;
}

Optimiser::Optimiser(const torch::nn::Module& module, const OptimiserOptions& options) : options_(options) {
  for (const auto& item : module.named_parameters()) {
    const torch::Tensor& p = item.value();
    const bool matrix = p.dim() >= 2 && std::ranges::none_of(options.not_matrices, [&](const std::string& part) {
                          return item.key().find(part) != std::string::npos;
                        });
    slots_.push_back({.name = item.key(),
                      .parameter = p,
                      .first = torch::zeros_like(p).detach(),
                      .second = matrix ? torch::Tensor() : torch::zeros_like(p).detach()});
  }
  // Workers take turns: from the largest down they get alike shares, whatever order the network lists its weights in.
  std::ranges::stable_sort(slots_, std::ranges::greater{}, [](const Slot& slot) { return slot.parameter.numel(); });
}

void Optimiser::update(Slot& slot, double rate, double scale, int64_t step) const {
  torch::Tensor p = slot.parameter.data();
  const torch::Tensor gradient = slot.parameter.grad() * scale;
  if (options_.weight_decay > 0 && p.dim() >= 2) p.mul_(1 - rate * options_.weight_decay);
  if (!slot.second.defined()) {
    slot.first.mul_(options_.momentum).add_(gradient);
    const torch::Tensor ahead = (gradient + options_.momentum * slot.first).flatten(1);  // Nesterov
    const double size = 0.2 * std::sqrt(static_cast<double>(std::max(ahead.size(0), ahead.size(1))));
    p.sub_(orthogonalised(ahead).reshape(p.sizes()), rate * size);
    return;
  }
  const double n = static_cast<double>(step + 1);
  slot.first.mul_(options_.beta1).add_(gradient, 1 - options_.beta1);
  slot.second.mul_(options_.beta2).addcmul_(gradient, gradient, 1 - options_.beta2);
  const torch::Tensor root = (slot.second / (1 - std::pow(options_.beta2, n))).sqrt_().add_(options_.eps);
  p.addcdiv_(slot.first, root, -rate / (1 - std::pow(options_.beta1, n)));
}

double Optimiser::step(int64_t step, double rate_factor, const Workers& workers) {
  const torch::NoGradGuard no_grad;
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
  return norm;
}

std::map<std::string, torch::Tensor> Optimiser::state() const {
  std::map<std::string, torch::Tensor> state;
  for (const Slot& slot : slots_) {
    state["first." + slot.name] = slot.first;
    if (slot.second.defined()) state["second." + slot.name] = slot.second;
  }
  return state;
}

}  // namespace lucid::prior
