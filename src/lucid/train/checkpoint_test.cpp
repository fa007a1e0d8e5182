// SPDX-License-Identifier: Apache-2.0
// Checkpoints: checksums, the fall back to the one before, and how many are kept.
#include "lucid/train/checkpoint.h"

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/gaussians/starts.h"

namespace lucid::train {
namespace {

Model model_at(int64_t step) {
  Model model = start_model(gaussians::make_start({.count = 50}));
  model.iteration = step;
  model.adam.steps = step;
  return model;
}

struct Saved {
  test::TemporaryFolder folder;
  std::vector<std::string> damages;

  Saved() {
    for (const int64_t step : {10, 20, 999999, 1000000}) save_checkpoint(file(step), model_at(step), "key");
  }
  std::filesystem::path file(int64_t step) const { return checkpoint_name(folder.path, step); }
  std::optional<Model> load() {
    return load_newest(folder.path, "key", [this](const std::string& text) { damages.push_back(text); });
  }
  /// Changes one bit in the middle of the data.
  void damage(int64_t step) const {
    std::string bytes = read_file(file(step));
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
    write_file(file(step), bytes);
  }
};

TEST(Checkpoints, TheNewestIsTheOneOfTheHighestStep) {
  Saved saved;
  EXPECT_EQ(checkpoints_in(saved.folder.path).front(), saved.file(1000000)) << "not by the alphabet";
  EXPECT_EQ(saved.load()->iteration, 1000000);
  EXPECT_TRUE(saved.damages.empty());
}

TEST(Checkpoints, ADamagedOneFallsBackToTheOneBefore) {
  Saved saved;
  saved.damage(1000000);
  EXPECT_EQ(saved.load()->iteration, 999999);
  ASSERT_EQ(saved.damages.size(), 1u);
  EXPECT_NE(saved.damages[0].find("step_1000000.safetensors: is damaged"), std::string::npos) << saved.damages[0];
  EXPECT_TRUE(std::filesystem::exists(saved.folder.path / "step_1000000.damaged")) << "it is set aside";
  write_file(saved.file(999999), read_file(saved.file(999999)).substr(0, 1000));  // cut short
  EXPECT_EQ(saved.load()->iteration, 20);
  for (const int64_t step : {10, 20}) saved.damage(step);
  EXPECT_THROW(saved.load(), UserError) << "the run does not silently begin again";
  EXPECT_FALSE(saved.load()) << "now there is none";
}

TEST(Checkpoints, EveryBitCounts) {
  Saved saved;
  const std::string good = read_file(saved.file(20));
  for (size_t at = 8; at < good.size(); at += good.size() / 97) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write_file(saved.file(20), bytes);
    EXPECT_THROW(load_checkpoint(saved.file(20), "key"), UserError) << at;
  }
}

TEST(Checkpoints, EveryShapeCounts) {
  Saved saved;
  std::string bytes = read_file(saved.file(20));
  const std::string shape = "[50,1,3]";
  const size_t at = bytes.find(shape);
  ASSERT_NE(at, std::string::npos);
  write_file(saved.file(20), bytes.replace(at, shape.size(), "[50,3,1]"));  // the same bytes of data
  EXPECT_THROW(load_checkpoint(saved.file(20), "key"), UserError);
}

TEST(Checkpoints, EveryCountComesBack) {
  const Saved saved;
  Model model = model_at(30);
  model.adam.steps = 12;
  model.setbacks = 2;
  save_checkpoint(saved.file(30), model, "key");
  const Model loaded = load_checkpoint(saved.file(30), "key");
  EXPECT_EQ(loaded.iteration, 30);
  EXPECT_EQ(loaded.adam.steps, 12);
  EXPECT_EQ(loaded.setbacks, 2);
}

TEST(Checkpoints, ThoseOfAnotherRunAreRefusedAndStay) {
  Saved saved;
  EXPECT_THROW(load_newest(saved.folder.path, "other", [](const std::string&) {}), OtherRun);
  EXPECT_EQ(checkpoints_in(saved.folder.path).size(), 4u);
}

TEST(Checkpoints, TheNewestFewAreKept) {
  Saved saved;
  keep_newest(saved.folder.path, 2);
  EXPECT_EQ(checkpoints_in(saved.folder.path),
            (std::vector<std::filesystem::path>{saved.file(1000000), saved.file(999999)}));
  keep_newest(saved.folder.path, 5);
  EXPECT_EQ(checkpoints_in(saved.folder.path).size(), 2u);
}

}  // namespace
}  // namespace lucid::train
