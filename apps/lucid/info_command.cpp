// SPDX-License-Identifier: Apache-2.0
// lucid info: what the program is built from and found on this machine; or what a file or folder is.
#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>
#include <omp.h>

#include <filesystem>
#include <memory>

#include "commands.h"
#include "describe_weights.h"
#include "lucid/app/options.h"
#include "lucid/app/threads.h"
#include "lucid/asset/ply.h"
#include "lucid/base/error.h"
#include "lucid/base/machine.h"
#include "lucid/base/sha256.h"
#include "lucid/text_to_image/prior.h"

namespace lucid::cli {
namespace {
namespace fs = std::filesystem;

/// Paths of the loaded BLAS libraries of the processor; a GPU's (libcublas) are none of them.
std::vector<std::string> loaded_blas() {
  std::vector<std::string> found;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        const fs::path path = info->dlpi_name == nullptr ? "" : info->dlpi_name;
        const std::string name = path.filename().string();
        if (name.starts_with("libblas") || name.starts_with("libopenblas")) {
          static_cast<std::vector<std::string>*>(data)->push_back(fs::weakly_canonical(path).string());
        }
        return 0;
      },
      &found);
  return found;
}

std::string blas_text() {
  using GetConfig = char* (*)();
  const auto get_config = reinterpret_cast<GetConfig>(dlsym(RTLD_DEFAULT, "openblas_get_config"));
  const std::vector<std::string> loaded = loaded_blas();
  const std::string text = loaded.empty() ? "inside libtorch" : fmt::format("{}", fmt::join(loaded, ", "));
  if (get_config != nullptr) return fmt::format("{} ({})", text, get_config());
  if (loaded.empty() || text.find("openblas") != std::string::npos) return text;
  return text + " (the reference BLAS is about 100 times slower than libopenblas0-openmp)";
}

void describe_machine() {
  fmt::print("lucid {}\n", LUCID_VERSION);
  fmt::print("libtorch        {} ({} threads, {} in OpenMP)\n", TORCH_VERSION, at::get_num_threads(),
             omp_get_max_threads());
  fmt::print("BLAS            {}\n", blas_text());
  fmt::print("rasteriser      cpu, {}; CUDA: {}\n", render::cpu_isa(),
             render::cuda_available() ? render::cuda_device() : "none, or not in this build");
  fmt::print("cores           {}\n", core_count());
  fmt::print("data            {}\n", app::data_folder().string());
  fmt::print("allocator       big tensors stay in the heap (mallopt), nothing to export\n");
}

void describe_ply(const fs::path& file) {
  const gaussians::Cloud cloud = asset::read_ply(file);
  const auto low = std::get<0>(cloud.means.min(0)), high = std::get<0>(cloud.means.max(0));
  fmt::print("{}: Gaussian PLY, {} Gaussians, SH degree {}\n", file.string(), cloud.count(), cloud.sh_degree());
  if (cloud.count() > 0) {
    for (int axis = 0; axis < 3; ++axis) {
      fmt::print("  {} from {:.3f} to {:.3f}\n", "xyz"[axis], low[axis].item<float>(), high[axis].item<float>());
    }
  }
  fmt::print("  SHA-256 {}\n", sha256_of_file(file));
}

int64_t parameter_count(torch::nn::Module& module) {
  int64_t count = 0;
  for (const torch::Tensor& p : module.parameters()) count += p.numel();
  return count;
}

void describe_prior(const fs::path& folder) {
  text_to_image::Prior prior = text_to_image::load_prior(folder);
  fmt::print("{}: a Stable-Diffusion-shaped prior\n", folder.string());
  fmt::print("  text encoder  {:.2f} M parameters, width {}\n",
             static_cast<double>(parameter_count(*prior.encoder)) * 1e-6, prior.encoder->config().hidden_size);
  fmt::print("  U-Net         {:.2f} M parameters, {} latent channels\n",
             static_cast<double>(parameter_count(*prior.unet)) * 1e-6, prior.unet->config().in_channels);
  fmt::print("  VAE           {:.2f} M parameters, {} pixels per latent\n",
             static_cast<double>(parameter_count(*prior.vae)) * 1e-6, prior.vae->config().downscale());
  fmt::print("  prediction    {}\n", prior.schedule.config().prediction == diffusion::Prediction::kV ? "v" : "epsilon");
  fmt::print("  picture size  {}\n", prior.picture_size);
  for (const fs::path& file : prior.weight_files)
    fmt::print("  {}  {}\n", sha256_of_file(file), fs::relative(file, folder).string());
}

int run(const std::string& path) {
  app::set_threads(0);
  if (path.empty()) {
    describe_machine();
    return 0;
  }
  std::error_code none;
  if (!fs::exists(path, none)) throw UserError({.what_happened = "does not exist", .file = path});
  const std::string extension = fs::path(path).extension().string();
  if (fs::is_directory(path, none)) {
    describe_prior(path);
  } else if (extension == ".ply") {
    describe_ply(path);
  } else if (extension == ".safetensors" || extension == ".ckpt" || extension == ".bin" || extension == ".pt") {
    describe_weights(path);
  } else {
    throw UserError({.what_happened = "is of no kind that lucid knows",
                     .file = path,
                     .hint = ".ply, .safetensors, .ckpt, .bin, .pt, or a diffusers folder"});
  }
  return 0;
}

}  // namespace

Command add_info(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("info", "what this build found on the machine, or what a file or prior folder is");
  auto path = std::make_shared<std::string>();
  command->add_option("path", *path, "a .ply, a weight file (.safetensors, .ckpt, .bin, .pt) or a diffusers folder")
      ->type_name("PATH");
  return {.app = command, .run = [path](const std::atomic<bool>&) { return run(*path); }};
}

}  // namespace lucid::cli
