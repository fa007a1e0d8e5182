// SPDX-License-Identifier: Apache-2.0
// Errors of the predicted noise on held-out groups, and the sheet of samples.
#include "lucid/pretrain/multi_view/group_measure.h"

#include <fmt/format.h>

#include "lucid/asset/pictures/image.h"
#include "lucid/pretrain/multi_view/cameras.h"
#include "lucid/pretrain/noise.h"
#include "lucid/tensor/device.h"
#include "lucid/tensor/randn.h"

namespace lucid::pretrain {
namespace {

constexpr size_t kHeldOutGroups = 24;

}  // namespace

GroupMeasure::GroupMeasure(const UNetData& data, const RunOptions& options)
    : data_(data), options_(options), schedule_(noise_schedule()) {
  unseen_groups_ = held_out(evenly_spaced(data.split.unseen_groups, kHeldOutGroups));
  unseen_items_ = held_out(evenly_spaced(data.split.unseen_items_groups, kHeldOutGroups));
  empty_ = data.embeddings.of({{.text = "", .view_words = false, .direction = {}}});
}

GroupMeasure::HeldOut GroupMeasure::held_out(const std::vector<int64_t>& groups) {
  if (groups.empty()) return {};
  const std::vector<Row> rows = rows_of_groups(data_.corpus, data_.split, groups);
  std::vector<Prompt> prompts, with_view_words;
  std::vector<text_to_image::Direction> opposite;
  for (const Row& row : rows) {
    prompts.push_back(prompt_of(row, data_.latents));
    with_view_words.push_back(prompts.back());
    with_view_words.back().view_words = true;
    opposite.push_back(prompts.back().direction);
    opposite.back().azimuth += 180;
  }
  return {.latents = data_.latents.of(rows),
          .context = data_.embeddings.of(prompts),
          .with_view_words = data_.embeddings.of(with_view_words),
          .cameras = data_.latents.cameras_of(rows),
          .opposite_cameras = cameras_at(opposite, data_.latents.plain.device())};
}

double GroupMeasure::error(diffusion::UNet& unet, const HeldOut& rows, const torch::Tensor& context) const {
  const int64_t views = unet->config().views, groups = rows.latents.size(0) / views;
  Rng rng(0, "held-out groups");
  const torch::Tensor noise = tensor::randn(rng, rows.latents.sizes(), rows.latents.device());
  std::vector<int64_t> times;
  for (int64_t i = 0; i < rows.latents.size(0); ++i) times.push_back(20 + 960 * (i / views) / groups);
  const torch::Tensor x = add_noise_at(schedule_, rows.latents, noise, times);
  const torch::Tensor predicted =
      unet->forward(x, tensor::to_device(times, x.device()), context, {.cameras = rows.cameras, .views = views});
  return (predicted - noise).square().mean().item<double>();
}

nlohmann::ordered_json GroupMeasure::measure(diffusion::UNet& unet, int64_t step) {
  const torch::NoGradGuard no_grad;
  nlohmann::ordered_json line = nlohmann::ordered_json::object();
  if (unseen_items_.latents.defined())
    line["groups_of_unseen_items"] = error(unet, unseen_items_, unseen_items_.context);
  if (unseen_groups_.latents.defined()) {
    constexpr int64_t kTime = 800;
    const HeldOut& rows = unseen_groups_;
    line["groups"] = error(unet, rows, rows.context);
    line["groups_with_view_words"] = error(unet, rows, rows.with_view_words);
    Rng rng(0, "group noise");
    const torch::Tensor noise = tensor::randn(rng, rows.latents.sizes(), rows.latents.device());
    const torch::Tensor x = schedule_.add_noise(rows.latents, noise, kTime);
    const torch::Tensor times = torch::full({x.size(0)}, kTime, x.options().dtype(torch::kLong));
    const auto error_told = [&](const torch::Tensor& context, const torch::Tensor& cameras, int64_t views) {
      const auto predicted = unet->forward(x, times, context, {.cameras = cameras, .views = views});
      return (predicted - noise).square().mean().item<double>();
    };
    const int64_t views = unet->config().views;
    const double told = error_told(rows.context, rows.cameras, views);
    const torch::Tensor nothing = empty_.expand_as(rows.context);
    line["groups_rise_without_prompt"] = error_told(nothing, rows.cameras, views) / told - 1;
    line["groups_rise_turned"] = error_told(rows.context, rows.opposite_cameras, views) / told - 1;
    line["groups_rise_apart"] = error_told(rows.context, rows.cameras, 1) / told - 1;
  }
  write_sheet(unet, step);
  return line;
}

void GroupMeasure::write_sheet(diffusion::UNet& unet, int64_t step) {
  constexpr double kElevation = 15;
  const int64_t views = unet->config().views;
  std::vector<text_to_image::Direction> directions;
  for (int64_t i = 0; i < views; ++i) {
    directions.push_back(
        {.azimuth = 360.0 * static_cast<double>(i) / static_cast<double>(views), .elevation = kElevation});
  }
  SamplingModel model{.unet = unet, .vae = data_.vae, .schedule = schedule_, .side = data_.latents.plain.size(2)};
  std::vector<std::vector<torch::Tensor>> rows;
  for (const std::string& caption : sheet_captions(data_.corpus)) {
    std::vector<Prompt> prompts;
    for (const auto& direction : directions) prompts.push_back({.text = caption, .direction = direction});
    const torch::Tensor context = data_.embeddings.of(prompts);
    rows.push_back(
        sample_ddim(model, {.context = context, .empty = empty_, .cameras = cameras_at(directions, context.device())},
                    kSheetSampling, static_cast<int64_t>(rows.size()))
            .unbind());
  }
  asset::write_png(options_.folder / "progress" / fmt::format("groups_{:06}.png", step), asset::contact_sheet(rows));
}

}  // namespace lucid::pretrain
