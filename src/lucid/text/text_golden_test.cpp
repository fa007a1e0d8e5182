// SPDX-License-Identifier: Apache-2.0
// Golden tests of tokenizer and text encoder against transformers: equal ids, embeddings equal up to rounding.
#include <gtest/gtest.h>
#include <zlib.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/text/encoder.h"
#include "lucid/text/tokenizer.h"
#include "lucid/weights/state_dict.h"

namespace lucid::text {
namespace {
namespace fs = std::filesystem;

constexpr double kLimit = 8e-6;  // max|a-b| / max|b|, from the goldens' README

/// Expects relative maximum error below kLimit, and records the error as a test property.
void expect_near(const std::string& name, const torch::Tensor& ours, const torch::Tensor& golden) {
  ASSERT_EQ(ours.sizes(), golden.sizes()) << name;
  const torch::Tensor a = ours.to(torch::kFloat64), b = golden.to(torch::kFloat64);
  const double error = ((a - b).abs().max() / b.abs().max()).item<double>();
  EXPECT_LE(error, kLimit) << name;
  testing::Test::RecordProperty(name, fmt::format("{:.2e}", error));
}

std::string gunzip(const fs::path& file) {
  const gzFile in = gzopen(file.c_str(), "rb");
  EXPECT_NE(in, nullptr) << file;
  std::string text;
  char block[65536];
  for (int n = 0; in != nullptr && (n = gzread(in, block, sizeof(block))) > 0;) {
    text.append(block, static_cast<size_t>(n));
  }
  if (in != nullptr) gzclose(in);
  return text;
}

std::vector<int64_t> row(const torch::Tensor& ids, int64_t i) {
  const torch::Tensor line = ids[i].contiguous();
  return {line.data_ptr<int64_t>(), line.data_ptr<int64_t>() + line.numel()};
}

/// The bytes of a prompt; given in hex where JSON text cannot hold them.
std::string bytes_of(const nlohmann::json& prompt) {
  if (!prompt.contains("utf8_hex")) return prompt["text"];
  const std::string hex = prompt["utf8_hex"];
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

/// One pipeline folder of the goldens, with its prompts and recorded tensors.
struct Pipeline {
  std::string name;
  std::vector<std::string> prompts;
  weights::StateDict golden;
  fs::path folder;
};

std::vector<Pipeline> pipelines() {
  const fs::path root = test::goldens() / "sd";
  std::vector<Pipeline> found;
  const auto manifest = nlohmann::json::parse(read_file(root / "manifest.json"));
  for (const auto& [name, entry] : manifest.items()) {
    found.push_back({.name = name,
                     .prompts = entry.at("_prompts").get<std::vector<std::string>>(),
                     .golden = weights::read_safetensors(root / ("goldens-" + name + ".safetensors")),
                     .folder = root / name});
  }
  if (found.empty()) throw std::runtime_error("manifest.json lists no pipeline");
  return found;
}

TEST(TokenizerGolden, FullMergesGiveTransformersIdsInBothConventions) {
  const fs::path folder = test::goldens() / "sd" / "tokenizer";
  const std::string merges = gunzip(folder / "merges.txt.gz");
  const auto cases = nlohmann::json::parse(read_file(folder / "prompts.json"));
  const Tokenizer sd1 = Tokenizer::from_merges(merges, false), sd2 = Tokenizer::from_merges(merges, true);
  EXPECT_EQ(sd1.bos(), cases["bos"]);
  EXPECT_EQ(sd1.eos(), cases["eos"]);
  EXPECT_EQ(sd1.pad(), cases["pad_sd1"]);
  EXPECT_EQ(sd2.pad(), cases["pad_sd2"]);
  ASSERT_EQ(cases["prompts"].size(), cases["count"].get<size_t>());
  int64_t differ = 0;
  for (const auto& prompt : cases["prompts"]) {
    SCOPED_TRACE(prompt["i"].dump() + " " + prompt["text"].dump());
    const std::string text = bytes_of(prompt);
    EXPECT_EQ(sd1.encode(text), prompt["ids"].get<std::vector<int64_t>>());
    EXPECT_EQ(sd2.encode(text), prompt.value("ids_sd2", prompt["ids"]).get<std::vector<int64_t>>());
    differ += prompt.contains("ids_sd2") ? 1 : 0;
  }
  EXPECT_EQ(differ, cases["differ"]["sd2"]);
}

TEST(TokenizerGolden, PipelineFoldersGiveTransformersIds) {
  for (const Pipeline& pipeline : pipelines()) {
    SCOPED_TRACE(pipeline.name);
    const Tokenizer tokenizer = Tokenizer::from_folder(pipeline.folder / "tokenizer");
    const torch::Tensor& ids = pipeline.golden.tensors.at("text.input_ids");
    ASSERT_EQ(ids.size(0), static_cast<int64_t>(pipeline.prompts.size()));
    for (int64_t i = 0; i < ids.size(0); ++i) {
      EXPECT_EQ(tokenizer.encode_padded(pipeline.prompts[static_cast<size_t>(i)], ids.size(1)), row(ids, i)) << i;
    }
  }
}

TEST(TextGolden, PipelineEncodersGiveTransformersEmbeddings) {
  const torch::NoGradGuard no_grad;
  for (const Pipeline& pipeline : pipelines()) {
    SCOPED_TRACE(pipeline.name);
    Encoder encoder = load_encoder(pipeline.folder / "text_encoder");
    const auto& golden = pipeline.golden.tensors;
    const torch::Tensor& ids = golden.at("text.input_ids");
    expect_near(pipeline.name + ".embeds", encoder(ids), golden.at("text.embeds"));
    const auto states = encoder->hidden_states(ids.slice(0, 1, 2));
    ASSERT_EQ(states.size(), static_cast<size_t>(encoder->config().layers) + 1);
    for (size_t i = 0; i < states.size(); ++i) {
      expect_near(fmt::format("{}.hidden.{}", pipeline.name, i), states[i],
                  golden.at(fmt::format("text.hidden.{}", i)));
    }
  }
}

// Softmax cancels the bias of the keys, so the output does not show whether it was loaded. Compare every parameter.
TEST(TextGolden, EveryParameterIsTheFilesIncludingTheInvisibleKeyBiases) {
  for (const Pipeline& pipeline : pipelines()) {
    SCOPED_TRACE(pipeline.name);
    const fs::path folder = pipeline.folder / "text_encoder";
    const weights::StateDict file = weights::read_part(folder, "model");
    const Encoder encoder = load_encoder(folder);
    int64_t key_biases = 0;
    for (const auto& entry : encoder->named_parameters()) {
      const torch::Tensor& stored = file.tensors.at(entry.key());
      EXPECT_TRUE(entry.value().equal(stored.to(torch::kFloat32))) << entry.key();
      if (entry.key().ends_with("k_proj.bias")) {
        ++key_biases;
        EXPECT_GT(stored.abs().max().item<double>(), 0) << "the golden would not show a bias that was not loaded";
      }
    }
    EXPECT_EQ(key_biases, encoder->config().layers);
  }
}

TEST(PriorTextGolden, EmbeddedPriorGivesTransformersIdsAndEmbeddings) {
  const torch::NoGradGuard no_grad;
  const fs::path model = test::source_dir() / "models" / "mini";
  const auto golden = weights::read_safetensors(test::source_dir() / "tests" / "data" / "prior" / "golden.safetensors");
  const Tokenizer tokenizer = Tokenizer::from_folder(model / "tokenizer");
  const torch::Tensor &ids = golden.tensors.at("prompt_ids"), &empty = golden.tensors.at("empty_ids");
  const auto prompts = nlohmann::json::parse(golden.metadata.at("prompts")).get<std::vector<std::string>>();
  ASSERT_EQ(ids.size(0), static_cast<int64_t>(prompts.size()));
  for (int64_t i = 0; i < ids.size(0); ++i) {
    EXPECT_EQ(tokenizer.encode_padded(prompts[static_cast<size_t>(i)], ids.size(1)), row(ids, i)) << i;
  }
  EXPECT_EQ(tokenizer.encode_padded("", empty.size(1)), row(empty, 0));
  Encoder encoder = load_encoder(model / "text_encoder");
  expect_near("prior.prompts", encoder(ids), golden.tensors.at("prompt_embeddings"));
  expect_near("prior.empty", encoder(empty), golden.tensors.at("empty_embedding"));
}

}  // namespace
}  // namespace lucid::text
