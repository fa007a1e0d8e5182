// SPDX-License-Identifier: Apache-2.0
// Probes the cross attention of the prior's U-Net in the test views of an asset.
#include "lucid/edit/word_mask.h"

#include <algorithm>
#include <cmath>

#include "lucid/base/error.h"
#include "lucid/base/rng.h"
#include "lucid/nn/layer.h"
#include "lucid/tensor/randn.h"
#include "lucid/train/outputs.h"
#include "lucid/train/step.h"

namespace lucid::edit {
namespace {

using torch::Tensor;

constexpr int64_t kNoiseLevels[] = {100, 300, 500, 700};  // timesteps; the low ones show parts, the high ones objects

/// [L]: 1 where the tokens of `word` stand in `text`, as the prior reads it.
Tensor places_of(const text_to_image::Prior& prior, const std::string& text, const WordQuery& query) {
  const int64_t length = prior.encoder->config().positions;
  const auto tokens = [&](const std::string& of) {
    return prior.tokenizer.encode(text_to_image::expand_tokens(prior, of), length);
  };
  const std::vector<int64_t> ids = tokens(text);
  std::vector<int64_t> word = tokens(query.word);
  word.erase(word.begin());  // the beginning and the end of the text
  word.pop_back();
  Tensor places = torch::zeros({length});
  bool found = false;
  for (auto at = ids.begin(); !word.empty();) {
    at = std::search(at, ids.end(), word.begin(), word.end());
    if (at == ids.end()) break;
    const int64_t first = at - ids.begin(), count = static_cast<int64_t>(word.size());
    places.slice(0, first, first + count).fill_(1);
    found = true;
    at += count;
  }
  if (!found) {
    throw UserError({.what_happened = fmt::format("'{}' does not stand in the prompt '{}'", query.word, query.prompt),
                     .key = "mask_word",
                     .hint = "a word of the asset's prompt, written as there"});
  }
  return places;
}

/// Sums the shares that layers report, each as a picture, weighted by its number of tokens. Layers of full resolution
/// are left out: they attend to textures (Hertz et al. take a quarter of the latents' side alone).
class MapOfLayers {
 public:
  MapOfLayers(const Tensor& latents, const Camera& camera)
      : height_(latents.size(2)), width_(latents.size(3)), sum_(torch::zeros({camera.height, camera.width})) {}

  void add(const Tensor& shares) {  // [1,N]
    const int64_t tokens = shares.size(1);
    const double shrink = std::sqrt(static_cast<double>(height_ * width_) / static_cast<double>(tokens));
    if (shrink < 1.5) return;
    const int64_t rows = std::llround(static_cast<double>(height_) / shrink), columns = tokens / rows;
    LUCID_CHECK(rows * columns == tokens, "{} tokens of {} x {} latents", tokens, height_, width_);
    namespace F = torch::nn::functional;
    const auto to_picture = F::InterpolateFuncOptions()
                                .size(std::vector<int64_t>{sum_.size(0), sum_.size(1)})
                                .mode(torch::kBilinear)
                                .align_corners(false);
    const auto weight = static_cast<double>(tokens);
    sum_ += weight * F::interpolate(shares.cpu().view({1, 1, rows, columns}), to_picture)[0][0];
    weights_ += weight;
  }
  Tensor mean() const {  // [H,W]
    LUCID_CHECK(weights_ > 0, "a U-Net without cross attention below full resolution");
    return sum_ / weights_;
  }

 private:
  int64_t height_, width_;
  Tensor sum_;
  double weights_ = 0;
};

/// The attention of one view, [H,W] of the picture's size.
Tensor attention_map(text_to_image::Prior& prior, const Tensor& latents, const text_to_image::PromptEmbedding& prompt,
                     const Tensor& places, const Camera& camera) {
  const torch::ScalarType dtype = nn::compute_dtype(*prior.unet);
  MapOfLayers map(latents, camera);
  const nn::AttentionProbe probe{.tokens = places, .report = [&](const Tensor& shares) { map.add(shares); }};
  nn::Context context(prompt.context.to(dtype));
  diffusion::UNetExtras extras;
  if (prompt.vector.defined()) extras.vector = prompt.vector.to(latents.device());
  context.probe = &probe;
  Rng rng(/*seed=*/0, "word mask");
  const Tensor noise = tensor::randn(rng, latents.sizes(), latents.device());
  for (const int64_t t : kNoiseLevels) {
    const Tensor noisy = prior.schedule.add_noise(latents, noise, t);
    prior.unet->forward(noisy.to(nn::activation_dtype(dtype, noisy)),
                        torch::full({1}, t, torch::kLong).to(noisy.device()), context, extras);
  }
  return map.mean();
}

/// The words of the anchor nearest to a direction: those that the prompt of such a view is trained with.
std::string words_of(const text_to_image::ViewAnchors& anchors, const text_to_image::Direction& view) {
  const auto mix = anchors.mix(view.azimuth, view.elevation);
  const auto most = std::ranges::max_element(mix, {}, &std::pair<size_t, double>::second);
  return anchors.anchors()[most->first].words;
}

}  // namespace

std::vector<MaskPicture> word_pictures(text_to_image::Prior& prior, const gaussians::Cloud& cloud,
                                       const WordQuery& query, const ViewOptions& views) {
  const torch::NoGradGuard no_grad;
  const auto anchors = text_to_image::ViewAnchors::of_prior(prior.folder);
  const torch::Device device = prior.unet->parameters().front().device();
  gaussians::ViewRenderer renderer(torch::kCPU);
  std::vector<MaskPicture> pictures;
  std::vector<Tensor> maps;
  for (const Camera& camera : test_views(views, views.width, views.height)) {
    const std::string text = query.prompt + words_of(anchors, train::directions_of({camera}, views).front());
    const Tensor picture = train::plain_view(cloud, camera, renderer).rgb.clamp(0, 1).unsqueeze(0).to(device);
    const torch::ScalarType dtype = nn::activation_dtype(nn::compute_dtype(*prior.vae), picture);
    const Tensor moments = prior.vae->encode_moments((2 * picture - 1).to(dtype)).to(torch::kFloat);
    const Tensor latents = diffusion::posterior_mean(moments) * prior.vae->config().scaling_factor;
    maps.push_back(
        attention_map(prior, latents, text_to_image::embed_prompt(prior, text), places_of(prior, text, query), camera));
    pictures.push_back({.camera = camera, .white = {}});
  }
  const Tensor all = torch::stack(maps);
  const double low = all.min().item<double>(), high = all.max().item<double>();
  for (size_t i = 0; i < pictures.size(); ++i)
    pictures[i].white = (maps[i] > low + query.threshold * (high - low)).to(torch::kFloat);
  return pictures;
}

}  // namespace lucid::edit
