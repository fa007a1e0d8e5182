// SPDX-License-Identifier: Apache-2.0
// Tests of textual_inversion.h: ids and embeddings equal diffusers'; invalid files are rejected.
#include "lucid/text_to_image/textual_inversion.h"

#include <gtest/gtest.h>

#include "lucid/text_to_image/golden_prior_test.h"
#include "mistakes.h"

namespace lucid::text_to_image {
namespace {

Prior prior_with_all_words() {
  Prior prior = test::make_prior();
  for (const auto& [file, token] :
       {std::pair("ti_single.safetensors", ""), std::pair("ti_multi.safetensors", ""), std::pair("ti_a1111.pt", ""),
        std::pair("ti_emb_params.safetensors", "<golden-emb>")}) {
    for (const Inversion& inversion : read_inversions(test::folder() / file, token)) add_inversion(inversion, prior);
  }
  return prior;
}

TEST(InversionGolden, IdsAndEmbeddingsAreDiffusers) {
  const torch::NoGradGuard no_grad;
  Prior prior = prior_with_all_words();
  const auto expected = test::tensors("ti.expected");
  const std::vector<std::string> prompts = {"a photo of <golden-cat>, front view",
                                            "<golden-multi> wearing armor, a golden-old axe",
                                            "a <golden-emb> and a <golden-cat>"};
  for (size_t i = 0; i < prompts.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    for (const auto& [key, text] :
         {std::pair("input_ids", expand_tokens(prior, prompts[i])), std::pair("input_ids_not_expanded", prompts[i])}) {
      const auto ids = torch::tensor(prior.tokenizer.encode_padded(text, 77), torch::kLong);
      EXPECT_TRUE(torch::equal(ids, expected.at(key)[row])) << key << ' ' << prompts[i] << '\n' << ids.slice(0, 0, 12);
    }
    const torch::Tensor found = embed(prior, prompts[i]).slice(1, 0, 24);
    EXPECT_LT(tensor::relative_max_error(found[0], expected.at("text_out")[row]), 2e-5) << prompts[i];
  }
}

TEST(Inversion, WordsAreFoundInAnyCaseAndOnlyOnce) {
  Prior prior = prior_with_all_words();
  EXPECT_EQ(prior.tokenizer.encode("a <Golden-Cat>"), prior.tokenizer.encode("a <golden-cat>"));
  EXPECT_EQ(prior.tokenizer.count("<golden-multi>"), 1);
  const auto again = read_inversions(test::folder() / "ti_single.safetensors");
  EXPECT_NE(lucid::test::mistake_of([&] { add_inversion(again.front(), prior); }).what_happened.find("already"),
            std::string::npos);
}

TEST(Inversion, InvalidFilesAreRejectedByName) {
  const lucid::test::TemporaryFolder folder;
  const auto problem = [&](const std::map<std::string, torch::Tensor>& tensors, const std::string& token = "") {
    weights::write_safetensors(folder.path / "word.safetensors", tensors);
    return lucid::test::mistake_of([&] {
      Prior prior = test::make_prior();
      for (const Inversion& inversion : read_inversions(folder.path / "word.safetensors", token))
        add_inversion(inversion, prior);
    });
  };
  const std::string width = problem({{"<w>", torch::ones({40})}}).what_happened;
  EXPECT_NE(width.find("40"), std::string::npos);
  EXPECT_NE(width.find("32"), std::string::npos);
  EXPECT_EQ(problem({{"<w>", torch::ones({2, 2, 32})}}).key, "<w>");
  EXPECT_EQ(problem({{"<w>", torch::full({32}, NAN)}}).key, "<w>");
  EXPECT_EQ(problem({{"<w>", torch::ones({32}, torch::kLong)}}).key, "<w>");
  EXPECT_EQ(problem({{"clip_g", torch::ones({1, 1280})}}).key, "clip_g");
  EXPECT_NE(problem({{"clip_g", torch::ones({1, 1280})}, {"clip_l", torch::ones({2, 768})}})
                .what_happened.find("2 vectors in clip_l, 1 in clip_g"),
            std::string::npos);
  EXPECT_EQ(problem({{"clip_g", torch::ones({1, 1280})}, {"clip_l", torch::ones({1, 768})}}).what_happened,
            "is a textual inversion for SDXL, the prior is Stable Diffusion 2.x");
  EXPECT_NE(problem({{"<a>", torch::ones({32})}, {"<b>", torch::ones({32})}}, "<c>").what_happened.find("2 words"),
            std::string::npos);
  EXPECT_NE(problem({}).what_happened, "");
}

}  // namespace
}  // namespace lucid::text_to_image
