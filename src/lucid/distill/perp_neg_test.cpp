// SPDX-License-Identifier: Apache-2.0
// Tests of Perp-Neg and view prompts against the reference's functions (prompts.safetensors, reference.safetensors).
#include "lucid/distill/perp_neg.h"

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/distill/toy_denoiser.h"
#include "lucid/tensor/relative_error.h"
#include "lucid/weights/state_dict.h"

namespace lucid::distill {
namespace {

using lucid::test::goldens;
using tensor::relative_error;

std::vector<double> doubles(const torch::Tensor& x) {
  const torch::Tensor flat = x.to(torch::kDouble).flatten().contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

const text_to_image::ViewAnchors kReference = text_to_image::ViewAnchors::reference();

/// The golden files' number of an anchor: 0 front, 1 side, 2 back.
size_t role(size_t anchor) {
  const std::string& words = kReference.anchors()[anchor].words;
  return words == ", front view" ? 0 : words == ", side view" ? 1 : 2;
}

std::array<double, 3> front_side_back(double azimuth) {
  std::array<double, 3> shares{};
  for (const auto& [anchor, weight] : kReference.mix(azimuth, 0)) shares[role(anchor)] += weight;
  return shares;
}

std::vector<text_to_image::Direction> level(const std::vector<double>& azimuths) {
  std::vector<text_to_image::Direction> views;
  for (const double azimuth : azimuths) views.push_back({.azimuth = azimuth});
  return views;
}

TEST(PromptGolden, MixWeightsAndExtraPromptsAreTheReferences) {
  const auto file = weights::read_safetensors(goldens() / "distill/prompts.safetensors");
  const auto azimuths = doubles(file.tensors.at("azimuths"));
  const auto mix = doubles(file.tensors.at("mix_front_side_back"));
  const auto weights = doubles(file.tensors.at("weights"));
  const auto extra = doubles(file.tensors.at("extra_prompts"));
  for (size_t i = 0; i < azimuths.size(); ++i) {
    SCOPED_TRACE(azimuths[i]);
    const std::array<double, 3> shares = front_side_back(azimuths[i]);
    const PerpNegTerms ours = perpneg_terms(kReference, azimuths[i]);
    for (size_t k = 0; k < 3; ++k) {
      EXPECT_NEAR(shares[k], mix[3 * i + k], 1e-6);
      EXPECT_NEAR(ours.weights[k], weights[3 * i + k], 1e-6);
    }
    for (size_t k = 0; k < 2; ++k) EXPECT_EQ(role(ours.extra[k]), static_cast<size_t>(extra[2 * i + k]));
  }
}

text_to_image::ViewPrompts golden_prompts() {
  const auto common = weights::read_safetensors(goldens() / "distill/common.safetensors");
  const auto get = [&](const char* name) { return common.tensors.at(name).clone(); };
  return {kReference, torch::cat({get("emb_side"), get("emb_front"), get("emb_side"), get("emb_back")}),
          get("emb_uncond"), get("emb_inverse_text")};
}

TEST(PromptGolden, ViewEmbeddingsAreTheReferences) {
  const auto file = weights::read_safetensors(goldens() / "distill/prompts.safetensors");
  const torch::Tensor z = text_to_image::view_embeddings(golden_prompts(), level(doubles(file.tensors.at("azimuths"))));
  EXPECT_LT(relative_error(z.slice(1, 0, 2), file.tensors.at("z_first2tokens")), 1e-6);
}

TEST(PromptGolden, PerpNegPromptsAreTheReferences) {
  const auto file = weights::read_safetensors(goldens() / "distill/prompts.safetensors");
  const auto azimuths = doubles(file.tensors.at("azimuths"));
  const text_to_image::ViewPrompts prompts = golden_prompts();
  const PerpNegPrompts ours = perpneg_prompts(prompts, level(azimuths), {});
  EXPECT_LT(relative_error(ours.weights, file.tensors.at("weights").t()), 1e-6);
  const torch::Tensor extra = file.tensors.at("extra_prompts");
  const torch::Tensor embeddings = prompts.embeddings();
  const torch::Tensor anchors[] = {embeddings[1], embeddings[0], embeddings[3]};
  for (size_t k = 0; k < 2; ++k) {
    const torch::Tensor found = nn::PromptMix(prompts.table(), ours.extra[k]).embeddings();
    ASSERT_EQ(found.size(0), static_cast<int64_t>(azimuths.size()));
    for (int64_t view = 0; view < found.size(0); ++view) {
      EXPECT_TRUE(torch::equal(found[view], anchors[extra[view][static_cast<int64_t>(k)].item<int64_t>()]));
    }
  }
}

TEST(PromptGolden, EmbeddingMixesAndWeightsOfTheReferenceFile) {
  const auto file = weights::read_safetensors(goldens() / "reference.safetensors");
  const torch::Tensor rows = file.tensors.at("perpneg_embeddings_weights").to(torch::kDouble);
  for (int64_t i = 0; i < rows.size(0); ++i) {
    const auto row = doubles(rows[i]);
    SCOPED_TRACE(row[0]);
    const std::array<double, 3> shares = front_side_back(row[0]);
    const PerpNegTerms ours = perpneg_terms(kReference, row[0]);
    for (size_t k = 0; k < 3; ++k) {
      EXPECT_NEAR(shares[k], row[1 + k], 1e-6);
      EXPECT_NEAR(ours.weights[k], row[10 + k], 1e-6);
      // The 2nd and 3rd embedding are pure anchors.
      EXPECT_NEAR(row[4 + k], k == role(ours.extra[0]) ? 1 : 0, 1e-6);
      EXPECT_NEAR(row[7 + k], k == role(ours.extra[1]) ? 1 : 0, 1e-6);
    }
  }
}

TEST(PromptGolden, AggregateFailsIfPerpNegsProjectionIsDropped) {
  const auto file = weights::read_safetensors(goldens() / "reference.safetensors");
  const torch::Tensor flat = file.tensors.at("perpneg_delta");
  const torch::Tensor expected = file.tensors.at("perpneg_aggregate");
  const int64_t views = expected.size(0), prompts = flat.size(0) / views;
  std::vector<int64_t> shape = expected.sizes().vec();
  shape.insert(shape.begin(), prompts);
  const torch::Tensor delta = flat.reshape(shape);
  const torch::Tensor weights = file.tensors.at("perpneg_weights").reshape({prompts, views});
  EXPECT_LT(relative_error(perpneg_aggregate(delta, weights), expected), 1e-6);
  const torch::Tensor plain =
      delta[0] + (weights.slice(0, 1).view({prompts - 1, views, 1, 1, 1}) * delta.slice(0, 1)).sum(0);
  EXPECT_GT(relative_error(plain, expected), 1e-2) << "the golden would not notice a dropped projection";
}

TEST(PerpNeg, PushesTheFrontAwayFromEverySideButItsOwn) {
  std::vector<text_to_image::ViewAnchor> ring;
  for (int azimuth = -135; azimuth <= 180; azimuth += 45) {
    ring.push_back({.azimuth = static_cast<double>(azimuth), .words = std::to_string(azimuth)});
  }
  const text_to_image::ViewAnchors anchors(ring);
  const auto front = anchors.front();
  EXPECT_EQ(anchors.anchors()[front].words, "0");
  for (const double azimuth : {60.0, 100.0, 179.0, -179.0, -100.0, -60.0}) {
    const PerpNegTerms terms = perpneg_terms(anchors, azimuth);
    EXPECT_EQ(terms.extra[1], front) << azimuth;
    EXPECT_EQ(terms.weights[2], -2) << azimuth;
  }
  for (const double azimuth : {-5.0, 0.0, 5.0}) EXPECT_EQ(perpneg_terms(anchors, azimuth).weights[1], 0) << azimuth;
}

TEST(PerpNeg, NegligibleWeightsAreSkippedEvenIfTheirTermIsNotFinite) {
  torch::Tensor delta = torch::ones({2, 1, 1, 2, 2});
  delta[1].fill_(std::numeric_limits<float>::quiet_NaN());
  const torch::Tensor aggregate = perpneg_aggregate(delta, torch::tensor({1.0F, 1e-4F}).view({2, 1}));
  EXPECT_TRUE(torch::equal(aggregate, delta[0]));
}

TEST(PerpNeg, AZeroMainDirectionDividesByTheFloor) {
  torch::Tensor delta = torch::zeros({2, 1, 1, 2, 2});
  delta[1].fill_(3);
  const torch::Tensor aggregate = perpneg_aggregate(delta, torch::tensor({1.0F, -2.0F}).view({2, 1}));
  EXPECT_TRUE(torch::allclose(aggregate, torch::full({1, 1, 2, 2}, -6.0)));
}

TEST(Prompts, AnyTurnMeansTheSameView) {
  for (const double azimuth : {-170.0, -30.0, 45.0, 179.0}) {
    const auto once = front_side_back(azimuth), again = front_side_back(azimuth + 720);
    for (size_t k = 0; k < 3; ++k) EXPECT_NEAR(once[k], again[k], 1e-9);
  }
}

}  // namespace
}  // namespace lucid::distill
