// SPDX-License-Identifier: Apache-2.0
// The lines that describe weights.
#include "describe_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lucid/app/run_options/run_options.h"
#include "lucid/base/sha256.h"

namespace lucid::cli {
namespace {

double million_parameters(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const torch::Tensor& p : module.parameters()) count += p.numel();
  return static_cast<double>(count) * 1e-6;
}

}  // namespace

void print_description(const text_to_image::WeightsDescription& description) {
  fmt::print("{}: {}\n  {}\n", description.path.string(), description.container, description.what);
  for (const std::string& detail : description.details) fmt::print("  {}\n", detail);
  for (const auto& [type, numbers] : description.stored) {
    constexpr int64_t kMany = 100'000;
    fmt::print("  {:<14}{}\n", type,
               numbers < kMany ? fmt::format("{} numbers", numbers)
                               : fmt::format("{:.2f} M numbers", static_cast<double>(numbers) * 1e-6));
  }
  constexpr size_t kShown = 200;
  for (const char* key : {"modelspec.title", "modelspec.license", "license"}) {
    const auto it = description.metadata.find(key);
    if (it != description.metadata.end()) fmt::print("  {}: {}\n", key, it->second.substr(0, kShown));
  }
}

void print_prior(const text_to_image::Prior& prior) {
  const auto& unet = prior.unet->config();
  std::error_code none;
  const bool embedded = std::filesystem::equivalent(prior.folder, app::embedded_prior(), none);
  fmt::print("  model         {}\n", embedded ? "the embedded prior" : text_to_image::model_name(prior));
  const auto print_text = [](const text::Encoder& encoder) {
    fmt::print("  text encoder  {:.2f} M parameters, width {}\n", million_parameters(*encoder),
               encoder->config().hidden_size);
  };
  print_text(prior.encoder);
  if (prior.second) print_text(prior.second->text.encoder);
  fmt::print("  U-Net         {:.2f} M parameters, channels {}, cross-attention {}, {} latent channels\n",
             million_parameters(*prior.unet), fmt::join(unet.block_out_channels, "-"), unet.cross_attention_dim,
             unet.out_channels);
  if (prior.second) fmt::print("  added vector  {}\n", unet.vector_width);
  fmt::print("  VAE           {:.2f} M parameters, {} pixels per latent\n", million_parameters(*prior.vae),
             prior.vae->config().downscale());
  fmt::print("  prediction    {}\n",
             prior.schedule.config().prediction == diffusion::Prediction::kV ? "v_prediction" : "epsilon");
  fmt::print("  picture size  {}\n", prior.picture_size);
}

void print_hash(const std::filesystem::path& file, const std::string& name) {
  const std::string hash = sha256_of_file(file), published = text_to_image::published_name(hash);
  fmt::print("  SHA-256       {}{}{}\n", hash, name.empty() ? "" : "  " + name,
             published.empty() ? "" : ", the published " + published);
}

}  // namespace lucid::cli
