// SPDX-License-Identifier: Apache-2.0
// Reads textual inversion files, and adds their words to a prior.
#include "lucid/text_to_image/textual_inversion.h"

#include <fmt/format.h>

#include "lucid/base/error.h"
#include "lucid/text_to_image/describe_parts.h"
#include "lucid/weights/error_messages.h"
#include "lucid/weights/torch_file.h"

namespace lucid::text_to_image {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kMostVectors = 75;  // tokens of a prompt without bos and eos

[[noreturn]] void refuse(const fs::path& file, const std::string& what, const std::string& key = "") {
  throw UserError(UserMistake{.what_happened = what,
                              .file = file.string(),
                              .key = weights::shortened(key),
                              .hint = "a textual inversion for Stable Diffusion 1.x, 2.x or SDXL was expected"});
}

Inversion inversion_of(const fs::path& file, const std::string& token, const torch::Tensor& tensor) {
  const torch::Tensor vectors = tensor.dim() == 1 ? tensor.unsqueeze(0) : tensor;
  if (vectors.dim() != 2 || !vectors.is_floating_point() || vectors.size(0) < 1 || vectors.size(0) > kMostVectors) {
    refuse(file, "is not a list of token embeddings", token);
  }
  if (!vectors.isfinite().all().item<bool>()) refuse(file, "holds NaN or Inf", token);
  return {.file = file, .token = token, .vectors = vectors.to(torch::kFloat)};
}

}  // namespace

std::vector<Inversion> read_inversions(const fs::path& file, const std::string& token) {
  const weights::StateDict state = weights::read_weights(file);
  const auto own = state.tensors.find("string_to_param.*");
  if (own != state.tensors.end()) {
    const std::string name = state.metadata.contains("name") ? state.metadata.at("name") : file.stem().string();
    return {inversion_of(file, token.empty() ? name : token, own->second)};
  }
  const auto first = state.tensors.find("clip_l"), second = state.tensors.find("clip_g");
  if (second != state.tensors.end()) {
    if (first == state.tensors.end()) refuse(file, "has clip_g without clip_l: for SDXL's refiner alone", "clip_g");
    const std::string word = token.empty() ? file.stem().string() : token;
    Inversion inversion = inversion_of(file, word, first->second);
    inversion.second = inversion_of(file, word, second->second).vectors;
    if (inversion.second.size(0) != inversion.vectors.size(0)) {
      refuse(file, fmt::format("has {} vectors in clip_l, {} in clip_g", inversion.vectors.size(0),
                               inversion.second.size(0)));
    }
    return {inversion};
  }
  const auto bare = state.tensors.find("emb_params");
  if (bare != state.tensors.end()) {
    return {inversion_of(file, token.empty() ? file.stem().string() : token, bare->second)};
  }
  if (!token.empty() && state.tensors.size() != 1) {
    refuse(file, fmt::format("holds {} words, which cannot all be called {}", state.tensors.size(), token));
  }
  std::vector<Inversion> inversions;
  for (const auto& [name, tensor] : state.tensors) {
    inversions.push_back(inversion_of(file, token.empty() ? name : token, tensor));
  }
  if (inversions.empty()) refuse(file, "holds no token embedding");
  return inversions;
}

void add_inversion(const Inversion& inversion, Prior& prior) {
  const int64_t count = inversion.vectors.size(0);
  if (inversion.second.defined() != prior.second.has_value()) {
    refuse(inversion.file,
           fmt::format("is a textual inversion for {}, the prior is {}",
                       family_of_width(inversion.second.defined() ? kWidthOfXl : inversion.vectors.size(1)),
                       family_of(prior)),
           inversion.token);
  }
  const auto check_width = [&](const torch::Tensor& vectors, const text::Encoder& encoder) {
    const int64_t width = encoder->config().hidden_size;
    if (vectors.size(1) == width) return;
    const auto named = [](int64_t numbers) {  // the family, where the width tells it
      const bool known = numbers == kWidthOf1 || numbers == kWidthOf2;
      return known ? fmt::format("{} ({})", numbers, family_of_width(numbers)) : fmt::format("{}", numbers);
    };
    refuse(inversion.file,
           fmt::format("has vectors of {}, the prior's text encoder takes {}", named(vectors.size(1)), named(width)),
           inversion.token);
  };
  check_width(inversion.vectors, prior.encoder);
  if (prior.second) check_width(inversion.second, prior.second->text.encoder);
  std::vector<std::string> spellings{inversion.token};
  std::string spelling = inversion.token;
  for (int64_t i = 1; i < count; ++i) {
    spellings.push_back(fmt::format("{}_{}", inversion.token, i));
    spelling += " " + spellings.back();
  }
  prior.encoder->set_token_embeddings(prior.tokenizer.add_tokens(spellings), inversion.vectors);
  if (prior.second) {
    const int64_t at = prior.second->tokenizer.add_tokens(spellings);
    prior.second->text.encoder->set_token_embeddings(at, inversion.second);
  }
  prior.added_words.push_back(inversion.token);
  if (count > 1) prior.token_expansions.emplace_back(inversion.token, spelling);
}

}  // namespace lucid::text_to_image
