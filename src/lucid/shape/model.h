// SPDX-License-Identifier: Apache-2.0
// The learned shape model on disk: names it knows, weights, and the text encoder whose vectors it was trained on.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lucid/shape/decoder.h"
#include "lucid/shape/subject.h"
#include "lucid/text/encoder.h"
#include "lucid/text/tokenizer.h"

namespace lucid::shape {

/// The text encoder of a prior's folder, frozen.
struct TextReader {
  text::Tokenizer tokenizer;
  text::Encoder encoder;
  std::string sha256;  // of the encoder's weights
  /// Throws UserError.
  static TextReader open(const std::filesystem::path& prior);
  /// The encoder's output at the last position, which has seen the whole caption. [n,D] float32.
  torch::Tensor vectors(const std::vector<std::string>& captions);
};

/// FOLDER/shape.json.
struct Description {
  DecoderConfig decoder;
  std::map<std::string, std::vector<int64_t>> names;  // names and synonyms: the variants that each stands for
  std::vector<std::string> colours;
  std::string text_sha256;  // of the text encoder's weights

  /// What the prompt is about; none where it has no known name.
  std::optional<Subject> subject_of(const std::string& prompt) const;
  /// Throws UserError: missing or unreadable file, values out of range.
  static Description read(const std::filesystem::path& folder);
  void write(const std::filesystem::path& folder) const;
};

/// Files of a model: shape.json and shape.safetensors.
std::filesystem::path weights_file(const std::filesystem::path& folder);

struct Model {
  Description description;
  Decoder decoder;
  TextReader text;

  /// `prior`: the folder whose text encoder the model was trained on. Throws UserError, also if it is another encoder.
  static Model open(const std::filesystem::path& folder, const std::filesystem::path& prior);

  struct Shape {
    Grid grid;
    int64_t variant = 0, variants = 1;  // which of the name's shapes this is
  };
  /// The subject's shape, one of description.names. Of several variants the seed chooses one.
  Shape shape_of(const Subject& subject, uint64_t seed);
};

/// Writes shape.json and the weights, float16.
void save_model(const std::filesystem::path& folder, const Description& description,
                const std::map<std::string, torch::Tensor>& weights);

}  // namespace lucid::shape
