// SPDX-License-Identifier: Apache-2.0
// The JSON files of a diffusers folder, and the weight files.
#include "lucid/pretrain/export.h"

#include <nlohmann/json.hpp>

#include "lucid/base/atomic_file.h"
#include "lucid/pretrain/tokenizer_files.h"
#include "lucid/text/tokenizer.h"
#include "lucid/weights/state_dict.h"

namespace lucid::pretrain {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kDiffusers = "0.30.0";  // the version of diffusers whose keys are written

void write_json(const std::filesystem::path& file, const Json& json) { write_file(file, json.dump(1) + "\n"); }

void write_half(const std::filesystem::path& file, const NamedTensors& weights) {
  NamedTensors halves;
  for (const auto& [name, tensor] : weights) {
    halves[name] = tensor.detach().to(torch::kCPU, torch::kHalf).contiguous(torch::MemoryFormat::Contiguous);
  }
  weights::write_safetensors(file, halves, {{"format", "pt"}});
}

Json index() {
  return {{"_class_name", "StableDiffusionPipeline"},       {"_diffusers_version", kDiffusers},
          {"scheduler", {"diffusers", "DDIMScheduler"}},    {"text_encoder", {"transformers", "CLIPTextModel"}},
          {"tokenizer", {"transformers", "CLIPTokenizer"}}, {"unet", {"diffusers", "UNet2DConditionModel"}},
          {"vae", {"diffusers", "AutoencoderKL"}},          {"safety_checker", {nullptr, nullptr}},
          {"feature_extractor", {nullptr, nullptr}},        {"requires_safety_checker", false}};
}

Json text_config(const text::EncoderConfig& c, const text::Tokenizer& tokenizer) {
  return {{"architectures", {"CLIPTextModel"}},
          {"model_type", "clip_text_model"},
          {"attention_dropout", 0.0},
          {"bos_token_id", tokenizer.bos()},
          {"eos_token_id", tokenizer.eos()},
          {"pad_token_id", tokenizer.pad()},
          {"hidden_act", c.activation},
          {"hidden_size", c.hidden_size},
          {"intermediate_size", c.intermediate_size},
          {"layer_norm_eps", c.layer_norm_eps},
          {"max_position_embeddings", c.positions},
          {"num_attention_heads", c.heads},
          {"num_hidden_layers", c.layers},
          {"projection_dim", c.hidden_size},
          {"torch_dtype", "float16"},
          {"vocab_size", c.vocab_size}};
}

Json vae_config(const diffusion::VaeConfig& c, int64_t picture_size) {
  const size_t levels = c.block_out_channels.size();
  return {{"_class_name", "AutoencoderKL"},
          {"_diffusers_version", kDiffusers},
          {"act_fn", "silu"},
          {"block_out_channels", c.block_out_channels},
          {"down_block_types", std::vector<std::string>(levels, "DownEncoderBlock2D")},
          {"up_block_types", std::vector<std::string>(levels, "UpDecoderBlock2D")},
          {"force_upcast", true},
          {"in_channels", c.in_channels},
          {"out_channels", c.out_channels},
          {"latent_channels", c.latent_channels},
          {"layers_per_block", c.layers_per_block},
          {"norm_num_groups", c.norm_num_groups},
          {"sample_size", picture_size},
          {"scaling_factor", c.scaling_factor}};
}

Json unet_config(const diffusion::UNetConfig& c, int64_t sample_size) {
  Json json = {{"_class_name", "UNet2DConditionModel"},
               {"_diffusers_version", kDiffusers},
               {"act_fn", "silu"},
               {"attention_head_dim", c.heads_per_block},
               {"block_out_channels", c.block_out_channels},
               {"center_input_sample", false},
               {"cross_attention_dim", c.cross_attention_dim},
               {"down_block_types", c.down_block_types},
               {"up_block_types", c.up_block_types},
               {"downsample_padding", 1},
               {"flip_sin_to_cos", true},
               {"freq_shift", 0},
               {"in_channels", c.in_channels},
               {"out_channels", c.out_channels},
               {"layers_per_block", c.layers_per_block},
               {"mid_block_scale_factor", 1},
               {"mid_block_type", c.mid_cross_attention ? "UNetMidBlock2DCrossAttn" : "UNetMidBlock2D"},
               {"norm_eps", c.norm_eps},
               {"norm_num_groups", c.norm_num_groups},
               {"sample_size", sample_size},
               {"use_linear_projection", c.use_linear_projection}};
  if (c.is_multi_view()) json["camera_dim"] = c.camera_dim;  // lucid's own key
  return json;
}

Json scheduler_config(const diffusion::ScheduleConfig& c) {
  return {{"_class_name", "DDIMScheduler"},
          {"_diffusers_version", kDiffusers},
          {"beta_start", c.beta_start},
          {"beta_end", c.beta_end},
          {"beta_schedule", c.beta_schedule},
          {"num_train_timesteps", c.num_train_timesteps},
          {"steps_offset", c.steps_offset},
          {"set_alpha_to_one", c.set_alpha_to_one},
          {"clip_sample", false},
          {"prediction_type", "epsilon"},
          {"timestep_spacing", "leading"},
          {"trained_betas", nullptr}};
}

Json views_json() {
  Json list = Json::array();
  const text_to_image::ViewAnchors anchors = view_anchors();
  for (const text_to_image::ViewAnchor& anchor : anchors.anchors()) {
    list.push_back({{"azimuth", anchor.azimuth}, {"elevation", anchor.elevation}, {"words", anchor.words}});
  }
  return {{"anchors", list}};
}

/// The trained words that are part of no name and no colour.
std::set<std::string> filler_of(const Words& words) {
  std::set<std::string> filler = words.tokens;
  for (const auto* list : {&words.names, &words.colours}) {
    for (const std::string& name : *list) {
      for (const std::string& word : words_of(name)) filler.erase(word);
    }
  }
  return filler;
}

}  // namespace

NamedTensors named_weights(const torch::nn::Module& module) {
  NamedTensors weights;
  for (const auto& item : module.named_parameters()) weights[item.key()] = item.value().detach();
  return weights;
}

void write_prior_configs(const std::filesystem::path& folder, const Sizes& sizes, const Words& words,
                         int64_t picture_size) {
  write_json(folder / "model_index.json", index());
  write_json(folder / "scheduler/scheduler_config.json", scheduler_config(noise_schedule()));
  write_json(folder / "text_encoder/config.json",
             text_config(sizes.text, text::Tokenizer::from_folder(folder / "tokenizer")));
  write_json(folder / "vae/config.json", vae_config(sizes.vae, picture_size));
  write_json(folder / "unet/config.json", unet_config(sizes.unet, picture_size / sizes.vae.downscale()));
  write_json(folder / "views.json", views_json());
  write_json(folder / "vocabulary.json",
             {{"names", words.names}, {"colours", words.colours}, {"filler", filler_of(words)}, {"seen", words.seen}});
}

void write_text_encoder(const std::filesystem::path& folder, const NamedTensors& weights) {
  write_half(folder / "text_encoder/model.safetensors", weights);
}
void write_vae(const std::filesystem::path& folder, const NamedTensors& weights) {
  write_half(folder / "vae/diffusion_pytorch_model.safetensors", weights);
}
void write_unet(const std::filesystem::path& folder, const NamedTensors& weights) {
  write_half(folder / "unet/diffusion_pytorch_model.safetensors", weights);
}

}  // namespace lucid::pretrain
