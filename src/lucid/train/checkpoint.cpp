// SPDX-License-Identifier: Apache-2.0
// Checkpoints of training as safetensors files: the model's tensors by name; step counts and the run's key as metadata.
#include "lucid/train/checkpoint.h"

#include <fmt/ranges.h>

#include <charconv>

#include "lucid/base/error.h"
#include "lucid/base/sha256.h"
#include "lucid/weights/state_dict.h"

namespace lucid::train {
namespace fs = std::filesystem;
namespace {

using gaussians::Cloud;

constexpr const char* kFormat = "lucid checkpoint 2";
constexpr const char* kChecksum = "sha256";

using Metadata = std::map<std::string, std::string>;

/// A digest of everything in a checkpoint besides the digest itself.
std::string checksum(const std::map<std::string, torch::Tensor>& tensors, const Metadata& metadata) {
  Sha256 digest;
  for (const auto& [key, value] : metadata)
    if (key != kChecksum) digest.add(fmt::format("{}={}\n", key, value));
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor plain = tensor.detach().to(torch::kCPU).contiguous();
    digest.add(fmt::format("{} {} [{}]\n", name, torch::toString(plain.scalar_type()), fmt::join(plain.sizes(), ",")));
    digest.add({static_cast<const char*>(plain.data_ptr()), plain.nbytes()});
  }
  return digest.hex();
}

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
  Metadata metadata = {{"format", kFormat},
                       {"iteration", fmt::format("{}", model.iteration)},
                       {"adam_steps", fmt::format("{}", model.adam.steps)},
                       {"setbacks", fmt::format("{}", model.setbacks)},
                       {"run", run_key}};
  metadata[kChecksum] = checksum(tensors, metadata);
  weights::write_safetensors(file, tensors, metadata);
}

Model load_checkpoint(const fs::path& file, const std::string& run_key) {
  const weights::StateDict state = weights::read_safetensors(file);
  const auto meta = [&](const char* key) {
    const auto it = state.metadata.find(key);
    return it == state.metadata.end() ? std::string() : it->second;
  };
  const auto refuse = [&](const char* what) { throw UserError({.what_happened = what, .file = file.string()}); };
  if (!meta("format").starts_with("lucid checkpoint")) refuse("is not a lucid checkpoint");
  if (meta("format") != kFormat)
    throw OtherRun({.what_happened = "was written by another version of lucid",
                    .file = file.string(),
                    .hint = "finish the run with that version, or --overwrite begins it again"});
  if (meta(kChecksum) != checksum(state.tensors, state.metadata)) refuse("is damaged: its checksum does not fit");
  if (meta("run") != run_key) {
    throw OtherRun(
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
  model.setbacks = whole_number(state, "setbacks");
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

std::vector<fs::path> checkpoints_in(const fs::path& folder) {
  constexpr std::string_view kBegin = "step_";
  std::map<int64_t, fs::path, std::greater<>> found;  // by step
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    const std::string name = entry.path().stem().string();
    if (!name.starts_with(kBegin) || entry.path().extension() != ".safetensors") continue;
    int64_t step = -1;
    const char* end = name.data() + name.size();
    if (std::from_chars(name.data() + kBegin.size(), end, step).ptr == end) found[step] = entry.path();
  }
  std::vector<fs::path> files;
  for (const auto& [step, file] : found) files.push_back(file);
  return files;
}

std::optional<Model> load_newest(const fs::path& folder, const std::string& run_key,
                                 const std::function<void(const std::string& damage)>& damaged) {
  const std::vector<fs::path> files = checkpoints_in(folder);
  std::string last_damage;
  for (const fs::path& file : files) {
    try {
      return load_checkpoint(file, run_key);
    } catch (const OtherRun&) {
      throw;
    } catch (const UserError& error) {
      last_damage = error.what();
    }
    fs::path aside = file;
    aside.replace_extension(".damaged");
    std::error_code none;
    fs::rename(file, aside, none);
    damaged(last_damage);
  }
  if (files.empty()) return std::nullopt;
  throw UserError({.what_happened = "none of the run's checkpoints can be read; the last: " + last_damage,
                   .hint = "--overwrite starts the run again"});
}

void keep_newest(const fs::path& folder, int64_t count) {
  const std::vector<fs::path> files = checkpoints_in(folder);
  std::error_code none;
  for (size_t i = static_cast<size_t>(count); i < files.size(); ++i) fs::remove(files[i], none);
}

}  // namespace lucid::train
