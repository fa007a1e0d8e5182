// SPDX-License-Identifier: Apache-2.0
// Unit tests of the training: tokenizer files, data, EMA, Muon, learning rate, noise, embeddings, device names.
#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/base/error.h"
#include "lucid/nn/layout.h"
#include "lucid/pretrain/data.h"
#include "lucid/pretrain/embeddings.h"
#include "lucid/pretrain/low_precision.h"
#include "lucid/pretrain/text_trainer.h"
#include "lucid/pretrain/tokenizer_files.h"
#include "lucid/pretrain/toy_corpus_test.h"
#include "lucid/pretrain/unet_trainer.h"
#include "lucid/tensor/device.h"

namespace lucid::pretrain {
namespace {

TEST(PriorTokenizer, EveryWordIsOneTokenAndOthersFallApart) {
  // Words that contain one another, share endings, or are one letter.
  const std::set<std::string> words = {"a",   "an",  "pot",  "tea",    "teapot", "potato",
                                       "toe", "ate", "teat", "tomato", "banana"};
  const lucid::test::TemporaryFolder folder;
  write_tokenizer(folder.path, words);
  const auto tokenizer = text::Tokenizer::from_folder(folder.path);
  for (const std::string& word : words) {
    EXPECT_EQ(tokenizer.count(word), 1) << word;
    EXPECT_GE(tokenizer.whole_word_id(word), 0) << word;
  }
  EXPECT_EQ(tokenizer.count("A Teapot, a POTATO"), 5);
  EXPECT_GT(tokenizer.count("teapots"), 1);
  EXPECT_GT(tokenizer.count("zebra"), 1);
  EXPECT_EQ(tokenizer.pad(), tokenizer.eos());
  EXPECT_EQ(words_of("A fire-hydrant, T2 x"), (std::vector<std::string>{"a", "fire", "hydrant", "t", "x"}));
}

struct Toy {
  Toy() { test::write_toy_corpus(folder.path); }
  lucid::test::TemporaryFolder folder;
};

TEST(PriorData, HeldOutItemsAndUnseenViewsAreNeverDrawn) {
  const Toy toy;
  const corpus::Corpus corpus(toy.folder.path);
  const Split split = split_of(corpus);
  EXPECT_EQ(split.unseen_items.size(), static_cast<size_t>(test::kViews));
  EXPECT_GT(split.unseen_views.size(), 0u);
  EXPECT_EQ(split.train.size() + split.unseen_views.size() + split.unseen_items.size(),
            static_cast<size_t>(corpus.view_count()));
  const std::set<int64_t> train(split.train.begin(), split.train.end());
  int empty = 0, mirrored = 0, plain = 0;
  const std::vector<Row> rows = draw_rows(corpus, split, Rng(1, "rows", 5), 2000);
  for (const Row& row : rows) {
    EXPECT_TRUE(train.contains(row.view));
    const corpus::Item& item = corpus.items()[static_cast<size_t>(split.item_of[static_cast<size_t>(row.view)])];
    EXPECT_FALSE(item.held_out);
    EXPECT_TRUE(item.mirrors || !row.mirrored);
    empty += row.caption.empty();
    mirrored += row.mirrored;
    plain += !row.view_words;
  }
  EXPECT_NEAR(empty, 2000 * kEmptyPrompts, 50);
  EXPECT_NEAR(plain, 2000 * (kEmptyPrompts + kWithoutViewWords), 60);
  EXPECT_GT(mirrored, 200);
  const std::vector<Row> again = draw_rows(corpus, split, Rng(1, "rows", 5), 2000);
  for (size_t i = 0; i < rows.size(); ++i) {
    ASSERT_EQ(rows[i].view, again[i].view);
    ASSERT_EQ(rows[i].caption, again[i].caption);
  }
  const Pictures once = draw_pictures(corpus, split, Rng(2, "pictures", 3), 6, 8);
  EXPECT_EQ(once.rgb.sizes(), (std::vector<int64_t>{6, 3, 8, 8}));
  EXPECT_GT(once.alpha.mean().item<double>(), 0.3);  // windows lie about the objects
  EXPECT_TRUE(torch::equal(once.rgb, draw_pictures(corpus, split, Rng(2, "pictures", 3), 6, 8).rgb));
}

TEST(PriorEma, IsTheRunningMean) {
  torch::nn::Linear linear(2, 1);
  const torch::NoGradGuard no_grad;
  linear->weight.fill_(1);
  Ema ema(*linear, 0.5);
  linear->weight.fill_(3);
  ema.update(*linear, 0);  // decay min(0.5, 1/10)
  EXPECT_NEAR(ema.weights().at("weight")[0][0].item<double>(), 0.1 * 1 + 0.9 * 3, 1e-6);
  ema.update(*linear, 100);
  EXPECT_NEAR(ema.weights().at("weight")[0][0].item<double>(), 0.5 * 2.8 + 0.5 * 3, 1e-6);
}

TEST(PriorOptimiser, MuonsUpdateHasSingularValuesNearOne) {
  torch::manual_seed(0);
  for (const auto& [rows, columns] : {std::pair{12, 30}, {30, 12}, {16, 16}}) {
    const torch::Tensor values = torch::linalg_svdvals(orthogonalised(torch::randn({rows, columns})));
    EXPECT_GT(values.min().item<double>(), 0.2);  // the smallest singular value of a square matrix may start near 0
    EXPECT_LT(values.max().item<double>(), 1.3);
  }
}

TEST(PriorOptimiser, OrthogonalisesManyMatricesAsEach) {
  torch::manual_seed(0);
  for (const auto& [rows, columns] : {std::pair{12, 30}, {30, 12}}) {
    const torch::Tensor matrices = torch::randn({3, rows, columns}), all = orthogonalised(matrices);
    for (int64_t i = 0; i < 3; ++i) EXPECT_TRUE(torch::allclose(all[i], orthogonalised(matrices[i]), 1e-3, 1e-4));
  }
}

TEST(PriorOptimiser, GroupedUpdatesEqualUpdatesPerWeight) {
  const OptimiserOptions options{.rate = 0.01, .weight_decay = 0.1};
  const auto make = [] {
    torch::manual_seed(0);
    diffusion::UNet unet(sizes_of("tiny").unet);
    nn::make_weights_channels_last(*unet);
    return unet;
  };
  diffusion::UNet one = make(), other = make();
  Optimiser by_turns(*one, options, Optimiser::UpdateMode::kPerWeight),
      together(*other, options, Optimiser::UpdateMode::kGrouped);
  const tensor::Workers workers(2);
  for (int64_t step = 0; step < 3; ++step) {
    torch::manual_seed(10 + step);
    auto second = other->parameters();
    for (size_t i = 0; i < second.size(); ++i) {
      torch::Tensor first = one->parameters()[i];
      first.mutable_grad() = torch::randn_like(first);
      second[i].mutable_grad() = first.grad().clone();
    }
    const double norm = by_turns.step(step, 0.5, workers).item<double>();
    EXPECT_NEAR(together.step(step, 0.5, workers).item<double>(), norm, 1e-4 * norm);
  }
  const auto weights = other->named_parameters();
  for (const auto& item : one->named_parameters()) {
    EXPECT_TRUE(torch::allclose(weights[item.key()], item.value(), 1e-3, 1e-5)) << item.key();
  }
  const auto expected = by_turns.state(), state = together.state();
  ASSERT_EQ(state.size(), expected.size());
  for (const auto& [name, moment] : expected) {
    ASSERT_EQ(state.at(name).sizes(), moment.sizes()) << name;
    EXPECT_TRUE(torch::allclose(state.at(name), moment, 1e-3, 1e-5)) << name;
  }
  state.at("first.conv_in.weight").fill_(3);  // as loading a checkpoint does
  EXPECT_EQ(together.state().at("first.conv_in.weight").min().item<double>(), 3);
}

TEST(PriorOptimiser, FindsALeastSquaresSolution) {
  torch::manual_seed(0);
  torch::nn::Linear linear(6, 4);
  const torch::Tensor x = torch::randn({64, 6}), y = torch::matmul(x, torch::randn({6, 4})) + 0.5;
  Optimiser optimiser(*linear, {.rate = 0.05, .clip = 0});
  const tensor::Workers workers(2);
  double first = 0, last = 0;
  for (int64_t step = 0; step < 200; ++step) {
    const torch::Tensor loss = (linear(x) - y).square().mean();
    loss.backward();
    optimiser.step(step, rate_factor(step, {.steps = 200}), workers);
    (step == 0 ? first : last) = loss.item<double>();
  }
  EXPECT_LT(last, 1e-2 * first);
}

TEST(PriorStage, TheRateComesDownAtEachRest) {
  const StageSizes once{.steps = 6600}, whole{.steps = 11000, .rests = {6600}};
  for (const int64_t step : {0, 50, 4000, 4950, 6000, 6599}) {
    EXPECT_EQ(rate_factor(step, whole), rate_factor(step, once)) << step;
  }
  EXPECT_NEAR(rate_factor(0, whole), 0.01, 1e-9);
  EXPECT_NEAR(rate_factor(5775, whole), 0.5, 1e-9);
  EXPECT_EQ(rate_factor(6599, whole), 0.05);
  for (const int64_t step : {4000, 6600, 8250}) EXPECT_EQ(rate_factor(step, whole), 1) << step;
  EXPECT_NEAR(rate_factor(9625, whole), 0.5, 1e-9);
  EXPECT_EQ(rate_factor(10999, whole), 0.05);
}

TEST(PriorLowPrecision, AgreesWithFloatAndEndsWithItsScope) {
  torch::manual_seed(0);
  diffusion::UNet unet(sizes_of("tiny").unet);
  const torch::NoGradGuard no_grad;
  const torch::Tensor x = torch::randn({2, 4, 8, 8}), t = torch::tensor({10, 900}, torch::kLong),
                      context = torch::randn({2, 7, 32});
  const torch::Tensor exact = unet->forward(x, t, context);
  torch::Tensor low;
  {
    const LowPrecision scope(true);
    low = unet->forward(x, t, context);
  }
  EXPECT_EQ(low.scalar_type(), torch::kBFloat16);
  EXPECT_LT((low.to(torch::kFloat) - exact).norm().item<double>(), 0.03 * exact.norm().item<double>());
  EXPECT_EQ(unet->forward(x, t, context).scalar_type(), torch::kFloat);
  const LowPrecision elsewhere(true, torch::kCUDA);
  EXPECT_EQ(unet->forward(x, t, context).scalar_type(), torch::kFloat);
}

TEST(PriorDevice, NamesAreChecked) {
  EXPECT_TRUE(tensor::device_from_name("cpu").is_cpu());
  const auto key_of_mistake = [](const std::string& name) {
    try {
      tensor::device_from_name(name);
    } catch (const UserError& error) {
      return error.mistake().key;
    }
    return std::string("none");
  };
  for (const char* name : {"gpu", "cuda:", "cuda:-1", "cuda:1x", "cuda:99999999999999999999", "cuda:999"})
    EXPECT_EQ(key_of_mistake(name), "--device") << name;
  EXPECT_EQ(key_of_mistake("cuda"), torch::cuda::is_available() ? "none" : "--device");
}

TEST(PriorLatents, ABatchHoldsTheRowsPictures) {
  torch::manual_seed(0);
  const LatentSet set{.plain = torch::randn({4, 2, 3, 3}).to(torch::kHalf),
                      .mirrored = torch::randn({2, 2, 3, 3}).to(torch::kHalf),
                      .mirrored_row = torch::tensor({-1, 0, -1, 1}, torch::kLong)};
  const torch::Tensor batch = set.of({{.view = 3, .mirrored = true}, {.view = 2, .mirrored = true}, {.view = 1}});
  EXPECT_EQ(batch.scalar_type(), torch::kFloat);
  EXPECT_TRUE(torch::equal(batch[0], set.mirrored[1].to(torch::kFloat)));
  EXPECT_TRUE(torch::equal(batch[1], set.plain[2].to(torch::kFloat)));  // has no mirrored picture
  EXPECT_TRUE(torch::equal(batch[2], set.plain[1].to(torch::kFloat)));
}

TEST(PriorLatents, ABrokenOffEncodingGoesOnWhereItStopped) {
  const Toy toy;
  const corpus::Corpus corpus(toy.folder.path);
  torch::manual_seed(0);
  const diffusion::Vae vae(sizes_of("tiny").vae);
  const auto options_in = [](const lucid::test::TemporaryFolder& folder) {
    RunOptions options;
    options.folder = folder.path;
    options.corpus_key = "toy";
    return options;
  };
  const lucid::test::TemporaryFolder whole, broken;
  const auto expected = encode_corpus(vae, corpus, options_in(whole));
  ASSERT_TRUE(expected);
  RunOptions options = options_in(broken);
  std::atomic<bool> stop{true};  // set from the start, so that every call encodes one part
  options.stop = &stop;
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(encode_corpus(vae, corpus, options));
  int more = 0;
  auto found = encode_corpus(vae, corpus, options);
  for (; !found && more < 100; ++more) found = encode_corpus(vae, corpus, options);
  ASSERT_TRUE(found);
  EXPECT_EQ(more, corpus.view_count() / 16 - 4);
  EXPECT_TRUE(torch::equal(found->plain, expected->plain));
  EXPECT_TRUE(torch::equal(found->mirrored, expected->mirrored));
  EXPECT_TRUE(torch::equal(found->azimuth, expected->azimuth));
}

TEST(PriorNoise, TimestepsAndWeights) {
  const diffusion::Schedule schedule(noise_schedule());
  EXPECT_NEAR(loss_weight(0.5), 1, 1e-12);       // SNR 1
  EXPECT_NEAR(loss_weight(0.9), 1.0 / 3, 1e-9);  // SNR 9
  EXPECT_NEAR(loss_weight(0.01), std::sqrt(99.0), 1e-9);
  const NoisyBatch many = add_noise(schedule, torch::zeros({2000, 1, 1, 1}), Rng(0, "t"));
  EXPECT_LT(many.timesteps.min().item<int64_t>(), 10);
  EXPECT_GT(many.timesteps.max().item<int64_t>(), 989);
  EXPECT_NEAR(many.timesteps.to(torch::kDouble).mean().item<double>(), 499.5, 20);  // deviation of the mean: 6.5
  const torch::Tensor latents = torch::randn({3, 4, 8, 8});
  const NoisyBatch batch = add_noise(schedule, latents, Rng(4, "noise", 2));
  for (int64_t i = 0; i < 3; ++i) {
    const double a = schedule.alpha_bar(batch.timesteps[i].item<int64_t>());
    EXPECT_TRUE(torch::allclose(batch.x[i], std::sqrt(a) * latents[i] + std::sqrt(1 - a) * batch.noise[i], 1e-4, 1e-5));
  }
}

TEST(PriorNoise, ABatchOfTimestepsIsTheSchedulesOneByOne) {
  const diffusion::Schedule schedule(noise_schedule());
  torch::manual_seed(0);
  const std::vector<int64_t> timesteps = {0, 1, 20, 399, 600, 998, 999};
  const torch::Tensor x0 = torch::randn({7, 4, 8, 8}), noise = torch::randn({7, 4, 8, 8});
  const torch::Tensor noisy = add_noise_at(schedule, x0, noise, timesteps);
  for (int64_t i = 0; i < 7; ++i) {
    const torch::Tensor expected = schedule.add_noise(x0[i], noise[i], timesteps[static_cast<size_t>(i)]);
    EXPECT_TRUE(torch::allclose(noisy[i], expected, 1e-6, 1e-7)) << timesteps[static_cast<size_t>(i)];
  }
}

/// A small text encoder whose vocabulary holds the view words.
struct ToyText {
  ToyText() {
    write_tokenizer(folder.path, {"a", "disc", "front", "right", "side", "view", "left", "back", "from", "above"});
    tokenizer = text::Tokenizer::from_folder(folder.path);
    text::EncoderConfig config = sizes_of("tiny").text;
    config.vocab_size = tokenizer->eos() + 1;
    torch::manual_seed(0);
    encoder = text::Encoder(config);
  }
  torch::Tensor embed(const std::string& text) {  // [L,D]
    const torch::NoGradGuard no_grad;
    return encoder->forward(ids_of(*tokenizer, {text}, 77))[0];
  }
  lucid::test::TemporaryFolder folder;
  std::optional<text::Tokenizer> tokenizer;
  text::Encoder encoder{nullptr};
};

TEST(PriorEmbeddings, AreTheAnchorsMix) {
  ToyText toy;
  Embeddings embeddings(toy.encoder, *toy.tokenizer, view_anchors());
  const auto embed = [&](const std::string& text) { return toy.embed(text); };
  const torch::Tensor rows = embeddings.of({{.text = "a disc", .direction = {.azimuth = 60, .elevation = -5}},
                                            {.text = "", .view_words = false, .direction = {}}});
  const torch::Tensor mixed =
      embed("a disc, front right view") * (2.0 / 3) + embed("a disc, right side view") * (1.0 / 3);
  EXPECT_LT((rows[0] - mixed).abs().max().item<double>(), 5e-3);  // float16
  EXPECT_LT((rows[1] - embed("")).abs().max().item<double>(), 5e-3);
}

TEST(PriorEmbeddings, TheTableForgetsAndStillGivesThePlainMixture) {
  ToyText toy;
  const text_to_image::ViewAnchors anchors = view_anchors();
  constexpr int64_t kMost = 20, kDirections = 9;
  Embeddings embeddings(toy.encoder, *toy.tokenizer, anchors, {.workers = tensor::Workers(2), .max_cached = kMost});
  int64_t before = 0;
  bool forgot = false;
  for (const std::string text : {"a disc", "disc", "a", "a disc", "disc disc"}) {
    std::vector<Prompt> prompts{{.text = text, .view_words = false, .direction = {}}};
    for (int64_t i = 0; i < kDirections; ++i) {
      const auto turn = static_cast<double>(i);
      prompts.push_back({.text = text, .direction = {.azimuth = -170 + 41 * turn, .elevation = 6 * turn}});
    }
    const torch::Tensor rows = embeddings.of(prompts);
    EXPECT_LE(embeddings.cached(), kMost + 17);  // 16 anchors and none
    forgot = forgot || embeddings.cached() < before;
    before = embeddings.cached();
    EXPECT_LT((rows[0] - toy.embed(text)).abs().max().item<double>(), 5e-3);
    for (int64_t i = 0; i < kDirections; ++i) {
      const text_to_image::Direction& direction = prompts[static_cast<size_t>(i) + 1].direction;
      torch::Tensor mixed = torch::zeros_like(rows[0]);
      for (const auto& [anchor, weight] : anchors.mix(direction.azimuth, direction.elevation)) {
        mixed += weight * toy.embed(text + anchors.anchors()[anchor].words);
      }
      EXPECT_LT((rows[i + 1] - mixed).abs().max().item<double>(), 5e-3) << text << " " << i;
    }
  }
  EXPECT_TRUE(forgot);
}

}  // namespace
}  // namespace lucid::pretrain
