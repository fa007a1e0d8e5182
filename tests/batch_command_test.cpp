// SPDX-License-Identifier: Apache-2.0
// `lucid batch` with real runs: mistakes, a failed row, Ctrl-C, SIGKILL and going on, the report.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "lucid/base/atomic_file.h"
#include "process.h"

namespace {
namespace fs = std::filesystem;
using lucid::test::count_lines;
using lucid::test::expect_one_line;
using lucid::test::lucid_run;
using lucid::test::Outcome;
using lucid::test::Process;
using lucid::test::TemporaryFolder;
using Words = std::vector<std::string>;

/// Arguments of a run of few steps that makes little.
const Words kShort = {"--preset",
                      "draft",
                      "--iterations",
                      "6",
                      "--refine-iter",
                      "0",
                      "--C-batch-size",
                      "1",
                      "--init-num-pts",
                      "300",
                      "--densify-from-iter",
                      "9",
                      "--output-size",
                      "32",
                      "--no-save-video",
                      "--no-save-process",
                      "--checkpoint-interval",
                      "2"};

struct Batch {
  TemporaryFolder folder;
  fs::path file = folder.path / "rows.jsonl", out = folder.path / "out";

  explicit Batch(const std::string& rows) { lucid::write_file(file, rows); }
  Words arguments(const Words& more = {}) const {
    Words all = {"batch", file.string(), "--out", out.string(), "--progress", "plain"};
    all.insert(all.end(), kShort.begin(), kShort.end());
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  int results() const {
    int found = 0;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(out, none))
      found += fs::exists(entry.path() / "manifest.json", none) ? 1 : 0;
    return found;
  }
  nlohmann::json summary() const { return nlohmann::json::parse(lucid::read_file(out / "summary.json")); }
};

bool soon(const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

TEST(BatchCommand, AFailedRowIsToldAndTheOthersAreMade) {
  const Batch batch(
      "{\"prompt\": \"a red car\", \"seed\": 3}\n"
      "{\"prompt\": \"a chair\", \"pretrained_model_path\": \"/no/such.ply\"}\n"
      "{\"prompt\": \"a mug\"}\n");
  const Outcome outcome = lucid_run(batch.arguments({"--jobs", "2"}), batch.folder);
  EXPECT_EQ(outcome.code, 1) << outcome.err;
  EXPECT_EQ(batch.results(), 2);
  EXPECT_NE(outcome.err.find("0002_a_chair failed after"), std::string::npos) << outcome.err;
  const auto summary = batch.summary();
  EXPECT_EQ(summary["finished"], 2);
  EXPECT_NE(summary["rows"][1]["error"].get<std::string>().find("/no/such.ply"), std::string::npos);
  for (const char* row : {"picture", "sheet"})
    EXPECT_TRUE(fs::exists(batch.out / summary["rows"][2][row].get<std::string>())) << row;
  EXPECT_TRUE(fs::exists(batch.out / "report.html"));
  EXPECT_EQ(nlohmann::json::parse(lucid::read_file(batch.out / "0001_a_red_car/manifest.json"))["seed"], 3);
  // The page alone, and of two folders.
  const fs::path all = batch.folder.path / "all";
  const Outcome report = lucid_run({"batch", "--report", batch.out, batch.out, "--out", all}, batch.folder);
  EXPECT_EQ(report.code, 1) << report.err;
  EXPECT_EQ(nlohmann::json::parse(lucid::read_file(all / "summary.json"))["rows"].size(), 6u);
  // Other options for rows that were started.
  const Outcome changed = lucid_run(batch.arguments({"--negative", "dark"}), batch.folder);
  EXPECT_EQ(changed.code, 2);
  EXPECT_EQ(count_lines(changed.err), 3) << changed.err;
  EXPECT_NE(changed.err.find("rows.jsonl:1: negative: row 1 was started with the default"), std::string::npos);
}

TEST(BatchCommand, KilledAndInterruptedItGoesOnToTheSameAssets) {
  const Batch batch("{\"prompt\": \"a chair\"}\n{\"prompt\": \"a mug\"}\n{\"prompt\": \"a red car\"}\n");
  const Words arguments = batch.arguments({"--jobs", "1", "--threads", "1"});
  const fs::path first = batch.out / "0001_a_chair/checkpoints/step_000002.safetensors";
  const Process killed(arguments, batch.folder);
  ASSERT_TRUE(soon([&] { return fs::exists(first); }));
  killed.signal(SIGKILL);
  killed.wait();
  EXPECT_EQ(batch.results(), 0);
  const Process interrupted(arguments, batch.folder);
  ASSERT_TRUE(soon([&] { return fs::exists(batch.out / "0002_a_mug/cameras.json"); }));
  interrupted.signal(SIGINT);
  const Outcome outcome = interrupted.wait();
  EXPECT_EQ(outcome.code, 130) << outcome.err;
  const auto summary = batch.summary();  // the first row may have been passed over while its process still saved
  EXPECT_GE(summary["interrupted"], 1);
  EXPECT_EQ(summary["failed"], 0);
  EXPECT_EQ(summary["working"], 0);
  EXPECT_LT(batch.results(), 3);
  const Outcome last = lucid_run({"batch", "--out", batch.out, "--jobs", "1", "--threads", "1"}, batch.folder);
  EXPECT_EQ(last.code, 0) << last.err;
  EXPECT_EQ(batch.results(), 3);
  EXPECT_EQ(batch.summary()["finished"], 3);

  Words alone = {"generate", "--output", batch.folder.path / "alone", "--workspace", "w", "--threads", "1"};
  alone.insert(alone.end(), kShort.begin(), kShort.end());
  alone.emplace_back("a chair");
  ASSERT_EQ(lucid_run(alone, batch.folder).code, 0);
  const char* cloud = "point_cloud/iteration_6/point_cloud.ply";
  EXPECT_TRUE(lucid::read_file(batch.out / "0001_a_chair" / cloud) ==
              lucid::read_file(batch.folder.path / "alone/w" / cloud))
      << "it differs from an unbroken run's";
}

TEST(BatchCommand, AllMistakesAreToldBeforeAnythingStarts) {
  const Batch batch(
      "{\"prompt\": \"a chair\"}\n{\"prompt\": \"a mug\", \"sed\": 3}\n{\"prompt\": \"a mug\", \"seed\": -1}\n");
  const Outcome outcome = lucid_run(batch.arguments(), batch.folder);
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(count_lines(outcome.err), 2) << outcome.err;
  EXPECT_NE(outcome.err.find("rows.jsonl:2: sed: unknown option (did you mean seed?)"), std::string::npos);
  EXPECT_NE(outcome.err.find("rows.jsonl:3: seed: '-1' is not allowed"), std::string::npos);
  EXPECT_EQ(batch.results(), 0);
  const TemporaryFolder folder;
  expect_one_line(lucid_run({"batch"}, folder), {"FILE", "is missing"});
  expect_one_line(lucid_run({"batch", "/no/such.txt"}, folder), {"/no/such.txt"});
  expect_one_line(lucid_run({"batch", "a.txt", "b.txt"}, folder), {"FILE", "twice"});
  expect_one_line(lucid_run({"batch", "a.txt", "--jbos", "2"}, folder), {"--jbos", "--jobs"});
  expect_one_line(lucid_run({"batch", "a.txt", "--jobs", "-1"}, folder), {"--jobs", "-1"});
  expect_one_line(lucid_run({"batch", "a.txt", "--submit"}, folder), {"--submit", "--slurm"});
  expect_one_line(lucid_run({"batch", "--out", folder.path}, folder), {"no folder of a batch"});
  expect_one_line(lucid_run({"batch", "--out", folder.path, "--seed", "3"}, folder), {"FILE", "options"});
  expect_one_line(lucid_run({"batch", "--report"}, folder), {"--report", "no folder"});
  expect_one_line(lucid_run({"batch", "a.txt", "--slurm", "--slurm-option=x"}, folder), {"--slurm-option", "'x'"});
}

}  // namespace
