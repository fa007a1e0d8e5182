// SPDX-License-Identifier: Apache-2.0
// The upscaling network before its training, and its files, also damaged ones.
#include "lucid/upscale/model.h"

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/weights/state_dict.h"
#include "mistakes.h"

namespace lucid::upscale {
namespace {
namespace fs = std::filesystem;

const NetworkConfig kSmall{.factor = 2, .width = 6, .blocks = 3};

torch::Tensor picture() {
  torch::manual_seed(1);
  return torch::rand({2, 3, 5, 7});
}

TEST(UpscaleNetwork, AddsNothingToBicubicInterpolationBeforeItsTraining) {
  Network network(kSmall);
  const torch::Tensor enlarged = network->forward(picture());
  EXPECT_EQ(enlarged.sizes(), (std::vector<int64_t>{2, 3, 10, 14}));
  EXPECT_TRUE(enlarged.equal(bicubic(picture(), 2)));
  const torch::Tensor flat = torch::full({1, 3, 4, 4}, 0.25);
  EXPECT_LT((bicubic(flat, 4) - 0.25).abs().max().item<float>(), 1e-6);
}

/// Weights without zeros, so that each layer counts.
void fill(Network& network) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(2);
  for (torch::Tensor& p : network->parameters()) p.copy_(0.1 * torch::randn(p.sizes()));
}

TEST(UpscaleNetwork, APixelIsMadeOfItsNeighbourhoodAlone) {
  Network network(kSmall);
  fill(network);
  const torch::NoGradGuard no_grad;
  torch::Tensor wide = torch::rand({1, 3, 40, 40});
  const torch::Tensor before = network->forward(wide);
  wide[0][1][20][20] += 0.5;
  const torch::Tensor change = (network->forward(wide) - before).abs().amax(1)[0];  // [80,80]
  const int64_t reach = 2 * (1 + 2 * kSmall.blocks + 1);  // convolutions of 3 x 3, in pixels of the result
  EXPECT_GT(change[40][40].item<float>(), 0);
  EXPECT_GT(change.slice(0, 40 - reach, 40 - reach + 2).max().item<float>(), 0);
  EXPECT_EQ(change.slice(0, 0, 40 - reach).max().item<float>(), 0);
  EXPECT_EQ(change.slice(1, 42 + reach).max().item<float>(), 0);
}

class UpscaleFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    Network network(kSmall);
    fill(network);
    std::map<std::string, torch::Tensor> weights;
    for (const auto& item : network->named_parameters()) {
      const torch::NoGradGuard no_grad;
      item.value().copy_(item.value().to(torch::kHalf));  // as the file holds it
      weights[item.key()] = item.value();
    }
    network_ = network;
    save_network(folder(), kSmall, weights);
  }
  fs::path folder() const { return temporary_.path / "upscale"; }
  Network network_{nullptr};

 private:
  lucid::test::TemporaryFolder temporary_;
};

TEST_F(UpscaleFiles, GiveTheSameNetworkBack) {
  Network again = open_network(folder());
  EXPECT_EQ(again->config().factor, 2);
  EXPECT_TRUE(again->forward(picture()).equal(network_->forward(picture())));
  double matrices = 0;
  for (const torch::Tensor& p : again->parameters()) {
    EXPECT_FALSE(p.requires_grad());
    matrices += p.dim() > 1 ? static_cast<double>(p.numel()) : 0;
  }
  EXPECT_EQ(kSmall.parameters(), matrices);
}

TEST_F(UpscaleFiles, DamagedOnesAreOneLine) {
  const fs::path json = folder() / "upscale.json", weights_path = weights_file(folder());
  const std::string good = read_file(json), bytes = read_file(weights_path);
  const auto mistake = [&] { return lucid::test::mistake_of([&] { open_network(folder()); }); };
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    write_file(json, text.replace(at, from.size(), to));
  };
  for (const char* key : {"factor", "width", "blocks"}) {
    for (const char* value : {"-1", "1e12", "\"two\"", "0"}) {
      SCOPED_TRACE(fmt::format("{} {}", key, value));
      const std::string was = fmt::format("\"{}\":", key);
      with(was, fmt::format("{}{},\"before\":", was, value));
      EXPECT_EQ(mistake().key, key);
    }
  }
  with("\"width\":6", "\"width\":600");
  EXPECT_FALSE(mistake().what_happened.empty()) << "far more than the file holds";
  with("\"blocks\":3", "\"blocks\":2");
  EXPECT_FALSE(mistake().what_happened.empty());
  write_file(json, good);
  write_file(weights_path, bytes.substr(0, bytes.size() / 2));
  EXPECT_EQ(mistake().file, weights_path.string());
  fs::remove(weights_path);
  EXPECT_FALSE(mistake().what_happened.empty());
}

}  // namespace
}  // namespace lucid::upscale
