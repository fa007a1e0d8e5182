// SPDX-License-Identifier: Apache-2.0
// Errors of the predicted noise on held-out views, and the sheet of samples.
#include "lucid/pretrain/unet_measure.h"

#include <fmt/format.h>

#include "lucid/asset/pictures/image.h"
#include "lucid/pretrain/noise.h"
#include "lucid/tensor/device.h"
#include "lucid/tensor/randn.h"

namespace lucid::pretrain {
namespace {

constexpr size_t kHeldOut = 64;
constexpr double kSheetAzimuths[] = {0, 45, 90, 180, -90};

}  // namespace

Prompt prompt_of(const Row& row, const LatentSet& latents) {
  return {.text = row.caption,
          .view_words = row.view_words && !row.caption.empty(),
          .direction = latents.direction_of(row)};
}

std::vector<std::string> sheet_captions(const corpus::Corpus& corpus) {
  constexpr size_t kRows = 8;
  std::set<std::string> words;
  std::vector<std::string> captions, some;  // one per word
  for (const corpus::Item& item : corpus.items()) {
    if (!item.held_out && words.insert(item.word).second) captions.push_back(item.captions.front());
  }
  const size_t count = std::min(kRows, captions.size());
  for (size_t row = 0; row < count; ++row) some.push_back(captions[row * captions.size() / count]);
  return some;
}

UNetMeasure::UNetMeasure(const UNetData& data, const RunOptions& options)
    : data_(data), options_(options), schedule_(noise_schedule()) {
  unseen_views_ =
      held_out(evenly_spaced(data.split.unseen_views.empty() ? data.split.train : data.split.unseen_views, kHeldOut));
  if (!data.split.unseen_items.empty()) unseen_items_ = held_out(evenly_spaced(data.split.unseen_items, kHeldOut));
  empty_ = data.embeddings.of({{.text = "", .view_words = false, .direction = {}}});
}

UNetMeasure::HeldOut UNetMeasure::held_out(const std::vector<int64_t>& views) {
  std::vector<Row> rows;
  std::vector<Prompt> prompts, opposite;
  for (const int64_t view : views) {
    const auto& item = data_.corpus.items()[static_cast<size_t>(data_.split.item_of[static_cast<size_t>(view)])];
    rows.push_back({.view = view, .caption = item.captions.front()});
    prompts.push_back(prompt_of(rows.back(), data_.latents));
    opposite.push_back(prompts.back());
    opposite.back().direction.azimuth += 180;
  }
  return {.latents = data_.latents.of(rows),
          .context = data_.embeddings.of(prompts),
          .opposite = data_.embeddings.of(opposite)};
}

double UNetMeasure::error(diffusion::UNet& unet, const HeldOut& rows) const {
  const torch::NoGradGuard no_grad;
  const int64_t n = rows.latents.size(0);
  const torch::Device device = rows.latents.device();
  Rng rng(0, "held-out noise");
  const torch::Tensor noise = tensor::randn(rng, rows.latents.sizes(), device);
  std::vector<int64_t> times;
  for (int64_t i = 0; i < n; ++i) times.push_back(20 + (960 * i) / n);
  const torch::Tensor x = add_noise_at(schedule_, rows.latents, noise, times);
  return (unet->forward(x, tensor::to_device(times, device), rows.context) - noise).square().mean().item<double>();
}

nlohmann::ordered_json UNetMeasure::measure(diffusion::UNet& unet, int64_t step) {
  const torch::NoGradGuard no_grad;
  nlohmann::ordered_json line = {{"unseen_views", error(unet, unseen_views_)}};
  if (unseen_items_.latents.defined()) line["unseen_items"] = error(unet, unseen_items_);

  constexpr int64_t kTime = 800;
  const HeldOut& rows = unseen_views_;
  Rng rng(0, "view noise");
  const torch::Tensor noise = tensor::randn(rng, rows.latents.sizes(), rows.latents.device());
  const torch::Tensor x = schedule_.add_noise(rows.latents, noise, kTime);
  const torch::Tensor times = torch::full({x.size(0)}, kTime, x.options().dtype(torch::kLong));
  const auto error_told = [&](const torch::Tensor& context) {
    return (unet->forward(x, times, context) - noise).square().mean().item<double>();
  };
  const double told = error_told(rows.context);
  line["rise_without_prompt"] = error_told(empty_.expand_as(rows.context)) / told - 1;
  line["rise_turned"] = error_told(rows.opposite) / told - 1;
  write_sheet(unet, step);
  return line;
}

void UNetMeasure::write_sheet(diffusion::UNet& unet, int64_t step) {
  SamplingModel model{.unet = unet, .vae = data_.vae, .schedule = schedule_, .side = data_.latents.plain.size(2)};
  std::vector<std::vector<torch::Tensor>> rows;
  for (const std::string& caption : sheet_captions(data_.corpus)) {
    std::vector<Prompt> prompts;
    for (const double azimuth : kSheetAzimuths)
      prompts.push_back({.text = caption, .direction = {.azimuth = azimuth, .elevation = 15}});
    const torch::Tensor pictures = sample_ddim(model, {.context = data_.embeddings.of(prompts), .empty = empty_},
                                               kSheetSampling, static_cast<int64_t>(rows.size()));
    rows.push_back(pictures.unbind());
  }
  asset::write_png(options_.folder / "progress" / fmt::format("unet_{:06}.png", step), asset::contact_sheet(rows));
}

}  // namespace lucid::pretrain
