// SPDX-License-Identifier: Apache-2.0
// Loss and training of the text encoder.
#include "lucid/pretrain/text_trainer.h"

#include <cmath>
#include <numbers>

#include "lucid/pretrain/replicas.h"
#include "lucid/pretrain/tokenizer_files.h"
#include "lucid/tensor/device.h"

namespace lucid::pretrain {
namespace {

constexpr double kDirectionWeight = 2, kMarginWeight = 4;
// Margins: sentences whose relative squared distance is smaller are pushed apart.
constexpr double kViewMargin = 0.3, kCaptionMargin = 0.8;

/// Targets of the direction head, [n,4]: cos and sin of the azimuth, elevation / 45 degrees, 1. Linear, so that a
/// linear mix of two anchors has the mixed target. Zeros for a sentence without view words.
torch::Tensor directions_of(const std::vector<Sentence>& sentences, const text_to_image::ViewAnchors& anchors) {
  const torch::Tensor result = torch::zeros({static_cast<int64_t>(sentences.size()), 4});
  for (size_t i = 0; i < sentences.size(); ++i) {
    if (sentences[i].anchor < 0) continue;
    const text_to_image::ViewAnchor& anchor = anchors.anchors()[static_cast<size_t>(sentences[i].anchor)];
    const double azimuth = anchor.azimuth * std::numbers::pi / 180;
    float* row = result.data_ptr<float>() + 4 * i;
    row[0] = static_cast<float>(std::cos(azimuth));
    row[1] = static_cast<float>(std::sin(azimuth));
    row[2] = static_cast<float>(anchor.elevation / 45);
    row[3] = 1;
  }
  return result;
}

/// Squared distance of a and b [n,L,D] relative to their squared norm, averaged over the positions of mask [n,L]. [n]
torch::Tensor relative_distance(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& mask) {
  const torch::Tensor distance = (a - b).square().sum(-1);
  const torch::Tensor norm = 0.5 * (a.square().sum(-1) + b.square().sum(-1)) + 1e-6;
  return (distance / norm * mask).sum(-1) / (mask.sum(-1) + 1e-6);
}

torch::Tensor text_loss(TextTask& task, const torch::Tensor& ids, const torch::Tensor& directions, int64_t eos) {
  const int64_t n = ids.size(0), vocabulary = task->config().vocab_size;
  const torch::Tensor embeddings = task->encoder(ids);                 // [n,L,D]
  const torch::Tensor after = (ids == eos).to(torch::kFloat);          // [n,L]: the end and the padding
  const torch::Tensor is_word = (1 - after).slice(1, 1).contiguous();  // positions of words; position 0 is bos
  const torch::Tensor words = ids.slice(1, 1);
  const torch::Tensor bag_target =
      torch::zeros({n, vocabulary}, is_word.options()).scatter_add_(1, words, is_word).clamp_max(1);  // [n,V]

  const torch::Tensor bag = task->bag(embeddings);  // [n,L,V]
  const torch::Tensor bag_loss =
      torch::binary_cross_entropy_with_logits(bag, bag_target.unsqueeze(1).expand_as(bag), {}, {}, at::Reduction::None)
          .sum(-1);
  const torch::Tensor token_log_probability =
      task->token(embeddings.slice(1, 1)).log_softmax(-1).gather(2, words.unsqueeze(2)).squeeze(2);
  const torch::Tensor direction_error =
      (task->direction(embeddings) - directions.unsqueeze(1)).square().sum(-1);  // [n,L]
  torch::Tensor loss = ((bag_loss + kDirectionWeight * direction_error) * after).sum() / after.sum();
  loss = loss - (token_log_probability * is_word).sum() / is_word.sum().clamp_min(1);

  const auto pairs = torch::arange(0, n - 1, 2, ids.options());
  const torch::Tensor even = embeddings.index_select(0, pairs), odd = embeddings.index_select(0, pairs + 1);
  const torch::Tensor both = after.index_select(0, pairs) * after.index_select(0, pairs + 1);
  loss = loss + kMarginWeight * torch::relu(kViewMargin - relative_distance(even, odd, both)).mean();
  const torch::Tensor other = after.index_select(0, pairs) * after.index_select(0, pairs).roll(1, 0);
  loss = loss + kMarginWeight * torch::relu(kCaptionMargin - relative_distance(even, even.roll(1, 0), other)).mean();
  return loss;
}

}  // namespace

TextTaskImpl::TextTaskImpl(const text::EncoderConfig& config)
    : encoder(register_module("encoder", text::Encoder(config))),
      bag(config.hidden_size, config.vocab_size),
      token(config.hidden_size, config.vocab_size),
      direction(config.hidden_size, 4) {
  head = register_module("head", std::make_shared<torch::nn::Module>());
  head->register_module("bag", bag);
  head->register_module("token", token);
  head->register_module("direction", direction);
  // Scale the initial embeddings down, as CLIP does: with torch's initialisation the position embeddings would
  // dominate.
  const torch::NoGradGuard no_grad;
  for (auto& item : encoder->named_parameters()) {
    if (item.key().find("embedding.") != std::string::npos)
      item.value().mul_(item.key().find("position") == std::string::npos ? 0.2 : 0.05);
  }
}

std::vector<Sentence> draw_sentences(const std::vector<std::string>& captions, const std::vector<std::string>& words,
                                     const text_to_image::ViewAnchors& anchors, Rng rng, int64_t count) {
  constexpr int64_t kMostWords = 5;
  const auto anchor_count = static_cast<int64_t>(anchors.anchors().size());
  std::vector<Sentence> sentences;
  for (int64_t i = 0; i < count; i += 2) {
    std::string caption = "a";
    if (rng.chance(0.5)) {
      caption = pick(captions, rng);
    } else {
      for (int64_t n = rng.integer(1, kMostWords + 1); n > 0; --n) caption += " " + pick(words, rng);
    }
    if (rng.chance(0.02)) caption = "";
    const int64_t first = rng.integer(0, anchor_count);
    int64_t second = (first + rng.integer(1, anchor_count)) % anchor_count;
    if (rng.chance(0.15)) second = -1;
    for (const int64_t anchor : {first, second}) {
      const std::string view = anchor < 0 ? "" : anchors.anchors()[static_cast<size_t>(anchor)].words;
      sentences.push_back({.text = caption + view, .anchor = anchor});
    }
  }
  return sentences;
}

torch::Tensor ids_of(const text::Tokenizer& tokenizer, const std::vector<std::string>& texts, int64_t length) {
  const torch::Tensor ids = torch::empty({static_cast<int64_t>(texts.size()), length}, torch::kLong);
  for (size_t i = 0; i < texts.size(); ++i) {
    std::ranges::copy(tokenizer.encode_padded(texts[i], length),
                      ids.data_ptr<int64_t>() + static_cast<int64_t>(i) * length);
  }
  return ids;
}

Spread spread_of(const torch::Tensor& embeddings) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor flat = embeddings.flatten(1).to(torch::kDouble);  // [n,L*D]
  const double norm = std::sqrt(flat.square().sum(1).mean().item<double>());
  const torch::Tensor distances = torch::cdist(flat, flat);
  const torch::Tensor others = distances + torch::eye(flat.size(0), flat.options()) * 1e12;
  return {.least = others.min().item<double>() / norm, .mean = std::get<0>(others.min(1)).mean().item<double>() / norm};
}

bool train_text(text::Encoder& encoder, const text::Tokenizer& tokenizer, const StageSizes& sizes,
                const corpus::Corpus& corpus, const text_to_image::ViewAnchors& anchors, const RunOptions& options) {
  encoder->to(options.device);
  TextTask task(encoder->config());
  task->to(options.device);
  auto replicas = make_replicas(task, options.threads);
  TrainingState training(*task, sizes);
  TextTask averaged(encoder->config());
  averaged->to(options.device);
  const tensor::Workers workers = options.workers();
  std::vector<std::string> captions;
  std::set<std::string> names;
  for (const corpus::Item& item : corpus.items()) {
    if (item.held_out) continue;
    for (const std::string& caption : item.captions) {
      captions.push_back(caption);
      for (std::string& word : words_of(caption)) names.insert(std::move(word));
    }
  }
  const std::vector<std::string> words(names.begin(), names.end());
  const std::vector<std::string> distinct = [&] {
    std::set<std::string> all(captions.begin(), captions.end());
    return std::vector<std::string>(all.begin(), all.end());
  }();

  Stage stage{.name = "text", .sizes = sizes};
  stage.gradients = [&](int64_t step) {
    const auto sentences = draw_sentences(
        captions, words, anchors, Rng(options.seed, "text sentences", static_cast<uint64_t>(step)), sizes.batch);
    std::vector<std::string> texts;
    for (const Sentence& sentence : sentences) texts.push_back(sentence.text);
    const torch::Tensor ids = tensor::to_device(ids_of(tokenizer, texts, encoder->config().positions), options.device);
    const torch::Tensor directions = tensor::to_device(directions_of(sentences, anchors), options.device);
    // The rows of a pair stay together.
    return parallel_backward(workers, replicas, sizes.batch / 2, [&](TextTask& replica, const tensor::Share& pairs) {
      const tensor::Share share{.begin = 2 * pairs.begin, .end = 2 * pairs.end};
      return text_loss(replica, ids.slice(0, share.begin, share.end), directions.slice(0, share.begin, share.end),
                       tokenizer.eos()) *
             (static_cast<double>(share.size()) / static_cast<double>(sizes.batch));
    });
  };
  stage.measure = [&](int64_t) {
    const torch::NoGradGuard no_grad;
    training.ema.copy_to(*averaged);
    const auto embed = [&](const std::vector<std::string>& texts) {
      return averaged->encoder(
          tensor::to_device(ids_of(tokenizer, texts, encoder->config().positions), options.device));
    };
    std::vector<std::string> some, views;
    for (size_t i = 0; i < distinct.size() && some.size() < 256; i += 1 + distinct.size() / 256)
      some.push_back(distinct[i]);
    for (const auto& anchor : anchors.anchors()) views.push_back(distinct.front() + anchor.words);
    const Spread by_caption = spread_of(embed(some)), by_view = spread_of(embed(views));
    return nlohmann::ordered_json{{"caption_spread", by_caption.mean},
                                  {"caption_spread_least", by_caption.least},
                                  {"view_spread", by_view.mean},
                                  {"view_spread_least", by_view.least}};
  };
  const bool finished = run_stage(stage, training, options);
  training.ema.copy_to(*averaged);
  const torch::NoGradGuard no_grad;
  auto target = encoder->named_parameters();
  for (const auto& item : averaged->encoder->named_parameters()) target[item.key()].data().copy_(item.value());
  return finished;
}

}  // namespace lucid::pretrain
