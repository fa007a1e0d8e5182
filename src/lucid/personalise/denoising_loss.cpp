// SPDX-License-Identifier: Apache-2.0
// Noise on latents, the U-Net's prediction, and the squared error; words compared by it.
#include "lucid/personalise/denoising_loss.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "lucid/base/error.h"
#include "lucid/nn/choose.h"
#include "lucid/nn/layer.h"
#include "lucid/tensor/device.h"
#include "lucid/tensor/randn.h"
#include "lucid/text_to_image/vocabulary/vocabulary.h"

namespace lucid::personalise {
namespace {

constexpr int64_t kRowsAtOnce = 8;  // of a comparison

std::vector<std::string> templates_of(const text_to_image::Prior& prior) {
  if (text_to_image::load_vocabulary(prior.folder)) return {"a {}"};
  return {"a photo of a {}",          "a rendering of a {}",  "the photo of a {}", "a photo of my {}",
          "a close-up photo of a {}", "a good photo of a {}", "a photo of one {}", "a depiction of a {}"};
}

std::string filled(const std::string& pattern, const std::string& word) {
  std::string text = pattern;
  return text.replace(text.find("{}"), 2, word);
}

/// Rows first … first + count - 1.
Draws part_of(const Draws& draws, int64_t first, int64_t count) {
  const auto cut = [&](const auto& list) {
    return std::remove_cvref_t<decltype(list)>(list.begin() + first, list.begin() + first + count);
  };
  return {.pictures = cut(draws.pictures),
          .timesteps = cut(draws.timesteps),
          .templates = cut(draws.templates),
          .noise = draws.noise.slice(0, first, first + count)};
}

/// The loss of each row, without gradients.
torch::Tensor losses_of(DenoisingLoss& loss, const std::string& word, const Draws& draws) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> parts;
  const auto rows = static_cast<int64_t>(draws.pictures.size());
  for (int64_t first = 0; first < rows; first += kRowsAtOnce) {
    parts.push_back(loss.of(word, part_of(draws, first, std::min(kRowsAtOnce, rows - first))));
  }
  return torch::cat(parts).to(torch::kCPU, torch::kDouble);
}

}  // namespace

DenoisingLoss::DenoisingLoss(text_to_image::Prior& prior, const std::vector<Picture>& pictures)
    : prior_(prior),
      anchors_(text_to_image::ViewAnchors::of_prior(prior.folder)),
      templates_(templates_of(prior)),
      pictures_(pictures) {
  if (prior.second) {
    throw UserError({.what_happened = "is SDXL, for which lucid learns no words",
                     .file = prior.folder.string(),
                     .hint = "use a prior of Stable Diffusion 1.x or 2.x"});
  }
  const torch::NoGradGuard no_grad;
  prior.encoder->to(torch::kFloat);
  const torch::Device device = tensor::device_of(*prior.unet);
  const torch::ScalarType dtype = nn::compute_dtype(*prior.vae);
  std::vector<torch::Tensor> latents;
  for (const Picture& picture : pictures) {
    const torch::Tensor input = (picture.rgb.unsqueeze(0) * 2 - 1).to(device);
    const torch::Tensor moments = prior.vae->encode_moments(input.to(nn::activation_dtype(dtype, input)));
    latents.push_back(moments.to(torch::kFloat).chunk(2, 1)[0] * prior.vae->config().scaling_factor);
  }
  latents_ = torch::cat(latents);
}

Draws DenoisingLoss::draw(int64_t count, Rng& rng) const {
  const int64_t steps = prior_.schedule.config().num_train_timesteps;
  Draws draws;
  for (int64_t i = 0; i < count; ++i) {
    draws.pictures.push_back(static_cast<size_t>(rng.integer(0, latents_.size(0))));
    draws.timesteps.push_back(rng.integer(i * steps / count, std::max(i * steps / count + 1, (i + 1) * steps / count)));
    draws.templates.push_back(static_cast<size_t>(rng.integer(0, static_cast<int64_t>(templates_.size()))));
  }
  std::vector<int64_t> shape = latents_.sizes().vec();
  shape[0] = count;
  draws.noise = tensor::randn(rng, shape, latents_.device());
  return draws;
}

torch::Tensor DenoisingLoss::contexts(const std::string& word, const Draws& draws) {
  // The distinct sentences of the batch, and each row's weights over them.
  std::map<std::string, int64_t> columns;
  std::vector<std::string> texts;
  const auto column_of = [&](const std::string& text) {
    const auto [at, is_new] = columns.emplace(text, static_cast<int64_t>(texts.size()));
    if (is_new) texts.push_back(text);
    return at->second;
  };
  struct Entry {
    int64_t row, column;
    double weight;
  };
  std::vector<Entry> entries;
  for (size_t row = 0; row < draws.pictures.size(); ++row) {
    const std::string prompt = filled(templates_[draws.templates[row]], word);
    const auto& view = pictures_[draws.pictures[row]].view;
    if (!view) {
      entries.push_back({static_cast<int64_t>(row), column_of(prompt), 1});
      continue;
    }
    for (const auto& [anchor, weight] : anchors_.mix(view->azimuth, view->elevation)) {
      entries.push_back({static_cast<int64_t>(row), column_of(prompt + anchors_.anchors()[anchor].words), weight});
    }
  }
  const int64_t length = prior_.encoder->config().positions;
  std::vector<torch::Tensor> ids;
  for (const std::string& text : texts) {
    ids.push_back(torch::tensor(prior_.tokenizer.encode_padded(expand_tokens(prior_, text), length), torch::kLong));
  }
  const torch::Tensor embeddings = prior_.encoder->forward(torch::stack(ids).to(latents_.device()));  // [T,L,D]
  torch::Tensor weights =
      torch::zeros({static_cast<int64_t>(draws.pictures.size()), static_cast<int64_t>(texts.size())});
  for (const Entry& entry : entries) weights[entry.row][entry.column] += entry.weight;
  return torch::einsum("nt,tld->nld", {weights.to(latents_.device()), embeddings});
}

torch::Tensor DenoisingLoss::of(const std::string& word, const Draws& draws) {
  const torch::Device device = latents_.device();
  const std::vector<int64_t> chosen(draws.pictures.begin(), draws.pictures.end());
  const torch::Tensor x0 = latents_.index_select(0, tensor::to_device(chosen, device));
  const torch::Tensor alphas =
      prior_.schedule.alphas_cumprod().to(device).index_select(0, tensor::to_device(draws.timesteps, device));
  const torch::Tensor signal = alphas.sqrt().view({-1, 1, 1, 1}), spread = (1 - alphas).sqrt().view({-1, 1, 1, 1});
  const torch::Tensor x = signal * x0 + spread * draws.noise;
  const torch::Tensor truth = prior_.schedule.config().prediction == diffusion::Prediction::kV
                                  ? signal * draws.noise - spread * x0
                                  : draws.noise;
  const torch::ScalarType dtype = nn::compute_dtype(*prior_.unet);
  const torch::Tensor predicted =
      prior_.unet->forward(x.to(nn::activation_dtype(dtype, x)), tensor::to_device(draws.timesteps, device),
                           contexts(word, draws).to(dtype));
  return (predicted.to(torch::kFloat) - truth).square().mean({1, 2, 3});
}

Comparison compare_words(DenoisingLoss& loss, const std::string& first, const std::string& second, int64_t rows,
                         uint64_t seed) {
  Rng rng(seed, "personalise compare");
  const Draws draws = loss.draw(rows, rng);
  const torch::Tensor a = losses_of(loss, first, draws), b = losses_of(loss, second, draws), gain = b - a;
  return {.first = a.mean().item<double>(),
          .second = b.mean().item<double>(),
          .difference = gain.mean().item<double>(),
          .half_width = 1.96 * gain.std().item<double>() / std::sqrt(static_cast<double>(rows))};
}

std::vector<std::string> best_words(DenoisingLoss& loss, const std::vector<std::string>& words, size_t count,
                                    int64_t rows, uint64_t seed) {
  Rng rng(seed, "personalise first word");
  const Draws draws = loss.draw(rows, rng);
  std::vector<std::pair<double, std::string>> ranked;
  for (const std::string& word : words) ranked.emplace_back(losses_of(loss, word, draws).mean().item<double>(), word);
  std::ranges::sort(ranked);
  std::vector<std::string> best;
  for (size_t i = 0; i < std::min(count, ranked.size()); ++i) best.push_back(ranked[i].second);
  return best;
}

}  // namespace lucid::personalise
