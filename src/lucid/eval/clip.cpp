// SPDX-License-Identifier: Apache-2.0
// CLIP's vision transformer, its projections, and loading; submodule names are those of transformers.
#include "lucid/eval/clip.h"

#include "lucid/base/error.h"
#include "lucid/json/json_config.h"
#include "lucid/text/clip_layer.h"
#include "lucid/weights/state_dict.h"

namespace lucid::eval {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kMaxWidth = 1 << 14, kMaxLayers = 256, kMaxPicture = 1024;

struct VisionSizes {
  text::ClipLayerSizes layer;
  int64_t layers = 0, picture = 0, patch = 0, projection = 0, text_width = 0;
  int64_t patches() const { return (picture / patch) * (picture / patch); }
  double parameters() const {  // number of parameters, weight matrices only
    const auto width = static_cast<double>(layer.width);
    return width * static_cast<double>(patches() + 3 * patch * patch) +
           static_cast<double>(layers) * width * (4 * width + 2 * static_cast<double>(layer.mlp_width));
  }
};

VisionSizes sizes_of(const JsonConfig& root, const text::EncoderConfig& text) {
  const JsonConfig json = root.object("vision_config");
  VisionSizes s;  // absent keys take the defaults of transformers
  s.layer = {.width = json.positive("hidden_size", 768, kMaxWidth),
             .mlp_width = json.positive("intermediate_size", 3072, 4 * kMaxWidth),
             .heads = json.positive("num_attention_heads", 12, kMaxWidth),
             .quick_gelu = text::clip_activation(json) == "quick_gelu",
             .eps = json.number("layer_norm_eps", 1e-5)};
  s.layers = json.positive("num_hidden_layers", 12, kMaxLayers);
  s.picture = json.positive("image_size", 224, kMaxPicture);
  s.patch = json.positive("patch_size", 32, kMaxPicture);
  s.projection = root.positive("projection_dim", 512, kMaxWidth);
  s.text_width = text.hidden_size;
  if (s.layer.width % s.layer.heads != 0) json.refuse("num_attention_heads", "must divide the width");
  if (s.picture % s.patch != 0) json.refuse("patch_size", "must divide image_size");
  json.only("num_channels", 3);
  return s;
}

torch::Tensor unit(const torch::Tensor& rows) { return rows / rows.norm(2, {1}, /*keepdim=*/true); }

}  // namespace

/// The vision transformer, and the projections of image and text features.
struct Clip::Vision : torch::nn::Module {
  explicit Vision(const VisionSizes& s)
      : sizes(s),
        patches(torch::nn::Conv2dOptions(3, s.layer.width, s.patch).stride(s.patch).bias(false)),
        positions(s.patches() + 1, s.layer.width),
        before(text::clip_norm(s.layer.width, s.layer.eps)),
        after(text::clip_norm(s.layer.width, s.layer.eps)),
        visual_projection(torch::nn::LinearOptions(s.layer.width, s.projection).bias(false)),
        text_projection(torch::nn::LinearOptions(s.text_width, s.projection).bias(false)) {
    const auto model = register_module("vision_model", std::make_shared<torch::nn::Module>());
    const auto embeddings = model->register_module("embeddings", std::make_shared<torch::nn::Module>());
    whole = embeddings->register_parameter("class_embedding", torch::zeros({s.layer.width}));
    embeddings->register_module("patch_embedding", patches);
    embeddings->register_module("position_embedding", positions);
    model->register_module("pre_layrnorm", before);  // the misspelling is part of the file format
    const auto encoder = model->register_module("encoder", std::make_shared<torch::nn::Module>());
    const auto list = encoder->register_module("layers", std::make_shared<torch::nn::Module>());
    for (int64_t i = 0; i < s.layers; ++i) {
      layers.push_back(list->register_module(fmt::format("{}", i), text::ClipLayer(s.layer)));
    }
    model->register_module("post_layernorm", after);
    register_module("visual_projection", visual_projection);
    register_module("text_projection", text_projection);
  }

  torch::Tensor forward(const torch::Tensor& pictures) {  // normalised [V,3,S,S] -> [V,P]
    const int64_t count = pictures.size(0), width = sizes.layer.width;
    torch::Tensor x = patches(pictures).flatten(2).transpose(1, 2);  // [V,patches,D]
    x = torch::cat({whole.expand({count, 1, width}), x}, 1) + positions->weight;
    x = before(x);
    for (auto& layer : layers) x = layer(x, torch::Tensor());
    return visual_projection(after(x.select(1, 0)));
  }

  VisionSizes sizes;
  torch::Tensor whole;  // class token [D]
  torch::nn::Conv2d patches;
  torch::nn::Embedding positions;
  torch::nn::LayerNorm before, after;
  std::vector<text::ClipLayer> layers;
  torch::nn::Linear visual_projection, text_projection;
};

Clip::Clip(const fs::path& folder) : tokenizer_(text::Tokenizer::from_folder(folder)) {
  const JsonConfig config(folder / "config.json");
  const auto text = text::EncoderConfig::from_json(config.object("text_config"));
  const VisionSizes sizes = sizes_of(config, text);
  const weights::StateDict all = weights::read_part(folder, "model");
  weights::check_parameter_count(all, text.parameters() + sizes.parameters());
  weights::StateDict of_text, of_vision;
  of_text.file = of_vision.file = all.file;
  for (const auto& [name, tensor] : all.tensors) {
    (name.starts_with("text_model.") ? of_text : of_vision).tensors[name] = tensor;
  }
  encoder_ = text::Encoder(text);
  weights::load_into(*encoder_, of_text, {.ignore = {"position_ids"}});
  vision_ = std::make_shared<Vision>(sizes);
  weights::load_into(*vision_, of_vision, {.ignore = {"position_ids", "logit_scale"}});
  mean_ = {0.48145466, 0.4578275, 0.40821073};
  std_ = {0.26862954, 0.26130258, 0.27577711};
  if (fs::exists(folder / "preprocessor_config.json")) {
    const JsonConfig preprocessor(folder / "preprocessor_config.json");
    mean_ = preprocessor.numbers("image_mean", mean_);
    std_ = preprocessor.numbers("image_std", std_);
  }
}

int64_t Clip::picture_size() const { return vision_->sizes.picture; }

torch::Tensor Clip::picture_features(const torch::Tensor& pictures) {
  LUCID_CHECK(pictures.dim() == 4 && pictures.size(2) == picture_size() && pictures.size(3) == picture_size(),
              "pictures of {} x {}, {} expected", pictures.size(-2), pictures.size(-1), picture_size());
  const torch::NoGradGuard no_grad;
  const auto channels = [&](const std::vector<double>& values) {
    return torch::tensor(values, pictures.options()).view({1, 3, 1, 1});
  };
  return unit(vision_->forward((pictures - channels(mean_)) / channels(std_)));
}

torch::Tensor Clip::text_features(const std::vector<std::string>& texts) {
  const torch::NoGradGuard no_grad;
  const int64_t length = encoder_->config().positions;
  std::vector<torch::Tensor> features;
  for (const std::string& text : texts) {
    // No padding: the feature is read at eos, and causal attention does not see what follows it.
    const std::vector<int64_t> ids = tokenizer_.encode(text, length);
    const torch::Tensor states = encoder_->forward(torch::tensor(ids, torch::kLong).unsqueeze(0));
    features.push_back(vision_->text_projection(states.select(1, -1)));
  }
  return unit(torch::cat(features));
}

ClipScore score_with_clip(Clip& clip, const torch::Tensor& pictures, const std::string& text,
                          const std::vector<std::string>& others) {
  std::vector<std::string> texts{text};
  for (const std::string& other : others) {
    if (other != text) texts.push_back(other);
  }
  const torch::Tensor cosines =
      torch::mm(clip.picture_features(pictures), clip.text_features(texts).t()).mean(0);  // [texts]
  return {.score = 100 * cosines[0].item<double>(), .rank = 1 + (cosines > cosines[0]).sum().item<int64_t>()};
}

}  // namespace lucid::eval
