// SPDX-License-Identifier: Apache-2.0
// Tests of learning a word: its pictures, the loss and its gradient, and what the learnt word is worth.
#include <gtest/gtest.h>

#include <fstream>

#include "goldens.h"
#include "lucid/asset/pictures/image.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/personalise/learn_word.h"

namespace lucid::personalise {
namespace {
namespace fs = std::filesystem;

TEST(PersonalPictures, TheNameSaysTheView) {
  const auto view = view_in_name("mug_az-45_el15");
  ASSERT_TRUE(view);
  EXPECT_EQ(view->azimuth, -45);
  EXPECT_EQ(view->elevation, 15);
  EXPECT_EQ(view_in_name("az90")->azimuth, 90);
  EXPECT_EQ(view_in_name("az90")->elevation, 0);
  EXPECT_EQ(view_in_name("a-az180")->azimuth, 180);
  EXPECT_FALSE(view_in_name("topaz90"));
  EXPECT_FALSE(view_in_name("az90th"));
  EXPECT_FALSE(view_in_name("mug"));
}

TEST(PersonalPictures, ArePaddedToSquaresOverWhite) {
  const lucid::test::TemporaryFolder folder;
  torch::Tensor wide = torch::zeros({4, 10, 30});
  wide[0].fill_(1);
  wide[3].slice(1, 0, 15).fill_(1);  // the left half is red, the right one transparent
  asset::write_png(folder.path / "b_az90.png", wide);
  asset::write_png(folder.path / "A.PNG", torch::full({3, 8, 8}, 0.2f));
  write_file(folder.path / "notes.txt", "no picture");
  const auto pictures = read_pictures(folder.path, 30);
  ASSERT_EQ(pictures.size(), 2u);
  EXPECT_NEAR(pictures[0].rgb[1][15][15].item<float>(), 0.2, 0.01);
  EXPECT_FALSE(pictures[0].view);
  EXPECT_EQ(pictures[1].view->azimuth, 90);
  const torch::Tensor& rgb = pictures[1].rgb;
  EXPECT_EQ(rgb.sizes(), (std::vector<int64_t>{3, 30, 30}));
  EXPECT_EQ(rgb[1][15][5].item<float>(), 0) << "red";
  EXPECT_EQ(rgb[1][15][25].item<float>(), 1) << "transparent is white";
  EXPECT_EQ(rgb[1][2][5].item<float>(), 1) << "the rim is white";
}

// A PNG of a few bytes may declare any size: it is refused before memory is taken for its pixels. It has the head of a
// data chunk, up to which newer releases of stb read for the size.
TEST(PersonalPictures, AbsurdSizesAreRefused) {
  const lucid::test::TemporaryFolder folder;
  const auto problem = [&](const std::string& width, const std::string& height) -> std::string {
    write_file(folder.path / "a.png", "\x89PNG\r\n\x1a\n" + std::string("\0\0\0\x0dIHDR", 8) + width + height +
                                          std::string("\x08\x06\0\0\0", 5) + std::string(4, '\0') +
                                          std::string("\0\0\0\0IDAT", 8) + std::string(4, '\0'));
    try {
      read_pictures(folder.path, 30);
    } catch (const UserError& error) {
      return error.mistake().what_happened;
    }
    return "";
  };
  const std::string side_9000("\0\0\x23\x28", 4), side_16385("\0\0\x40\x01", 4), side_16("\0\0\0\x10", 4);
  EXPECT_EQ(problem(side_9000, side_9000), "has 9000 x 9000 pixels");
  EXPECT_EQ(problem(side_16385, side_16), "has 16385 x 16 pixels");
  EXPECT_EQ(problem(side_16, side_16), "is damaged");  // its size is fine
}

TEST(PersonalPictures, WhatIsNoPictureIsRefused) {
  const lucid::test::TemporaryFolder folder;
  EXPECT_THROW(read_pictures(folder.path / "none", 8), UserError);
  EXPECT_THROW(read_pictures(folder.path, 8), UserError);
  write_file(folder.path / "a.png", "not a picture");
  EXPECT_THROW(read_pictures(folder.path, 8), UserError);
  asset::write_png(folder.path / "a.png", torch::rand({3, 64, 64}));
  const std::string bytes = read_file(folder.path / "a.png");
  write_file(folder.path / "a.png", bytes.substr(0, bytes.size() / 2));
  EXPECT_THROW(read_pictures(folder.path, 8), UserError);
}

/// Discs of one colour, as no word of the embedded prior draws them.
std::vector<Picture> discs(const text_to_image::Prior& prior, int64_t count) {
  std::vector<Picture> pictures;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t side = prior.picture_size;
    const torch::Tensor x = torch::arange(side).to(torch::kFloat) - static_cast<float>(side) / 2;
    const torch::Tensor radius = (x.square().unsqueeze(0) + x.square().unsqueeze(1)).sqrt();
    const torch::Tensor inside =
        (radius < static_cast<float>(side) * (0.2f + 0.03f * static_cast<float>(i))).to(torch::kFloat);
    const torch::Tensor colour = torch::tensor({0.9f, 0.2f, 0.6f}).view({3, 1, 1});
    pictures.push_back({.rgb = 1 - inside * (1 - colour),
                        .view = text_to_image::Direction{.azimuth = 70.0 * static_cast<double>(i), .elevation = 15}});
  }
  return pictures;
}

text_to_image::Prior embedded() { return text_to_image::load_prior(test::source_dir() / "models/mini"); }
constexpr const char* kTable = "text_model.embeddings.token_embedding.weight";

TEST(DenoisingLossOfAWord, HasTheGradientOfItsEmbeddings) {
  text_to_image::Prior prior = text_to_image::load_prior(test::goldens() / "sd/tiny-sd1");
  DenoisingLoss loss(prior, discs(prior, 2));
  Rng rng(3, "test");
  const Draws draws = loss.draw(4, rng);
  torch::Tensor table = prior.encoder->named_parameters()[kTable];
  table.set_requires_grad(true);
  loss.of("cat", draws).mean().backward();
  const int64_t row = prior.tokenizer.encode("cat")[1];
  const torch::Tensor gradient = table.grad()[row].clone();
  table.set_requires_grad(false);
  ASSERT_GT(gradient.norm().item<double>(), 0);
  const torch::Tensor along = gradient / gradient.norm(), before = table[row].clone();
  const auto at = [&](double step) {
    table[row].copy_(before + step * along);
    return loss.of("cat", draws).to(torch::kDouble).mean().item<double>();
  };
  constexpr double kStep = 2e-2;
  const double slope = (at(kStep) - at(-kStep)) / (2 * kStep);
  EXPECT_NEAR(slope, gradient.norm().item<double>(), 0.05 * gradient.norm().item<double>());
}

TEST(LearnedWord, DescribesThePicturesBetterThanTheWordItBeganAs) {
  text_to_image::Prior prior = embedded();
  DenoisingLoss loss(prior, discs(prior, 3));
  WordOptions options{.word = "<disc>", .like = "ladder", .steps = 30, .batch = 4};
  const text_to_image::Inversion learned = learn_word(prior, loss, options);
  EXPECT_EQ(learned.vectors.sizes(), (std::vector<int64_t>{4, prior.encoder->config().hidden_size}));
  const Comparison gain = compare_words(loss, "<disc>", "ladder", 48, 1);
  EXPECT_GT(gain.difference, gain.half_width);
  EXPECT_EQ(compare_words(loss, "ladder", "ladder", 8, 1).difference, 0);
  for (const auto& words : {std::vector<std::string>{"ladder", "<disc>", "mug"}, {"<disc>", "ladder"}}) {
    EXPECT_EQ(best_words(loss, words, 1, 24, 0), std::vector<std::string>{"<disc>"});
  }

  // The file gives the same word to a fresh prior.
  const lucid::test::TemporaryFolder folder;
  write_inversion(folder.path / "disc.safetensors", learned);
  text_to_image::Prior fresh = embedded();
  for (const auto& inversion : text_to_image::read_inversions(folder.path / "disc.safetensors")) {
    text_to_image::add_inversion(inversion, fresh);
  }
  EXPECT_EQ(fresh.added_words, std::vector<std::string>{"<disc>"});
  DenoisingLoss read(fresh, discs(fresh, 3));
  EXPECT_NEAR(compare_words(read, "<disc>", "ladder", 48, 1).first, gain.first, 0.01 * gain.first);
}

TEST(LearnedWord, IsAFunctionOfTheSeedAndStopsWhenAsked) {
  const auto learned = [](uint64_t seed, const std::atomic<bool>* stop) {
    text_to_image::Prior prior = text_to_image::load_prior(test::goldens() / "sd/tiny-sd2-v");
    DenoisingLoss loss(prior, discs(prior, 2));
    return learn_word(prior, loss, {.word = "<disc>", .like = "cat", .steps = 3, .seed = seed, .stop = stop}).vectors;
  };
  const torch::Tensor first = learned(0, nullptr);
  EXPECT_TRUE(first.equal(learned(0, nullptr)));
  EXPECT_FALSE(first.equal(learned(1, nullptr)));
  const std::atomic<bool> stop{true};
  EXPECT_TRUE(learned(0, &stop)[0].equal(learned(1, &stop)[0])) << "what it began as";
}

TEST(LearnedWord, MistakesAreRefused) {
  text_to_image::Prior prior = text_to_image::load_prior(test::goldens() / "sd/tiny-sd1");
  DenoisingLoss loss(prior, discs(prior, 1));
  EXPECT_THROW(learn_word(prior, loss, {.word = "two words", .like = "cat", .steps = 1}), UserError);
  EXPECT_THROW(learn_word(prior, loss, {.word = "<coffeePress>", .like = "cat", .steps = 1}), UserError);
  EXPECT_THROW(learn_word(prior, loss, {.word = "<a>", .like = "", .steps = 1}), UserError);
  learn_word(prior, loss, {.word = "<a>", .like = "cat", .steps = 1});
  EXPECT_THROW(learn_word(prior, loss, {.word = "<a>", .like = "cat", .steps = 1}), UserError);
}

}  // namespace
}  // namespace lucid::personalise
