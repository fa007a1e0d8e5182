// SPDX-License-Identifier: Apache-2.0
// The judge: a small residual classifier of rendered pictures, for evaluation. It predicts the object's name, its
// colour and the side it is seen from. It shares no architecture, weights or pictures with the prior that it judges.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <string>
#include <vector>

#include "lucid/eval/judge_options.h"

namespace lucid::eval {

constexpr int64_t kJudgeSize = 64;  // pixels per side of the network's input
constexpr int64_t kSectors = 8;     // azimuth classes; sector k is centred at 45 k degrees, 0 = front

struct JudgeConfig {
  std::vector<std::string> words, colours;  // its classes
  int64_t width = kJudgeWidth;
};

struct JudgeOutput {
  torch::Tensor word;    // [B,W] logits
  torch::Tensor colour;  // [B,C] logits
  torch::Tensor sector;  // [B,W,kSectors] logits of the side, given the word

  /// Sector logits given each picture's word: words [B] int64 -> [B,kSectors].
  torch::Tensor sector_given_word(const torch::Tensor& words) const;
};

class JudgeImpl : public torch::nn::Module {
 public:
  explicit JudgeImpl(const JudgeConfig& config);
  /// pictures [B,3,S,S] in 0..1 over white, of any S; resized to kJudgeSize by area averaging.
  JudgeOutput forward(const torch::Tensor& pictures);
  const JudgeConfig& config() const { return config_; }

 private:
  JudgeConfig config_;
  torch::nn::Sequential trunk_, object_, side_;  // shared stages; branches for word and colour, and for the sector
  torch::nn::Linear word_{nullptr}, colour_{nullptr}, sector_{nullptr};
};
TORCH_MODULE(Judge);

/// Sector of an azimuth (degrees, any turn).
int64_t sector_of(double azimuth);
/// Cyclic distance of two sectors: 0 to kSectors / 2.
int64_t sectors_apart(int64_t a, int64_t b);

/// Files of a judge: FOLDER/judge.json and FOLDER/judge.safetensors (float16). `report_json` (see judge_report.h) is
/// stored in judge.json under "report". Both throw UserError.
void save_judge(const std::filesystem::path& folder, const Judge& judge, const std::string& report_json);
Judge load_judge(const std::filesystem::path& folder);

}  // namespace lucid::eval
