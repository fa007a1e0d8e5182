// SPDX-License-Identifier: Apache-2.0
// Reads textual inversion files, and adds their words to a prior.
#include "lucid/text_to_image/textual_inversion.h"

#include <fmt/format.h>

#include "lucid/base/error.h"
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
                              .hint = "a textual inversion for Stable Diffusion 1.x or 2.x was expected"});
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
  if (state.tensors.contains("clip_g")) refuse(file, "is for Stable Diffusion XL", "clip_g");
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
  const int64_t width = prior.encoder->config().hidden_size, count = inversion.vectors.size(0);
  if (inversion.vectors.size(1) != width) {
    refuse(inversion.file,
           fmt::format("has vectors of {}, the prior's text encoder takes {}", inversion.vectors.size(1), width),
           inversion.token);
  }
  std::vector<std::string> spellings{inversion.token};
  std::string spelling = inversion.token;
  for (int64_t i = 1; i < count; ++i) {
    spellings.push_back(fmt::format("{}_{}", inversion.token, i));
    spelling += " " + spellings.back();
  }
  prior.encoder->set_token_embeddings(prior.tokenizer.add_tokens(spellings), inversion.vectors);
  prior.added_words.push_back(inversion.token);
  if (count > 1) prior.token_expansions.emplace_back(inversion.token, spelling);
}

}  // namespace lucid::text_to_image
