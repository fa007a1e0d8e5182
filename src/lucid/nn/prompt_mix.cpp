// SPDX-License-Identifier: Apache-2.0
// mix_rows(): one matrix product on a GPU; on a CPU a sum over the rows with non-zero weights.
#include "lucid/nn/prompt_mix.h"

#include <vector>

#include "lucid/base/error.h"
#include "lucid/tensor/device.h"

namespace lucid::nn {
namespace {

using torch::Tensor;
using Weights = at::TensorAccessor<float, 2>;

/// The row k with weights[b][k] = 1, and all other weights 0, for every b; -1 if there is none.
int64_t common_row(const Weights& weights) {
  int64_t row = 0;
  while (row < weights.size(1) && weights[0][row] == 0) ++row;
  if (row == weights.size(1)) return -1;
  for (int64_t b = 0; b < weights.size(0); ++b) {
    for (int64_t k = 0; k < weights.size(1); ++k) {
      if (weights[b][k] != (k == row ? 1 : 0)) return -1;
    }
  }
  return row;
}

}  // namespace

Tensor mix_rows(const Tensor& weights, const Tensor& rows) {
  LUCID_CHECK(weights.dim() == 2 && weights.size(0) > 0 && weights.size(1) == rows.size(0), "weights {} x {}, {} rows",
              weights.size(0), weights.size(1), rows.size(0));
  std::vector<int64_t> shape = rows.sizes().vec();
  shape[0] = weights.size(0);
  if (!weights.is_cpu()) return torch::matmul(weights.to(rows.scalar_type()), rows.flatten(1)).view(shape);

  const Weights weight = weights.accessor<float, 2>();
  if (const int64_t row = common_row(weight); row >= 0) return rows[row].expand(shape);
  std::vector<Tensor> mixes;
  for (int64_t b = 0; b < weight.size(0); ++b) {
    Tensor mix;
    for (int64_t k = 0; k < weight.size(1); ++k) {
      if (weight[b][k] == 0) continue;
      mix = mix.defined() ? mix.add(rows[k], weight[b][k]) : rows[k] * weight[b][k];
    }
    mixes.push_back(mix.defined() ? mix : torch::zeros_like(rows[0]));
  }
  return torch::stack(mixes);
}

torch::Tensor PromptMix::embeddings() const { return mix_rows(tensor::to_device(weights, prompts.device()), prompts); }

}  // namespace lucid::nn
