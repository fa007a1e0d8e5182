// SPDX-License-Identifier: Apache-2.0
// Tests of lora.h: outputs of the merged network against those of each layout's own library, and each kind's formula.
#include "lucid/text_to_image/lora.h"

#include <gtest/gtest.h>

#include <set>

#include "lucid/nn/layer.h"
#include "lucid/text_to_image/golden_prior_test.h"
#include "lucid/text_to_image/textual_inversion.h"
#include "mistakes.h"

namespace lucid::text_to_image {
namespace {

using diffusion::test::Tensors;
using tensor::relative_max_error;
using test::folder;
using test::make_prior;
using test::tensors;
namespace fs = std::filesystem;

constexpr double kLimit = 2e-5;  // relative to each tensor's largest value

torch::Tensor unet_out(Prior& prior) {
  const torch::NoGradGuard no_grad;
  const Tensors base = tensors("base");
  return prior.unet->forward(base.at("sample"), base.at("timestep"), base.at("context"));
}
torch::Tensor text_out(Prior& prior, const torch::Tensor& ids = tensors("base").at("input_ids")) {
  const torch::NoGradGuard no_grad;
  return prior.encoder->forward(ids).slice(1, 0, 24);
}

TEST(LoraGolden, TheBaseIsTheGoldens) {
  Prior prior = make_prior();
  EXPECT_LT(relative_max_error(unet_out(prior), tensors("base").at("unet_out")), kLimit);
  EXPECT_LT(relative_max_error(text_out(prior), tensors("base").at("text_out")), kLimit);
}

class EveryLayoutGolden : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(EveryLayoutGolden, GivesTheLibrarysOutputs) {
  const auto [file, expected_name] = GetParam();
  const Tensors expected = tensors(std::string(expected_name) + ".expected");
  for (const double scale : {1.0, 0.6}) {
    Prior prior = make_prior();
    const Lora lora = read_lora(folder() / (std::string(file) + ".safetensors"), prior);
    apply_lora(lora, scale, prior);
    for (const auto& [word, vector] : lora.tokens) {
      add_inversion({.file = file, .token = word, .vectors = vector.unsqueeze(0)}, prior);
    }
    const std::string at = fmt::format("@{:.1f}", scale);
    EXPECT_LT(relative_max_error(unet_out(prior), expected.at("unet_out" + at)), kLimit) << at;
    if (expected.contains("text_out" + at)) {
      const Tensors with_ids = expected.contains("input_ids") ? expected : tensors("base");
      EXPECT_LT(relative_max_error(text_out(prior, with_ids.at("input_ids")), expected.at("text_out" + at)), kLimit)
          << at;
    }
    for (const auto& [name, tensor] : expected) {
      if (!name.starts_with("merged:unet.") || !name.ends_with(at)) continue;
      const std::string module = name.substr(12, name.size() - 12 - at.size());
      EXPECT_LT(relative_max_error(prior.unet->named_parameters()[module + ".weight"], tensor), kLimit) << module;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Files, EveryLayoutGolden,
                         testing::Values(std::pair("lora_kohya", "lora_kohya"),
                                         std::pair("lora_kohya_mixed", "lora_kohya_mixed"),
                                         std::pair("lora_kohya_conv1x1", "lora_kohya_conv1x1_on_linear"),
                                         std::pair("lora_peft", "lora_peft"),
                                         std::pair("lora_diffusers_old", "lora_diffusers_old"),
                                         std::pair("lora_pti", "lora_pti")),
                         [](const auto& param) { return std::string(param.param.first); });

TEST(LoraGolden, PtiFilesHoldTokensToo) {
  Prior prior = make_prior();
  EXPECT_EQ(read_lora(folder() / "lora_pti.safetensors", prior).tokens.size(), 2u);
  const Lora alone = read_lora(folder() / "lora_pti_embed_only.safetensors", prior);
  EXPECT_TRUE(alone.unet.empty() && alone.text.empty());
  ASSERT_EQ(alone.tokens.size(), 1u);
  add_inversion({.file = {}, .token = "<only-embed>", .vectors = alone.tokens.at("<only-embed>").unsqueeze(0)}, prior);
  const Tensors expected = tensors("lora_pti.expected");
  EXPECT_LT(
      relative_max_error(text_out(prior, expected.at("embed_only_input_ids")), expected.at("embed_only_text_out")),
      kLimit);
}

TEST(Lora, SeveralAddUp) {
  Prior once = make_prior(), twice = make_prior();
  const Lora kohya = read_lora(folder() / "lora_kohya.safetensors", once);
  const Lora peft = read_lora(folder() / "lora_peft.safetensors", once);
  apply_lora(kohya, 0.5, once);
  apply_lora(peft, 0.3, once);
  apply_lora(peft, 0.3, twice);
  apply_lora(kohya, 0.5, twice);
  EXPECT_LT(relative_max_error(unet_out(once), unet_out(twice)), 1e-5);
}

TEST(Lora, UpdatedWeightsOfAFloat32UNetAreNotRoundedTo16Bits) {
  for (const torch::ScalarType type : {torch::kHalf, torch::kBFloat16}) {
    Prior prior = make_prior();
    const Lora lora = read_lora(folder() / "lora_kohya.safetensors", prior);
    auto parameters = prior.unet->named_parameters();
    const std::set<std::string> halves = nn::weights_readable_as_16_bit(*prior.unet);
    for (const std::string& name : halves) parameters[name].set_data(parameters[name].to(type));
    apply_lora(lora, 1, prior);
    int64_t changed = 0;
    for (const std::string& name : halves) {
      const bool changes = lora.unet.contains(name.substr(0, name.size() - std::string(".weight").size()));
      EXPECT_EQ(parameters[name].scalar_type(), changes ? torch::kFloat : type) << name;
      changed += changes ? 1 : 0;
    }
    EXPECT_GT(changed, 0);
  }
}

TEST(Lora, AUNetSavedByItselfHasNoPrefix) {
  constexpr std::string_view kPrefix = "unet.";
  for (const std::string name : {"lora_diffusers_old", "lora_peft"}) {
    const weights::StateDict whole = weights::read_safetensors(folder() / (name + ".safetensors"));
    const lucid::test::TemporaryFolder temporary;
    const fs::path file = temporary.path / "x.safetensors";
    Tensors bare;
    for (const auto& [key, tensor] : whole.tensors) {
      if (key.starts_with(kPrefix)) bare[key.substr(kPrefix.size())] = tensor;
    }
    ASSERT_FALSE(bare.empty());
    weights::write_safetensors(file, bare);
    Prior one = make_prior(), other = make_prior();
    Lora lora = read_lora(folder() / (name + ".safetensors"), one);
    lora.text.clear();
    apply_lora(lora, 1, one);
    apply_lora(read_lora(file, other), 1, other);
    EXPECT_TRUE(torch::equal(unet_out(one), unet_out(other))) << name;
  }
}

torch::Tensor random(std::vector<int64_t> sizes) { return torch::randn(sizes, torch::kDouble); }

TEST(Lora, LyCorisKindsAreTheirDefinitions) {
  torch::manual_seed(2);
  const torch::Tensor a = random({6, 2}), b = random({2, 8}), c = random({6, 2}), d = random({2, 8});
  LayerChange loha{.factors = {{"hada_w1_a", a}, {"hada_w1_b", b}, {"hada_w2_a", c}, {"hada_w2_b", d}}, .alpha = 1};
  EXPECT_TRUE(torch::allclose(loha.delta({6, 8}), 0.5 * (a.matmul(b) * c.matmul(d))));
  const torch::Tensor w1 = random({3, 2}), w2a = random({2, 1}), w2b = random({1, 4});
  LayerChange lokr{.factors = {{"lokr_w1", w1}, {"lokr_w2_a", w2a}, {"lokr_w2_b", w2b}}, .alpha = 0};
  EXPECT_TRUE(torch::allclose(lokr.delta({6, 8}), torch::kron(w1, w2a.matmul(w2b))));
  const torch::Tensor up = random({5, 3, 1, 1}), mid = random({3, 3, 3, 3}), down = random({3, 4, 1, 1});
  LayerChange locon{.factors = {{"up", up}, {"mid", mid}, {"down", down}}, .alpha = 6};
  torch::Tensor expected = torch::zeros({5, 4, 3, 3}, torch::kDouble);
  for (int64_t o = 0; o < 5; ++o) {
    for (int64_t i = 0; i < 4; ++i) {
      for (int64_t r = 0; r < 3; ++r) {
        for (int64_t s = 0; s < 3; ++s) expected[o][i] += up[o][r][0][0] * mid[r][s] * down[s][i][0][0] * 2;
      }
    }
  }
  EXPECT_TRUE(torch::allclose(locon.delta({5, 4, 3, 3}), expected));
  // With a core LyCORIS stores the left factor as [r,o].
  const torch::Tensor c1 = random({3, 5}), c2 = random({3, 5}), d1 = random({3, 4}), d2 = random({3, 4}),
                      mid2 = random({3, 3, 3, 3});
  LayerChange cores{.factors = {{"hada_t1", mid},
                                {"hada_w1_a", c1},
                                {"hada_w1_b", d1},
                                {"hada_t2", mid2},
                                {"hada_w2_a", c2},
                                {"hada_w2_b", d2}},
                    .alpha = 0};
  const auto tucker = [](const torch::Tensor& core, const torch::Tensor& left, const torch::Tensor& right) {
    torch::Tensor sum = torch::zeros({left.size(1), right.size(1), 3, 3}, torch::kDouble);
    for (int64_t o = 0; o < left.size(1); ++o) {
      for (int64_t i = 0; i < right.size(1); ++i) {
        for (int64_t r = 0; r < core.size(0); ++r) {
          for (int64_t s = 0; s < core.size(1); ++s) sum[o][i] += left[r][o] * core[r][s] * right[s][i];
        }
      }
    }
    return sum;
  };
  EXPECT_TRUE(torch::allclose(cores.delta({5, 4, 3, 3}), tucker(mid, c1, d1) * tucker(mid2, c2, d2)));
  const torch::Tensor small = random({2, 3}), w2 = tucker(mid, c1, d1);  // [5,4,3,3]
  LayerChange lokr_core{.factors = {{"lokr_w1", small}, {"lokr_t2", mid}, {"lokr_w2_a", c1}, {"lokr_w2_b", d1}},
                        .alpha = 6};
  torch::Tensor blocks = torch::zeros({10, 12, 3, 3}, torch::kDouble);
  for (int64_t m = 0; m < 2; ++m) {
    for (int64_t n = 0; n < 3; ++n) {
      blocks.slice(0, 5 * m, 5 * m + 5).slice(1, 4 * n, 4 * n + 4).copy_(small[m][n] * w2 * 2);
    }
  }
  EXPECT_TRUE(torch::allclose(lokr_core.delta({10, 12, 3, 3}), blocks));
  LayerChange misfit = cores;
  misfit.factors["hada_t1"] = random({2, 3, 3, 3});
  EXPECT_THROW(misfit.delta({5, 4, 3, 3}), std::invalid_argument);
  // A product far larger than memory is rejected before it is computed.
  const torch::Tensor tall = torch::ones({1 << 22, 1}), wide = torch::ones({1, 1 << 22});
  EXPECT_THROW((LayerChange{.factors = {{"up", tall}, {"down", wide}}, .alpha = 0}.delta({5, 4})),
               std::invalid_argument);
  EXPECT_THROW((LayerChange{.factors = {{"lokr_w1", tall}, {"lokr_w2", wide}}, .alpha = 0}.delta({5, 4})),
               std::invalid_argument);
  LayerChange diff{.factors = {{"diff", up}}, .alpha = 0};
  EXPECT_TRUE(torch::equal(diff.delta({5, 3, 1, 1}), up));
}

TEST(Lora, DoraGivesEachOutputItsMagnitude) {
  torch::manual_seed(3);
  const torch::Tensor weight = random({5, 4, 3, 3}), up = random({5, 2, 1, 1}), down = random({2, 4, 3, 3});
  const torch::Tensor moved = weight + up.flatten(1).matmul(down.flatten(1)).view({5, 4, 3, 3});
  const torch::Tensor by_output = random({5}).abs(), by_input = random({1, 4, 1, 1}).abs();
  const auto changed = [&](const torch::Tensor& magnitude) {
    const LayerChange change{.factors = {{"up", up}, {"down", down}, {"dora_scale", magnitude}}, .alpha = 0};
    return weight + change.delta_of(weight);
  };
  for (const torch::Tensor& magnitude : {by_output, by_output.view({5, 1, 1, 1})}) {  // PEFT's, kohya's
    const torch::Tensor found = changed(magnitude);
    for (int64_t o = 0; o < 5; ++o) {
      EXPECT_TRUE(torch::allclose(found[o], moved[o] / moved[o].norm() * by_output[o])) << o;
    }
  }
  const torch::Tensor found = changed(by_input);
  for (int64_t i = 0; i < 4; ++i) {
    const torch::Tensor column = moved.select(1, i);
    EXPECT_TRUE(torch::allclose(found.select(1, i), column / column.norm() * by_input.flatten()[i])) << i;
  }
  EXPECT_THROW(changed(random({3})), std::invalid_argument);
}

TEST(Lora, MisfitsAreReportedWithBothShapes) {
  const lucid::test::TemporaryFolder temporary;
  const fs::path file = temporary.path / "x.safetensors";
  const std::string layer = "lora_unet_mid_block_attentions_0_proj_in";
  const auto problem = [&](const Tensors& tensors) {
    weights::write_safetensors(file, tensors);
    return lucid::test::mistake_of([&] {
      Prior prior = make_prior();
      apply_lora(read_lora(file, prior), 1, prior);
    });
  };
  const Tensors good = {{layer + ".lora_up.weight", torch::ones({32, 2})},
                        {layer + ".lora_down.weight", torch::ones({2, 32})}};
  Tensors wide = good;
  wide[layer + ".lora_down.weight"] = torch::ones({2, 40});
  EXPECT_NE(problem(wide).what_happened.find("[32,40], the weight [32,32]"), std::string::npos);
  Tensors rank = good;
  rank[layer + ".lora_down.weight"] = torch::ones({3, 32});
  EXPECT_NE(problem(rank).what_happened.find("[32,2] and [3,32]"), std::string::npos);
  Tensors half = good;
  half.erase(layer + ".lora_down.weight");
  EXPECT_NE(problem(half).what_happened.find("down is missing"), std::string::npos);
  Tensors flat = good;
  flat[layer + ".lora_up.weight"] = torch::ones({32});
  EXPECT_NE(problem(flat).what_happened, "");
  Tensors alpha = good;
  alpha[layer + ".alpha"] = torch::ones({2});
  EXPECT_EQ(problem(alpha).key, layer + ".alpha");
  Tensors stranger = good;
  stranger["lora_unet_down_blocks_9_attentions_0_proj_in.alpha"] = torch::ones({});
  EXPECT_NE(problem(stranger).what_happened.find("1 of its 3"), std::string::npos);
}

}  // namespace
}  // namespace lucid::text_to_image
