// SPDX-License-Identifier: Apache-2.0
// Golden tests of Adam, densification, opacity reset and learning rates: the reference's recorded gradients and random
// numbers are replayed and its results compared.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "goldens.h"
#include "lucid/optim/densify.h"
#include "lucid/weights/state_dict.h"

namespace lucid::optim {
namespace {

using gaussians::Cloud;

constexpr double kTolerance = 1e-6;  // relative (goldens/densify/README.md)

std::vector<std::filesystem::path> files() { return test::golden_files("densify", /*committed=*/3); }

class DensifyGolden : public testing::TestWithParam<std::filesystem::path> {
 protected:
  void SetUp() override {
    file_ = weights::read_safetensors(GetParam());
    rates_.spatial_lr_scale = number("extent");
    rates_.iterations = static_cast<int64_t>(number("iterations"));
    const auto parameters = cloud_.parameters();
    for (int g = 0; g < Cloud::kGroups; ++g)
      *parameters[g] = tensor(std::string("initial.") + Cloud::kNames[g]).clone();
  }

  const torch::Tensor& tensor(const std::string& name) const { return file_.tensors.at(name); }
  double number(const std::string& key) const { return std::stod(file_.metadata.at(key)); }

  /// Takes the recorded Adam steps `stage`0, `stage`1, … Our learning rates must equal the recorded ones.
  void take_steps(Adam& adam, const std::string& stage) {
    for (int j = 0; file_.tensors.contains(fmt::format("{}{}.lr", stage, j)); ++j) {
      const std::string prefix = fmt::format("{}{}.", stage, j);
      gaussians::CloudGradient gradient = gaussians::CloudGradient::zeros_like(cloud_);
      for (int g = 0; g < Cloud::kGroups; ++g) gradient.raw[g] = tensor(prefix + "d_" + Cloud::kNames[g]).contiguous();
      const int64_t iteration = static_cast<int64_t>(number("first_iteration")) + adam.steps;
      const auto rates = rates_.at(iteration);
      for (int g = 0; g < Cloud::kGroups; ++g) {
        const double golden = tensor(prefix + "lr")[g].item<double>();
        EXPECT_NEAR(rates[g], golden, 1e-12 * golden) << Cloud::kNames[g] << " at " << iteration;
      }
      adam.step(cloud_, gradient, rates);
    }
  }

  void expect_stage(const Adam& adam, const std::string& stage) {
    EXPECT_EQ(static_cast<double>(adam.steps), tensor(stage + ".adam_step").item<double>()) << stage;
    for (int g = 0; g < Cloud::kGroups; ++g) {
      const std::string name = stage + "." + Cloud::kNames[g];
      expect_close(*cloud_.parameters()[g], name);
      expect_close(adam.m[g], name + ".m");
      expect_close(adam.v[g], name + ".v");
    }
  }

  /// Errors of second moments are relative to each value; of first moments to each value but at least a thousandth of
  /// the largest; of parameters to the tensor's largest value, because they are float32 sums that may cancel (a child's
  /// mean is its parent's plus an offset).
  void expect_close(const torch::Tensor& ours, const std::string& name) {
    const torch::Tensor golden = tensor(name).to(torch::kFloat64);
    ASSERT_EQ(ours.sizes(), golden.sizes()) << name;
    if (golden.numel() == 0) return;
    const double floor = name.ends_with(".v") ? 0 : name.ends_with(".m") ? 1e-3 : 1;
    const torch::Tensor scale = golden.abs().clamp_min(floor * golden.abs().max().item<double>() + 1e-30);
    const double error = ((ours - golden).abs() / scale).max().item<double>();
    worst_ = std::max(worst_, error);
    EXPECT_LE(error, kTolerance) << name;
  }

  weights::StateDict file_;
  Cloud cloud_;
  LearningRates rates_;
  double worst_ = 0;
};

TEST_P(DensifyGolden, StepsDensifiesPrunesAndResetsAsTheReference) {
  Adam adam(cloud_);
  take_steps(adam, "step");
  expect_stage(adam, "stepped");

  DensifyStats stats{.gradient_sum = tensor("gradient_sum").clone(),
                     .gradient_count = tensor("gradient_count").clone(),
                     .max_radii = tensor("max_radii").clone()};
  const DensifyOptions options{.densify_grad_threshold = number("gradient_threshold"),
                               .percent_dense = number("percent_dense"),
                               .min_opacity = number("min_opacity"),
                               .extent = number("extent")};
  const auto normals = [&](int64_t splits) {
    EXPECT_EQ(2 * splits, tensor("unit_normals").size(0));
    return tensor("unit_normals");
  };
  const int64_t before = cloud_.count();
  const DensifyReport report = densify_and_prune(cloud_, adam, stats, options, number("size_threshold") > 0, normals);
  EXPECT_EQ(report.total, before + report.cloned + report.split - report.pruned);
  EXPECT_EQ(2 * report.split, tensor("unit_normals").size(0));
  EXPECT_EQ(stats.gradient_sum.size(0), report.total);
  expect_stage(adam, "densified");

  reset_opacity(cloud_, adam);
  expect_stage(adam, "reset");
  take_steps(adam, "after");
  expect_stage(adam, "final");
  RecordProperty("worst_relative_error", fmt::format("{:.3g}", worst_));
  if (std::getenv("LUCID_SHOW_ERRORS") != nullptr) fmt::print("worst relative error {:.3g}\n", worst_);
}

INSTANTIATE_TEST_SUITE_P(Files, DensifyGolden, testing::ValuesIn(files()),
                         [](const auto& p) { return p.param.stem().string(); });

TEST(DensifyGoldenFolder, HasFiles) { EXPECT_FALSE(files().empty()); }

/// The tensor's name lists the iterations of its values.
TEST(LearningRateGolden, PositionRates) {
  const auto file = weights::read_safetensors(test::goldens() / "reference.safetensors");
  const LearningRates rates{.iterations = 5000, .spatial_lr_scale = 3.5};
  const std::string prefix = "position_lr_at_";
  int64_t checked = 0;
  for (const auto& [name, values] : file.tensors) {
    if (name.rfind(prefix, 0) != 0) continue;
    std::stringstream at(name.substr(prefix.size()));
    int64_t i = 0;
    for (std::string iteration; std::getline(at, iteration, '_'); ++i, ++checked) {
      const double golden = values.to(torch::kFloat64)[i].item<double>();
      EXPECT_NEAR(rates.at(std::stoll(iteration))[Cloud::kMeans], golden, 1e-12 * golden) << iteration;
    }
    EXPECT_EQ(i, values.numel());
  }
  EXPECT_GT(checked, 0);
}

}  // namespace
}  // namespace lucid::optim
