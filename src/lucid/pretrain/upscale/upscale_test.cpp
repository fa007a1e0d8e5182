// SPDX-License-Identifier: Apache-2.0
// The upscaler's training: its windows, and small trainings with resume.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/pretrain/upscale/data.h"
#include "lucid/pretrain/upscale/trainer.h"
#include "lucid/upscale/model.h"
#include "mistakes.h"

namespace lucid::pretrain {
namespace {
namespace fs = std::filesystem;

constexpr int64_t kLarge = 64, kUpscaleViews = 12;

/// Striped balls: sharp edges, which bicubic interpolation blurs; the last item is held out.
void write_striped_corpus(const fs::path& folder) {
  corpus::CorpusWriter writer(folder, kLarge);
  const torch::Tensor at = torch::arange(kLarge, torch::kFloat) - (kLarge - 1) / 2.0;
  for (int64_t item = 0; item < 3; ++item) {
    const torch::Tensor inside = (at.view({-1, 1}).square() + at.view({1, -1}).square() < 28 * 28)
                                     .to(torch::kFloat)
                                     .expand({kUpscaleViews, 1, -1, -1});
    const torch::Tensor phase = torch::arange(kUpscaleViews, torch::kFloat).view({-1, 1, 1, 1});
    const torch::Tensor stripes =
        (torch::sin(at.view({1, 1, 1, -1}) * 0.3 + phase + static_cast<double>(item)) > 0).to(torch::kFloat);
    const torch::Tensor rgb = (1 - inside * (1 - 0.2 - 0.6 * stripes)).expand({-1, 3, kLarge, kLarge});
    writer.add({.object = fmt::format("ball{}", item),
                .word = "ball",
                .colour = "",
                .captions = {"a ball"},
                .held_out = item == 2},
               (rgb * 255).round().to(torch::kUInt8).contiguous(), (inside * 255).to(torch::kUInt8).contiguous(),
               torch::zeros({kUpscaleViews}), torch::zeros({kUpscaleViews}));
  }
  writer.finish();
}

class UpscaleTraining : public ::testing::Test {
 protected:
  void SetUp() override { write_striped_corpus(corpus()); }
  fs::path corpus() const { return folder_.path / "corpus"; }
  UpscaleRequest request(const std::string& out) const {
    return {.corpus = corpus(),
            .out = folder_.path / out,
            .prior = lucid::test::source_dir() / "models/mini",
            .steps = 250,
            .batch = 8,
            .factor = 2,
            .width = 12,
            .blocks = 2,
            .rate = 2e-3,
            .command = "lucid prior upscaler"};
  }
  static bool train(const UpscaleRequest& request, const std::atomic<bool>* stop = nullptr) {
    return train_upscaler(request, {.folder = request.out, .seed = 3, .threads = 2, .stop = stop});
  }

 private:
  lucid::test::TemporaryFolder folder_;
};

TEST_F(UpscaleTraining, WindowsShowTheSamePartsSmallAndLarge) {
  const corpus::Corpus pictures(corpus());
  const std::atomic<bool> never{false};
  const auto small =
      small_pictures(pictures, diffusion::load_vae(lucid::test::source_dir() / "models/mini/vae"), 2, {.stop = &never});
  ASSERT_TRUE(small);
  EXPECT_EQ(small->plain.sizes(), (std::vector<int64_t>{3 * kUpscaleViews, 3, kLarge / 2, kLarge / 2}));
  EXPECT_FALSE(small->plain.equal(small->decoded));
  EXPECT_LT((small->plain.to(torch::kFloat) - small->decoded.to(torch::kFloat)).abs().mean().item<float>(), 40);
  const std::vector<int64_t> views{1, 5};
  const UpscaleBatch batch = draw_windows(pictures, *small, views, Rng(1, "windows"), 16);
  EXPECT_EQ(batch.small.sizes(), (std::vector<int64_t>{16, 3, kLarge / 2, kLarge / 2}));
  EXPECT_EQ(batch.large.sizes(), (std::vector<int64_t>{16, 3, kLarge, kLarge}));
  const torch::Tensor means = torch::avg_pool2d(batch.large, {2, 2});
  int64_t alike = 0;
  for (int64_t i = 0; i < 16; ++i) {
    const double here = (means[i] - batch.small[i]).abs().mean().item<double>(),
                 mirrored = (means[i].flip(2) - batch.small[i]).abs().mean().item<double>();
    alike += here < mirrored ? 1 : 0;
  }
  EXPECT_GE(alike, 14) << "blurred and noisy windows included";
  const UpscaleBatch again = draw_windows(pictures, *small, views, Rng(1, "windows"), 16);
  EXPECT_TRUE(again.small.equal(batch.small) && again.large.equal(batch.large));
}

TEST_F(UpscaleTraining, LearnsWhatBicubicInterpolationCannotKnow) {
  const UpscaleRequest request = this->request("out");
  ASSERT_TRUE(train(request));
  std::vector<double> losses;  // the first is that of bicubic interpolation
  nlohmann::json last;
  std::ifstream in(request.out / "progress/log.jsonl");
  for (std::string line; std::getline(in, line);) {
    auto json = nlohmann::json::parse(line);
    if (json.contains("loss")) losses.push_back(json.at("loss"));
    if (json.contains("psnr")) last = std::move(json);
  }
  ASSERT_GE(losses.size(), 3u);
  EXPECT_LT(losses.back(), 0.95 * losses.front());
  EXPECT_TRUE(last.contains("bicubic_psnr"));
  EXPECT_EQ(upscale::open_network(request.out)->config().width, 12);
  EXPECT_NE(read_file(request.out / "README.md").find("| PSNR of enlarged pictures"), std::string::npos);
  EXPECT_THROW(train(request), UserError) << "holds a run already";
}

TEST_F(UpscaleTraining, AResumedRunEndsWithTheBytesOfAnUnbrokenOne) {
  UpscaleRequest whole = request("whole"), broken = request("broken");
  whole.steps = 6, broken.steps = 3;
  ASSERT_TRUE(train(whole));
  ASSERT_TRUE(train(broken));
  broken.steps = 6, broken.resume = true;
  ASSERT_TRUE(train(broken));
  for (const char* file : {"upscale.safetensors", "upscale.json", "checkpoints/upscale.safetensors"})
    EXPECT_EQ(read_file(whole.out / file), read_file(broken.out / file)) << file;
}

TEST_F(UpscaleTraining, BadRequestsAreOneLine) {
  const auto key_of = [&](auto change) {
    UpscaleRequest bad = request("bad");
    change(bad);
    return lucid::test::mistake_of([&] { train(bad); }).key;
  };
  EXPECT_EQ(key_of([](auto& r) { r.steps = 0; }), "--steps");
  EXPECT_EQ(key_of([](auto& r) { r.batch = 0; }), "--batch");
  EXPECT_EQ(key_of([](auto& r) { r.factor = 1; }), "--factor");
  EXPECT_EQ(key_of([](auto& r) { r.width = 0; }), "--width");
  EXPECT_EQ(key_of([](auto& r) { r.blocks = 0; }), "--blocks");
  UpscaleRequest bad = request("bad");
  bad.factor = 3;
  EXPECT_NE(lucid::test::mistake_of([&] { train(bad); }).hint.find("--size 512"), std::string::npos);
}

}  // namespace
}  // namespace lucid::pretrain
