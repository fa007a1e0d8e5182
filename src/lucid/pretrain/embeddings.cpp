// SPDX-License-Identifier: Apache-2.0
// Cache of sentence embeddings, and their interpolation between view anchors.
#include "lucid/pretrain/embeddings.h"

#include <algorithm>
#include <set>

#include "lucid/pretrain/text_trainer.h"
#include "lucid/tensor/device.h"

namespace lucid::pretrain {

void Embeddings::reserve(int64_t rows) {
  constexpr int64_t kAtFirst = 1024;
  const int64_t capacity = table_.defined() ? table_.size(0) : 0;
  if (rows <= capacity) return;
  const text::EncoderConfig& config = encoder_->config();
  const int64_t doubled = std::min(std::max(2 * capacity, kAtFirst), options_.max_cached);
  const torch::Tensor larger = torch::empty({std::max(rows, doubled), config.positions, config.hidden_size},
                                            torch::TensorOptions(torch::kHalf).device(tensor::device_of(*encoder_)));
  if (cached() > 0) larger.slice(0, 0, cached()).copy_(table_.slice(0, 0, cached()));
  table_ = larger;
}

void Embeddings::encode_missing(const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  const int64_t first = cached(), count = static_cast<int64_t>(texts.size());
  const torch::Device device = tensor::device_of(*encoder_);
  reserve(first + count);
  options_.workers.run([&](int64_t worker) {
    const torch::NoGradGuard no_grad;
    const tensor::Share share = tensor::share_of(count, worker, options_.workers.count());
    // One sentence per forward pass: the rounding of a matrix product depends on the batch size, and the set of missing
    // sentences depends on where a run was resumed. So a resumed run has equal bits.
    for (int64_t i = share.begin; i < share.end; ++i) {
      const torch::Tensor ids = ids_of(tokenizer_, {texts[static_cast<size_t>(i)]}, encoder_->config().positions);
      table_[first + i].copy_(encoder_->forward(tensor::to_device(ids, device)).squeeze(0));
    }
  });
  for (int64_t i = 0; i < count; ++i) row_of_.emplace(texts[static_cast<size_t>(i)], first + i);
}

torch::Tensor Embeddings::of(const std::vector<Prompt>& prompts) {
  struct Part {
    std::string text;
    double weight = 1;
  };
  std::vector<std::vector<Part>> mixes;
  for (const Prompt& prompt : prompts) {
    std::vector<Part>& parts = mixes.emplace_back();
    if (!prompt.view_words) {
      parts.push_back({.text = prompt.text});
      continue;
    }
    for (const auto& [anchor, weight] : anchors_.mix(prompt.direction.azimuth, prompt.direction.elevation)) {
      parts.push_back({.text = prompt.text + anchors_.anchors()[anchor].words, .weight = weight});
    }
  }
  if (cached() > options_.max_cached) row_of_.clear();
  std::set<std::string> missing;
  size_t widest = 0;
  for (const auto& parts : mixes) {
    widest = std::max(widest, parts.size());
    for (const Part& part : parts) {
      if (!row_of_.contains(part.text)) missing.insert(part.text);
    }
  }
  encode_missing({missing.begin(), missing.end()});

  // Sum the k-th parts of all prompts at once. A prompt with fewer parts adds row 0 with weight 0.
  const size_t n = prompts.size();
  std::vector<int64_t> rows(widest * n, 0);
  std::vector<float> weights(widest * n, 0);
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < mixes[i].size(); ++k) {
      rows[k * n + i] = row_of_.at(mixes[i][k].text);
      weights[k * n + i] = static_cast<float>(mixes[i][k].weight);
    }
  }
  const torch::NoGradGuard no_grad;
  const std::vector<int64_t> by_part = {static_cast<int64_t>(widest), static_cast<int64_t>(n)};
  const torch::Tensor row = tensor::to_device(rows, table_.device()).view(by_part);
  const torch::Tensor weight = tensor::to_device(weights, table_.device()).view(by_part).unsqueeze(2).unsqueeze(3);
  torch::Tensor sum;
  for (int64_t k = 0; k < row.size(0); ++k) {
    torch::Tensor term = table_.index_select(0, row[k]).to(torch::kFloat).mul_(weight[k]);
    sum = sum.defined() ? sum.add_(term) : term;
  }
  return sum;
}

}  // namespace lucid::pretrain
