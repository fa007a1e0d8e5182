// SPDX-License-Identifier: Apache-2.0
// `lucid prior check` as people meet it: what it prints for each kind of weights, that the line it says to type works,
// and one line on stderr with exit code 2 where weights cannot be used.
#include <gtest/gtest.h>

#include <algorithm>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "process.h"

namespace {
namespace fs = std::filesystem;
using lucid::test::expect_one_line;
using lucid::test::lucid_run;
using lucid::test::Outcome;
using lucid::test::TemporaryFolder;

fs::path golden(const std::string& name) { return lucid::test::goldens() / name; }

Outcome check(const TemporaryFolder& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"prior", "check"});
  return lucid_run(arguments, folder);
}

void expect_parts(const Outcome& outcome, const std::vector<std::string>& parts) {
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  for (const std::string& part : parts)
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part << " in:\n" << outcome.out;
}

/// The words of the line that the check says to type, without the program's name.
std::vector<std::string> line_to_type(const std::string& out) {
  const std::string mark = "  lucid ";
  std::string line = out.substr(out.rfind(mark) + mark.size());
  line = line.substr(0, line.find('\n'));
  std::vector<std::string> words(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

TEST(PriorCheck, AFolderSaysItsModelItsMemoryAndWhatToType) {
  const TemporaryFolder folder;
  const fs::path prior = folder.path / "with space";
  fs::copy(golden("sd/tiny-sd2-v"), prior, fs::copy_options::recursive);
  const Outcome outcome = check(folder, {prior.string()});
  expect_parts(outcome, {"diffusers folder", "float32", "Stable Diffusion 2.x, v-prediction", "channels 8-8-12-16",
                         "cross-attention 48", "prediction    v_prediction", " GB on this CPU", "--low-memory",
                         "GB on a GPU", "(512 x 512, 4 views)", "--prior \"" + prior.string() + "\""});
  std::vector<std::string> line = line_to_type(outcome.out);
  for (const char* word : {"--output", "out", "--iterations", "2", "--image-w", "64", "--image-h", "64",
                           "--init-num-pts", "100", "--vis-interval", "0", "--no-save-video", "--no-save-process"})
    line.emplace_back(word);
  line[static_cast<size_t>(std::ranges::find(line, "out") - line.begin())] = (folder.path / "out").string();
  const Outcome made = lucid_run(line, folder);
  EXPECT_EQ(made.code, 0) << made.err;
  expect_parts(check(folder, {(lucid::test::source_dir() / "models/mini").string()}),
               {"the embedded prior", "float16"});
}

TEST(PriorCheck, ASingleFileOfOtherSizesWantsItsConfig) {
  const TemporaryFolder folder;
  const std::string file = golden("sd/single/tiny-sd1.ckpt").string(), config = golden("sd/tiny-sd1").string();
  expect_one_line(check(folder, {file}), {"tiny-sd1.ckpt", "prior_config"});
  expect_parts(check(folder, {file, "--prior-config", config}),
               {"torch pickle", "float16", "Stable Diffusion 1.x", "SHA-256", "--prior-config " + config});
}

TEST(PriorCheck, AdaptersAreTriedOnTheirModel) {
  const TemporaryFolder folder;
  const std::string word = golden("adapters/ti_single.safetensors").string(), sd1 = golden("sd/tiny-sd1").string();
  expect_parts(check(folder, {word}), {"textual inversion, width 32", "--prior MODEL", "--textual-inversion " + word});
  expect_parts(check(folder, {word, "--prior", sd1}), {"fits          Stable Diffusion 1.x", "--prior " + sd1});
  expect_one_line(check(folder, {word, "--prior", golden("sd/tiny-sd2-v").string()}), {"ti_single", "48"});
  const std::string lora = golden("adapters/lora_kohya.safetensors").string();
  expect_parts(check(folder, {lora}), {"LoRA (kohya)", "rank 4", "--lora " + lora + ":0.8"});
  expect_one_line(check(folder, {lora, "--prior", sd1}), {"lora_kohya", "made for another model"});
  const std::string net = golden("adapters/controlnet").string();
  expect_parts(check(folder, {net}), {"ControlNet", "--controlnet " + net});
  expect_one_line(check(folder, {net, "--prior", golden("sd/tiny-sd2-v").string()}), {"controlnet"});
  expect_one_line(check(folder, {sd1, "--prior", sd1}), {"whole model"});
  // The model that these adapters were made with.
  const fs::path base = folder.path / "base";
  fs::create_directories(base);
  for (const char* part : {"model_index.json", "unet", "vae", "scheduler"})
    fs::copy(golden("distill") / part, base / part, fs::copy_options::recursive);
  for (const char* part : {"tokenizer", "text_encoder"})
    fs::copy(golden("adapters") / part, base / part, fs::copy_options::recursive);
  for (const std::string& adapter : {lora, net})
    expect_parts(check(folder, {adapter, "--prior", base.string()}), {"fits          Stable Diffusion"});
}

TEST(PriorCheck, WhatCannotBeUsedIsOneLine) {
  const TemporaryFolder folder;
  const fs::path prior = folder.path / "prior", unet = prior / "unet/diffusion_pytorch_model.safetensors";
  fs::copy(golden("sd/tiny-sd1"), prior, fs::copy_options::recursive);
  const std::string whole = lucid::read_file(unet);
  const auto said = [&] { return check(folder, {prior.string()}); };
  lucid::write_file(unet, whole.substr(0, whole.size() / 2));
  expect_one_line(said(), {"unet/diffusion_pytorch_model.safetensors", "damaged or cut short"});
  std::string spoilt = whole;  // the last numbers become NaN: only loading tells
  spoilt.replace(spoilt.size() - 64, 64, std::string(64, '\xff'));
  lucid::write_file(unet, spoilt);
  expect_one_line(said(), {"unet/diffusion_pytorch_model.safetensors", "NaN"});
  fs::remove(unet);
  fs::remove(prior / "tokenizer/merges.txt");
  expect_one_line(said(), {"tokenizer/merges.txt, unet/diffusion_pytorch_model.safetensors are missing"});
  lucid::write_file(unet, whole);
  lucid::write_file(prior / "model_index.json", R"({"_class_name": "FluxPipeline"})");
  expect_one_line(said(), {"FLUX: not supported"});
  expect_one_line(check(folder, {(folder.path / "none").string()}), {"does not exist"});
  lucid::write_file(folder.path / "notes.safetensors", "These are my notes on weights, nothing else.");
  expect_one_line(check(folder, {(folder.path / "notes.safetensors").string()}), {"notes.safetensors"});
}

}  // namespace
