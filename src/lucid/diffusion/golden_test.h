// SPDX-License-Identifier: Apache-2.0
// Helpers of this folder's golden tests: the goldens' pipelines, comparison with a limit, and report of the worst
// error.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/tensor/relative_error.h"
#include "lucid/weights/state_dict.h"

namespace lucid::diffusion::test {

using Tensors = std::map<std::string, torch::Tensor>;

inline std::filesystem::path sd_folder() { return lucid::test::goldens() / "sd"; }

/// The pipelines that manifest.json lists: each has a diffusers folder and a goldens-NAME.safetensors.
inline std::vector<std::string> pipelines() {
  const auto manifest = nlohmann::json::parse(read_file(sd_folder() / "manifest.json"));
  std::vector<std::string> names;
  for (const auto& [name, entry] : manifest.items()) names.push_back(name);
  if (names.empty()) throw std::runtime_error("manifest.json lists no pipeline");
  return names;
}

inline Tensors golden_tensors(const std::string& pipeline) {
  return weights::read_safetensors(sd_folder() / ("goldens-" + pipeline + ".safetensors")).tensors;
}

/// Compares tensors with golden ones and prints the number compared and the worst error at the end.
class Comparison {
 public:
  explicit Comparison(std::string what) : what_(std::move(what)) {}
  ~Comparison() {
    if (count_ > 0) std::printf("  %s: %d tensors, worst %.2e (%s)\n", what_.c_str(), count_, worst_, where_.c_str());
  }
  void expect(const std::string& name, const torch::Tensor& found, const torch::Tensor& golden, double limit) {
    ASSERT_EQ(found.sizes(), golden.sizes()) << what_ << ' ' << name;
    const double error = tensor::relative_max_error(found, golden);
    EXPECT_LE(error, limit) << what_ << ' ' << name;
    ++count_;
    if (!(error <= worst_)) worst_ = error, where_ = name;
  }
  /// Compares found activations with the golden tensors named prefix + name. At least one must match.
  void expect_activations(const std::string& prefix, const Tensors& golden, const Tensors& found, double limit) {
    int matched = 0;
    for (const auto& [name, tensor] : golden) {
      if (!name.starts_with(prefix)) continue;
      const auto it = found.find(name.substr(prefix.size()));
      if (it == found.end()) continue;
      expect(name, it->second, tensor, limit);
      ++matched;
    }
    EXPECT_GT(matched, 0) << what_ << ' ' << prefix;
  }

 private:
  std::string what_, where_;
  int count_ = 0;
  double worst_ = 0;
};

/// All distinct X for which a tensor is named prefix + X + suffix; for example "8x12" for unet.8x12.out.
inline std::set<std::string> cases(const Tensors& tensors, const std::string& prefix, const std::string& suffix) {
  std::set<std::string> result;
  for (const auto& [name, tensor] : tensors) {
    if (!name.starts_with(prefix) || !name.ends_with(suffix) || name.size() <= prefix.size() + suffix.size()) {
      continue;
    }
    result.insert(name.substr(prefix.size(), name.size() - prefix.size() - suffix.size()));
  }
  return result;
}

/// Expects each parameter to equal the file's tensor of that name, converted to float32. Catches parameters that do not
/// affect outputs (to_k.bias).
inline void expect_same_parameters(const torch::nn::Module& module, const Tensors& file) {
  size_t compared = 0;
  for (const auto& entry : module.named_parameters()) {
    const auto it = file.find(entry.key());
    ASSERT_NE(it, file.end()) << entry.key();
    EXPECT_TRUE(torch::equal(entry.value(), it->second.to(torch::kFloat))) << entry.key();
    ++compared;
  }
  EXPECT_EQ(compared, file.size());
}

}  // namespace lucid::diffusion::test
