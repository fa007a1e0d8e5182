// SPDX-License-Identifier: Apache-2.0
// Checkpoints of training as safetensors files: the model's tensors by name; step counts and the run's key as metadata.
#include "lucid/train/checkpoint.h"

#include <charconv>

#include "lucid/base/error.h"
#include "lucid/weights/state_dict.h"

namespace lucid::train {
namespace fs = std::filesystem;
namespace {

using gaussians::Cloud;

constexpr const char* kFormat = "lucid checkpoint 1";

int64_t whole_number(const weights::StateDict& state, const char* key) {
  const auto it = state.metadata.find(key);
  int64_t value = -1;
  if (it != state.metadata.end()) std::from_chars(it->second.data(), it->second.data() + it->second.size(), value);
  if (value < 0)
    throw UserError({.what_happened = "is missing or not a number", .file = state.file.string(), .key = key});
  return value;
}

}  // namespace

void save_checkpoint(const fs::path& file, const Model& model, const std::string& run_key) {
  std::map<std::string, torch::Tensor> tensors;
  Model shallow = model;  // copies only tensor handles, not their data
  for_each_tensor(shallow, [&](const std::string& name, torch::Tensor& tensor) { tensors[name] = tensor; });
  weights::write_safetensors(file, tensors,
                             {{"format", kFormat},
                              {"iteration", fmt::format("{}", model.iteration)},
                              {"adam_steps", fmt::format("{}", model.adam.steps)},
                              {"run", run_key}});
}

Model load_checkpoint(const fs::path& file, const std::string& run_key) {
  const weights::StateDict state = weights::read_safetensors(file);
  const auto meta = [&](const char* key) {
    const auto it = state.metadata.find(key);
    return it == state.metadata.end() ? std::string() : it->second;
  };
  if (meta("format") != kFormat) throw UserError({.what_happened = "is not a lucid checkpoint", .file = file.string()});
  if (meta("run") != run_key) {
    throw UserError(
        {.what_happened = "belongs to a run with other options, prompt or weights",
         .file = file.string(),
         .hint =
             "resume with the same options as that run (its effective_config.yaml), or choose another --workspace"});
  }
  Model model{.cloud = {}, .adam = optim::Adam(Cloud{}), .stats = {}, .iteration = whole_number(state, "iteration")};
  if (state.tensors.contains(kFilterName)) model.cloud.filter_3d = torch::empty({0});
  if (state.tensors.contains(kKeptMeansName)) model.kept.means = torch::empty({0});
  for_each_tensor(model, [&](const std::string& name, torch::Tensor& tensor) {
    const auto it = state.tensors.find(name);
    if (it == state.tensors.end()) throw UserError({.what_happened = "is missing", .file = file.string(), .key = name});
    tensor = it->second.to(torch::kFloat32).clone();
  });
  model.adam.steps = whole_number(state, "adam_steps");
  const int64_t count = model.cloud.count();
  for_each_tensor(model, [&](const std::string& name, torch::Tensor& tensor) {
    if (tensor.dim() < 1 || tensor.size(0) != count) {
      throw UserError({.what_happened = fmt::format("has the wrong shape for {} Gaussians", count),
                       .file = file.string(),
                       .key = name});
    }
  });
  return model;
}

fs::path checkpoint_name(const fs::path& folder, int64_t iteration) {
  return folder / fmt::format("step_{:06}.safetensors", iteration);
}

std::optional<fs::path> newest_checkpoint(const fs::path& folder) {
  std::optional<fs::path> newest;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("step_") || entry.path().extension() != ".safetensors") continue;
    if (!newest || name > newest->filename().string()) newest = entry.path();
  }
  return newest;
}

}  // namespace lucid::train
