// SPDX-License-Identifier: Apache-2.0
// The training of a word's vectors.
#include "lucid/personalise/learn_word.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lucid/base/error.h"
#include "lucid/weights/state_dict.h"

namespace lucid::personalise {
namespace {

constexpr const char* kTable = "text_model.embeddings.token_embedding.weight";
constexpr double kWarmUp = 0.1, kCoolDown = 0.3;  // shares of the steps in which the rate rises, and falls to 0

torch::Tensor embedding_table(const text_to_image::Prior& prior) { return prior.encoder->named_parameters()[kTable]; }

/// Ids of a text without bos and eos.
std::vector<int64_t> ids_of(const text_to_image::Prior& prior, const std::string& text) {
  std::vector<int64_t> ids = prior.tokenizer.encode(expand_tokens(prior, text));
  return {ids.begin() + 1, ids.end() - 1};
}

/// `count` vectors: the embeddings of the tokens of `like`, over and over.
torch::Tensor first_vectors(const text_to_image::Prior& prior, const std::string& like, int64_t count) {
  const std::vector<int64_t> ids = ids_of(prior, like);
  if (ids.empty()) throw UserError(UserMistake{.what_happened = "there is no word to begin with", .key = "--like"});
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < count; ++i) rows.push_back(ids[static_cast<size_t>(i) % ids.size()]);
  const torch::Tensor table = embedding_table(prior);
  return table.detach().index_select(0, torch::tensor(rows, torch::kLong).to(table.device())).clone();
}

double rate_factor(int64_t step, int64_t steps) {
  const double done = static_cast<double>(step) / static_cast<double>(steps);
  return std::min({1.0, (done + 1.0 / static_cast<double>(steps)) / kWarmUp, (1 - done) / kCoolDown});
}

}  // namespace

text_to_image::Inversion learn_word(text_to_image::Prior& prior, DenoisingLoss& loss, const WordOptions& options) {
  if (std::ranges::any_of(options.word, [](char c) { return 'A' <= c && c <= 'Z'; })) {
    throw UserError({.what_happened = fmt::format(
                         "'{}' has capital letters, which CLIP's tokenizers read as small ones", options.word),
                     .key = "--word",
                     .hint = "small letters; diffusers would not find the word otherwise"});
  }
  if (options.word.empty() || options.word.find_first_of(" \t\n,") != std::string::npos) {
    throw UserError({.what_happened = fmt::format("'{}' is not one word", options.word),
                     .key = "--word",
                     .hint = "\"<thing>\", say"});
  }
  text_to_image::Inversion inversion{
      .file = {}, .token = options.word, .vectors = first_vectors(prior, options.like, options.vectors)};
  text_to_image::add_inversion(inversion, prior);
  const std::vector<int64_t> ids = ids_of(prior, options.word);
  torch::Tensor table = embedding_table(prior);
  const torch::Tensor rows = torch::tensor(ids, torch::kLong).to(table.device());
  const double scale = table.detach().square().mean().sqrt().item<double>();

  torch::Tensor vectors = inversion.vectors.clone();
  const auto put = [&] {
    const torch::NoGradGuard no_grad;
    table.index_copy_(0, rows, vectors);
  };
  torch::optim::Adam adam({vectors}, torch::optim::AdamOptions(options.rate * scale));
  auto& settings = static_cast<torch::optim::AdamOptions&>(adam.param_groups()[0].options());
  Progress progress(options.progress, "word", options.steps);
  double shown = 0;
  table.set_requires_grad(true);
  for (int64_t step = 0; step < options.steps && !(options.stop != nullptr && options.stop->load()); ++step) {
    Rng rng(options.seed, "personalise", static_cast<uint64_t>(step));
    const torch::Tensor mean = loss.of(options.word, loss.draw(options.batch, rng)).mean();
    mean.backward();
    const double value = mean.item<double>();
    if (!std::isfinite(value)) {
      throw UserError({.what_happened = fmt::format("the loss is {} at step {}", value, step),
                       .key = "--rate",
                       .hint = "a smaller rate, or the prior in float32"});
    }
    vectors.mutable_grad() = table.grad().index_select(0, rows);
    table.mutable_grad().reset();
    settings.lr(options.rate * scale * rate_factor(step, options.steps));
    adam.step();
    put();
    shown = step == 0 ? value : 0.95 * shown + 0.05 * value;
    progress.update(step + 1, "loss", shown);
  }
  table.set_requires_grad(false);
  inversion.vectors = vectors.detach();
  return inversion;
}

void write_inversion(const std::filesystem::path& file, const text_to_image::Inversion& inversion) {
  weights::write_safetensors(file, {{inversion.token, inversion.vectors.to(torch::kCPU, torch::kFloat).contiguous()}},
                             {{"format", "pt"}});
}

}  // namespace lucid::personalise
