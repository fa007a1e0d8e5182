// SPDX-License-Identifier: Apache-2.0
// Reads, checks and writes an upscaling network.
#include "lucid/upscale/model.h"

#include <nlohmann/json.hpp>

#include "lucid/base/atomic_file.h"
#include "lucid/json/json_config.h"
#include "lucid/tensor/freeze.h"
#include "lucid/weights/state_dict.h"

namespace lucid::upscale {
namespace fs = std::filesystem;
namespace {

// Beyond any network's; the parameter count stays far from overflow.
constexpr int64_t kLargestFactor = 8, kWidest = 1024, kMostBlocks = 256;

fs::path config_file(const fs::path& folder) { return folder / "upscale.json"; }

}  // namespace

fs::path weights_file(const fs::path& folder) { return folder / "upscale.safetensors"; }

NetworkConfig read_config(const fs::path& folder) {
  const JsonConfig json(config_file(folder));
  return {.factor = json.positive("factor", 4, kLargestFactor),
          .width = json.positive("width", 32, kWidest),
          .blocks = json.positive("blocks", 8, kMostBlocks)};
}

Network open_network(const fs::path& folder) {
  const NetworkConfig config = read_config(folder);
  weights::StateDict state = weights::read_safetensors(weights_file(folder));
  weights::check_parameter_count(state, config.parameters());
  Network network(config);
  weights::load_into(*network, std::move(state), {.model = "of this upscale.json"});
  return tensor::freeze(network);
}

void save_network(const fs::path& folder, const NetworkConfig& config,
                  const std::map<std::string, torch::Tensor>& weights) {
  std::map<std::string, torch::Tensor> halves;
  for (const auto& [name, tensor] : weights) halves[name] = tensor.detach().to(torch::kHalf);
  make_folder(folder);
  weights::write_safetensors(weights_file(folder), halves);
  write_file(
      config_file(folder),
      nlohmann::json{{"factor", config.factor}, {"width", config.width}, {"blocks", config.blocks}}.dump() + "\n");
}

}  // namespace lucid::upscale
