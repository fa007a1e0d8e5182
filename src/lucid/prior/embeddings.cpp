// SPDX-License-Identifier: Apache-2.0
// See embeddings.h.
#include "lucid/prior/embeddings.h"

#include "lucid/prior/text_trainer.h"

namespace lucid::prior {
namespace {
constexpr size_t kMostKnown = 60'000;  // of 20 KB each at width 128; forgotten all at once beyond it
}

void Embeddings::remember(const std::vector<std::string>& texts) {
  constexpr size_t kAtOnce = 64;
  const torch::NoGradGuard no_grad;
  for (size_t begin = 0; begin < texts.size(); begin += kAtOnce) {
    const std::vector<std::string> some(
        texts.begin() + static_cast<ptrdiff_t>(begin),
        texts.begin() + static_cast<ptrdiff_t>(std::min(texts.size(), begin + kAtOnce)));
    const torch::Tensor states =
        encoder_->forward(ids_of(tokenizer_, some, encoder_->config().positions)).to(torch::kHalf);
    for (size_t i = 0; i < some.size(); ++i) known_[some[i]] = states[static_cast<int64_t>(i)].clone();
  }
}

torch::Tensor Embeddings::of(const std::vector<Prompt>& prompts) {
  struct Part {
    std::string text;
    double weight = 1;
  };
  std::vector<std::vector<Part>> rows;
  for (const Prompt& prompt : prompts) {
    std::vector<Part>& parts = rows.emplace_back();
    if (!prompt.view_words) {
      parts.push_back({.text = prompt.text});
      continue;
    }
    for (const auto& [anchor, weight] : anchors_.mix(prompt.direction.azimuth, prompt.direction.elevation)) {
      parts.push_back({.text = prompt.text + anchors_.anchors()[anchor].words, .weight = weight});
    }
  }
  if (known_.size() > kMostKnown) known_.clear();
  std::set<std::string> missing;
  for (const auto& parts : rows) {
    for (const Part& part : parts) {
      if (!known_.contains(part.text)) missing.insert(part.text);
    }
  }
  remember({missing.begin(), missing.end()});
  std::vector<torch::Tensor> mixed;
  for (const auto& parts : rows) {
    torch::Tensor sum;
    for (const Part& part : parts) {
      const torch::Tensor term = known_.at(part.text).to(torch::kFloat) * part.weight;
      sum = sum.defined() ? sum + term : term;
    }
    mixed.push_back(sum);
  }
  return torch::stack(mixed);
}

}  // namespace lucid::prior
