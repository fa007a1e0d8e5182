// SPDX-License-Identifier: Apache-2.0
// Golden tests of CLIP's features against transformers (tests/data/clip/make.py); invalid folders are rejected.
#include "lucid/eval/clip.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/weights/state_dict.h"
#include "mistakes.h"

namespace lucid::eval {
namespace {

namespace fs = std::filesystem;

fs::path model() { return test::source_dir() / "tests" / "data" / "clip"; }

struct Golden {
  torch::Tensor pictures, picture_features, text_features;
  std::vector<std::string> prompts;
};
Golden golden() {
  const auto state = weights::read_safetensors(model() / "golden.safetensors");
  return {.pictures = state.tensors.at("pictures"),
          .picture_features = state.tensors.at("picture_features"),
          .text_features = state.tensors.at("text_features"),
          .prompts = nlohmann::json::parse(state.metadata.at("prompts")).get<std::vector<std::string>>()};
}

double furthest(const torch::Tensor& a, const torch::Tensor& b) { return (a - b).abs().max().item<double>(); }

TEST(ClipGolden, FeaturesAreTransformers) {
  Clip clip(model());
  const Golden g = golden();
  EXPECT_EQ(clip.picture_size(), 32);
  EXPECT_LT(furthest(clip.picture_features(g.pictures), g.picture_features), 2e-6);
  EXPECT_LT(furthest(clip.text_features(g.prompts), g.text_features), 2e-6);
}

TEST(ClipGolden, OpinionIsTheMeanCosineAndItsPlaceAmongTheTexts) {
  Clip clip(model());
  const Golden g = golden();
  const torch::Tensor cosines = torch::mm(g.picture_features, g.text_features.t()).mean(0);
  const torch::Tensor order = cosines.argsort(0, /*descending=*/true);
  for (int64_t place = 0; place < order.numel(); ++place) {
    const auto prompt = order[place].item<int64_t>();
    // `others` contains the text itself; it must not count twice.
    const ClipScore opinion = score_with_clip(clip, g.pictures, g.prompts[static_cast<size_t>(prompt)], g.prompts);
    EXPECT_EQ(opinion.rank, place + 1);
    EXPECT_NEAR(opinion.score, 100 * cosines[prompt].item<double>(), 1e-3);
  }
}

TEST(ClipGolden, AFolderThatIsNoneIsNamed) {
  const test::TemporaryFolder folder;
  for (const char* name : {"vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"}) {
    fs::copy_file(model() / name, folder.path / name);
  }
  const auto complaint = [&](const std::string& config) {
    std::ofstream(folder.path / "config.json") << config;
    return test::mistake_of([&] { Clip clip(folder.path); });
  };
  EXPECT_EQ(complaint(R"({"vision_config": 3})").key, "vision_config");
  EXPECT_EQ(complaint(R"({"vision_config": {"patch_size": 30}})").key, "vision_config.patch_size");
  EXPECT_EQ(complaint(R"({"text_config": {"num_attention_heads": 7}})").key, "text_config.num_attention_heads");
  fs::copy_file(model() / "model.safetensors", folder.path / "model.safetensors");
  const auto lying =
      complaint(R"({"vision_config": {"hidden_size": 16384, "num_attention_heads": 16, "num_hidden_layers": 200}})");
  EXPECT_NE(lying.what_happened.find("asks for"), std::string::npos) << lying.what_happened;
}

}  // namespace
}  // namespace lucid::eval
