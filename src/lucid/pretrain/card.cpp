// SPDX-License-Identifier: Apache-2.0
// Text of the model card.
#include "lucid/pretrain/card.h"

#include <fmt/ranges.h>

#include <fstream>

#include "lucid/base/atomic_file.h"
#include "lucid/tensor/device.h"

namespace lucid::pretrain {
namespace {

/// The numbers of the last log line of `stage` that has `key`, as "key value" pairs.
std::string last_numbers(const std::filesystem::path& log, const std::string& stage, const std::string& key) {
  std::ifstream in(log);
  std::string found = "not measured";
  for (std::string line; std::getline(in, line);) {
    const auto json = nlohmann::ordered_json::parse(line, nullptr, false);
    if (!json.is_object() || json.value("stage", "") != stage || !json.contains(key)) continue;
    found.clear();
    for (const auto& [name, value] : json.items()) {
      if (name == "stage" || !value.is_number()) continue;
      found += fmt::format("{}{} {:.5g}", found.empty() ? "" : ", ", name, value.get<double>());
    }
  }
  return found;
}

}  // namespace

void write_model_card(const TrainOptions& options, const Sizes& sizes, const Words& words, const corpus::Corpus& corpus,
                      const Split& split) {
  const auto log = options.run.folder / "progress" / "log.jsonl";
  const bool multi_view = sizes.unet.is_multi_view();
  std::string text = fmt::format("# A small text-to-image prior of {}\n\n",
                                 multi_view ? "single objects from four sides at once" : "single objects");
  text += fmt::format(
      "A diffusers folder (CLIPTextModel, AutoencoderKL, UNet2DConditionModel, DDIM) trained {} by\n\n    {}\n\n"
      "It knows {} names and {} colours, one object on a white ground, and nothing else.\n\n",
      options.from.empty() ? "from scratch" : "further", options.command, words.names.size(), words.colours.size());
  text +=
      fmt::format("- Pictures {0} x {0}, latents {1} x {2} x {2}, scaling factor {3:.5f}.\n", corpus.picture_size(),
                  sizes.vae.latent_channels, corpus.picture_size() / sizes.vae.downscale(), sizes.vae.scaling_factor);
  text += fmt::format(
      "- {} views of {} items for training, {} unseen views of them, {} views of held-out items; seed {}.\n",
      split.train.size(), corpus.items().size(), split.unseen_views.size(), split.unseen_items.size(),
      options.run.seed);
  text += fmt::format("- Trained on {} in {}.\n",
                      options.run.device.is_cpu() ? "the CPU" : tensor::device_name(options.run.device),
                      options.run.low_precision ? "bfloat16, the weights in float32" : "float32");
  if (multi_view) {
    text +=
        "- Four views at once, as in MVDream: their cameras are added to the time embedding, and their self-attention "
        "is "
        "joint. unet/config.json has `camera_dim`, which diffusers does not know.\n";
  }
  text +=
      "- View words by direction: views.json. The text encoder was trained by itself and then frozen.\n\n## "
      "Numbers\n\n";
  text += "| stage | last measured |\n|---|---|\n";
  for (const auto& [stage, key] : {std::pair{"text", "caption_spread"}, {"vae", "psnr"}, {"unet", "unseen_views"}}) {
    text += fmt::format("| {} | {} |\n", stage, last_numbers(log, stage, key));
  }
  text += fmt::format("\n## Names\n\n{}\n\n## Colours\n\n{}\n\n", fmt::join(words.names, ", "),
                      fmt::join(words.colours, ", "));
  text +=
      "## Limits\n\nWords outside this list fall into letters that training never saw. Fine detail is lost in the "
      "VAE.\n"
      "Authors and licences of the models behind the pictures: NOTICE.md.\n";
  write_file(options.run.folder / "README.md", text);
}

}  // namespace lucid::pretrain
