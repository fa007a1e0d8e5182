// SPDX-License-Identifier: Apache-2.0
// lucid info: the program and the machine, or what a file or folder is; the words that a prior knows.
#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>
#include <omp.h>

#include <filesystem>

#include "command_line.h"
#include "commands.h"
#include "describe_asset.h"
#include "describe_weights.h"
#include "lucid/app/threads.h"
#include "lucid/base/error.h"
#include "lucid/base/machine.h"
#include "lucid/render/rasterize.h"
#include "lucid/tensor/cuda_cards.h"
#include "lucid/tensor/device.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/text_to_image/vocabulary/vocabulary.h"
#include "version.h"

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

std::string isa_text() {
  const std::string found = name_of(supported_isa()) + (supports_amx()        ? " with bfloat16 and AMX"
                                                        : supports_bfloat16() ? " with bfloat16"
                                                                              : "");
  const std::string used = name_of(widest_isa()) + (has_bfloat16_matrix_units() ? " with bfloat16 and AMX"
                                                    : has_fast_bfloat16()       ? " with bfloat16"
                                                                                : "");
  return found == used ? fmt::format("{}, found and used", used)
                       : fmt::format("{} used (LUCID_ISA), {} found", used, found);
}

std::string cuda_text() {
  const tensor::CudaVersions versions = tensor::cuda_versions();
  if (tensor::cuda_cards().empty()) {
    const tensor::NoCard reason = tensor::no_card(versions);
    return fmt::format("no card: {} ({})", reason.why, reason.hint);
  }
  const std::string driver = tensor::nvidia_driver();
  return fmt::format("{}, driver {}for CUDA {}", tensor::cuda_version_text(versions.build),
                     driver.empty() ? "" : driver + " ", tensor::cuda_version_text(versions.driver));
}

/// One line a card, by the name that --device takes.
void describe_cards() {
  const std::vector<tensor::CudaCard> cards = tensor::cuda_cards();
  for (size_t i = 0; i < cards.size(); ++i) {
    if (cards[i].bytes == 0) {
      fmt::print("cuda:{:<11}{}\n", i, cards[i].name);
      continue;
    }
    tensor::make_current({torch::kCUDA, static_cast<torch::DeviceIndex>(i)});
    fmt::print("cuda:{:<11}{}, compute capability {}.{}, {:.1f} GB{}\n", i, cards[i].name, cards[i].major,
               cards[i].minor, static_cast<double>(cards[i].bytes) * 1e-9,
               render::cuda_available() ? "" : " (too old for lucid)");
  }
}

void describe_machine() {
  fmt::print("lucid           {}\n", kVersion);
  fmt::print("commit          {}\n", commit());
  fmt::print("instructions    {}\n", isa_text());
  fmt::print("libtorch        {} ({} threads, {} in OpenMP)\n", TORCH_VERSION, at::get_num_threads(),
             omp_get_max_threads());
  fmt::print("CUDA            {}\n", cuda_text());
  describe_cards();
  fmt::print("BLAS            {}\n", blas_text());
  fmt::print("rasteriser      cpu, {}\n", render::cpu_isa());
  fmt::print("cores           {}\n", core_count());
  fmt::print("data            {}\n", app::data_folder().string());
}

void describe_folder(const fs::path& folder) {
  const text_to_image::WeightsDescription description = text_to_image::describe_weights(folder);
  print_description(description);
  check_usable(description);
  if (description.kind == text_to_image::WeightsKind::kFolder)
    print_prior(text_to_image::load_prior(folder, {torch::kFloat, /*keep_16_bit_weights=*/true}));
  for (const fs::path& file : description.files) print_hash(file, fs::relative(file, folder).string());
}

}  // namespace

int run_info(const InfoRequest& request) {
  const std::string& path = request.path;
  app::set_threads(0);
  if (path.empty()) {
    describe_machine();
    return 0;
  }
  std::error_code none;
  if (!fs::exists(path, none)) throw UserError({.what_happened = "does not exist", .file = path});
  const std::string extension = fs::path(path).extension().string();
  if (fs::is_directory(path, none)) {
    describe_folder(path);
  } else if (is_asset(path)) {
    describe_asset(path);
  } else if (extension == ".safetensors" || extension == ".ckpt" || extension == ".bin" || extension == ".pt") {
    print_description(text_to_image::describe_weights(path));
    print_hash(path, "");
  } else {
    throw UserError(
        {.what_happened = "is of no kind that lucid knows",
         .file = path,
         .hint = "an asset (.ply, .spz, .splat, .glb, .obj, .stl), weights (.safetensors, .ckpt, .bin, .pt), or a "
                 "diffusers folder"});
  }
  return 0;
}

int run_info_options(const InfoRequest& request) {
  fmt::print("{}", option_reference(request.markdown));
  return 0;
}

int run_info_scores(const InfoRequest& request) {
  fmt::print("{}", score_reference(request.markdown));
  return 0;
}

int run_info_words(const InfoRequest& request) {
  const fs::path folder = request.prior.empty() ? app::embedded_prior() : fs::path(request.prior);
  const auto vocabulary = text_to_image::load_vocabulary(folder);
  if (!vocabulary) {
    throw UserError({.what_happened = "has no vocabulary.json, so every word is allowed", .file = folder.string()});
  }
  const auto show = [](const char* heading, const std::vector<std::string>& words) {
    fmt::print("{}:\n", heading);
    for (const std::string& line : wrapped(fmt::format("{}", fmt::join(words, ", ")), help_width() - 2))
      fmt::print("  {}\n", line);
  };
  show("Things", vocabulary->names);
  show("Colours", vocabulary->colours);
  show("Other words that it accepts", vocabulary->filler);
  return 0;
}

}  // namespace lucid::cli
