// SPDX-License-Identifier: Apache-2.0
// Reads, checks and writes a shape model.
#include "lucid/shape/model.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/rng.h"
#include "lucid/base/sha256.h"
#include "lucid/json/json_config.h"
#include "lucid/tensor/freeze.h"
#include "lucid/weights/state_dict.h"

namespace lucid::shape {
namespace fs = std::filesystem;
namespace {

// Beyond any model's; the product of two stays far from overflow.
constexpr int64_t kMostVariants = 256, kWidest = 4096;
constexpr size_t kMostNames = 100'000;

fs::path description_file(const fs::path& folder) { return folder / "shape.json"; }

std::map<std::string, std::vector<int64_t>> names_in(const nlohmann::json& json, const fs::path& file,
                                                     int64_t variants) {
  const auto refuse = [&](const std::string& what) {
    throw UserError({.what_happened = what, .file = file.string(), .key = "names"});
  };
  const auto names = json.find("names");
  if (names == json.end() || !names->is_object() || names->empty() || names->size() > kMostNames)
    refuse("an object of names with their variants was expected");
  std::map<std::string, std::vector<int64_t>> result;
  for (const auto& [name, list] : names->items()) {
    const bool fine = list.is_array() && !list.empty() && std::ranges::all_of(list, [&](const nlohmann::json& v) {
                        return v.is_number_integer() && v >= 0 && v < variants;
                      });
    if (!fine) refuse(fmt::format("the variants of \"{}\" are no list of numbers below {}", name, variants));
    result[name] = list.get<std::vector<int64_t>>();
  }
  return result;
}

std::vector<std::string> keys_of(const std::map<std::string, std::vector<int64_t>>& names) {
  std::vector<std::string> keys;
  for (const auto& [name, unused] : names) keys.push_back(name);
  return keys;
}

}  // namespace

TextReader TextReader::open(const fs::path& prior) {
  const fs::path folder = prior / "text_encoder";
  return {.tokenizer = text::Tokenizer::from_folder(prior / "tokenizer"),
          .encoder = tensor::freeze(text::load_encoder(folder)),
          .sha256 = sha256_of_file(weights::part_files(folder, "model").front())};
}

torch::Tensor TextReader::vectors(const std::vector<std::string>& captions) {
  const torch::NoGradGuard no_grad;
  const int64_t length = encoder->config().positions;
  constexpr size_t kAtOnce = 64;
  std::vector<torch::Tensor> parts;
  for (size_t begin = 0; begin < captions.size(); begin += kAtOnce) {
    std::vector<torch::Tensor> rows;
    for (size_t i = begin; i < std::min(captions.size(), begin + kAtOnce); ++i)
      rows.push_back(torch::tensor(tokenizer.encode_padded(captions[i], length), torch::kLong));
    parts.push_back(encoder->forward(torch::stack(rows)).select(1, length - 1).to(torch::kFloat));
  }
  return torch::cat(parts);
}

std::optional<Subject> Description::subject_of(const std::string& prompt) const {
  return find_subject(prompt, keys_of(names), colours);
}

Description Description::read(const fs::path& folder) {
  const fs::path file = description_file(folder);
  const JsonConfig json(file);
  Description d;
  d.decoder = {.text_width = json.positive("text_width", 128, kWidest),
               .variants = json.positive("variants", 1, kMostVariants),
               .code_width = json.positive("code_width", 16, kWidest),
               .hidden = json.positive("hidden", 256, kWidest),
               .width = json.positive("width", 128, kWidest)};
  if (d.decoder.width % (2 * kNormGroups) != 0)
    json.refuse("width", fmt::format("{} is not a multiple of {}", d.decoder.width, 2 * kNormGroups));
  d.names = names_in(read_json_object(file), file, d.decoder.variants);
  d.colours = json.texts("colours", {});
  d.text_sha256 = json.text("text_encoder_sha256", "");
  return d;
}

void Description::write(const fs::path& folder) const {
  const nlohmann::json json = {{"text_width", decoder.text_width},
                               {"variants", decoder.variants},
                               {"code_width", decoder.code_width},
                               {"hidden", decoder.hidden},
                               {"width", decoder.width},
                               {"text_encoder_sha256", text_sha256},
                               {"colours", colours},
                               {"names", names}};
  write_file(description_file(folder), json.dump() + "\n");
}

fs::path weights_file(const fs::path& folder) { return folder / "shape.safetensors"; }

Model Model::open(const fs::path& folder, const fs::path& prior) {
  Description description = Description::read(folder);
  TextReader text = TextReader::open(prior);
  if (text.sha256 != description.text_sha256 || text.encoder->config().hidden_size != description.decoder.text_width) {
    throw UserError({.what_happened = "was trained on another text encoder than that of " + prior.string(),
                     .file = description_file(folder).string(),
                     .key = "text_encoder_sha256",
                     .hint = "`lucid prior shape` trains it anew"});
  }
  weights::StateDict state = weights::read_safetensors(weights_file(folder));
  weights::check_parameter_count(state, description.decoder.parameters());
  Decoder decoder(description.decoder);
  weights::load_into(*decoder, std::move(state), {.model = "of this shape.json"});
  return {.description = std::move(description), .decoder = tensor::freeze(decoder), .text = std::move(text)};
}

Model::Shape Model::shape_of(const Subject& subject, uint64_t seed) {
  const torch::NoGradGuard no_grad;
  const auto found = description.names.find(subject.name);
  LUCID_CHECK(found != description.names.end(), "'{}' is no name of the shape model", subject.name);
  Rng rng(seed, "shape variant");
  const int64_t variant = pick(found->second, rng);
  const torch::Tensor raw = decoder->forward(text.vectors({subject.caption()}), torch::tensor({variant}, torch::kLong));
  return {.grid = grid_of(raw[0]), .variant = variant, .variants = static_cast<int64_t>(found->second.size())};
}

void save_model(const fs::path& folder, const Description& description,
                const std::map<std::string, torch::Tensor>& weights) {
  std::map<std::string, torch::Tensor> halves;
  for (const auto& [name, tensor] : weights) halves[name] = tensor.detach().to(torch::kHalf);
  make_folder(folder);
  weights::write_safetensors(weights_file(folder), halves);
  description.write(folder);
}

}  // namespace lucid::shape
