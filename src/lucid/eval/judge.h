// SPDX-License-Identifier: Apache-2.0
// The independent judge: a small residual classifier that names the object, its colour and the side it is seen from. It
// shares neither architecture nor weights nor pictures with the prior that it judges.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <string>
#include <vector>

namespace lucid::eval {

constexpr int64_t kJudgeSize = 64;  // pixels a side that the judge looks at
constexpr int64_t kSectors = 8;     // of azimuth; sector k is centred at 45 k degrees, 0 = front

struct JudgeConfig {
  std::vector<std::string> words, colours;  // what it can answer
  int64_t width = 32;                       // channels of the first stage; doubled at each of three further ones
};

struct JudgeOutput {
  torch::Tensor word;    // [B,W] logits
  torch::Tensor colour;  // [B,C] logits
  torch::Tensor sector;  // [B,W,kSectors] logits: the side, if this is the object

  /// words [B] int64 -> [B,kSectors]: of picture b the side, if it shows words[b].
  torch::Tensor sector_given_word(const torch::Tensor& words) const;
};

class JudgeImpl : public torch::nn::Module {
 public:
  explicit JudgeImpl(const JudgeConfig& config);
  /// pictures [B,3,S,S] in 0..1 over white, any S; brought to kJudgeSize by area averaging.
  JudgeOutput forward(const torch::Tensor& pictures);
  const JudgeConfig& config() const { return config_; }

 private:
  JudgeConfig config_;
  torch::nn::Sequential trunk_, object_, side_;  // shared stages; then what sees the object, and what sees its side
  torch::nn::Linear word_{nullptr}, colour_{nullptr}, sector_{nullptr};
};
TORCH_MODULE(Judge);

/// Sector of an azimuth (degrees, any turn).
int64_t sector_of(double azimuth);
/// Steps from one sector to another, the shorter way round: 0 to kSectors / 2.
int64_t sectors_apart(int64_t a, int64_t b);

/// FOLDER/judge.json and FOLDER/judge.safetensors (float16). `report` (accuracies, how it was trained) goes into
/// judge.json as it is. Throw UserError.
void save_judge(const std::filesystem::path& folder, const Judge& judge, const std::string& report_json);
Judge load_judge(const std::filesystem::path& folder);

}  // namespace lucid::eval
