// SPDX-License-Identifier: Apache-2.0
// job.json: written and read, cut at every length, and with every member replaced.
#include "lucid/serve/jobs/files/job_file.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/serve/jobs/files/scan.h"
#include "mistakes.h"

namespace lucid::serve::test {
namespace {

const Job kJob = {.run = {.id = "a_car",
                          .state = State::kPaused,
                          .prompt = "a \"car\" ä",
                          .preset = "draft",
                          .device = "cpu",
                          .created = "2026-11-29T12:00:00.250Z",
                          .options = {{"seed", "3"}, {"negative", ""}},
                          .seed = 3,
                          .edit_of = EditOf{.id = "a_red_car", .prompt = "a red car"},
                          .parent = "a_boat",
                          .error = "an error",
                          .warnings = {"one", "two"},
                          .step = 40,
                          .steps = 700,
                          .more_steps = 100,
                          .gaussians = 1234,
                          .seconds = 12.75,
                          .series = {.step = {1, 40}, .score = {0.5, 0.25}, .gaussians = {1000, 1234}},
                          .command = "lucid generate --seed 3 'a car'"},
                  .key = "key-1",
                  .request = "digest",
                  .started = true};

struct JobFolder {
  lucid::test::TemporaryFolder temporary;
  std::filesystem::path folder = temporary.path / "a_car";
  void write(const std::string& text) const {  // write_file() waits for the disk
    std::ofstream(folder / kJobFile, std::ios::binary) << text;
  }
  std::string refusal() const {
    return one_line(lucid::test::mistake_of([&] { read_job(folder); }));
  }
};

TEST(StudioJobFile, EveryMemberComesBack) {
  JobFolder f;
  write_job(f.folder, kJob);
  const Job job = read_job(f.folder);
  EXPECT_EQ(to_json(job.run), to_json(kJob.run));
  EXPECT_EQ(job.run.more_steps, 100);
  EXPECT_EQ(job.key, "key-1");
  EXPECT_EQ(job.request, "digest");
  EXPECT_TRUE(job.started);
  Job none = read_job(f.folder);
  none.run.edit_of.reset();
  none.run.parent.reset();
  none.run.error.reset();
  none.run.gaussians.reset();
  none.run.steps = 50;  // fewer than more_steps, if its process said so
  write_job(f.folder, none);
  EXPECT_EQ(to_json(read_job(f.folder).run), to_json(none.run));
}

TEST(StudioJobFile, ACutFileIsRefused) {
  JobFolder f;
  write_job(f.folder, kJob);
  const std::string good = read_file(f.folder / kJobFile);
  const size_t end = good.rfind('}');
  for (size_t size = 0; size <= end; ++size) {
    f.write(good.substr(0, size));
    EXPECT_THROW(read_job(f.folder), UserError) << size;
  }
}

TEST(StudioJobFile, EveryMemberIsChecked) {
  JobFolder f;
  write_job(f.folder, kJob);
  const nlohmann::json good = nlohmann::json::parse(read_file(f.folder / kJobFile));
  const std::vector<nlohmann::json> wrong = {nullptr, true,       -1,       1e300,    18446744073709551615ULL,
                                             "text",  {{"a", 1}}, {1, "x"}, {nullptr}};
  for (const auto& [key, value] : good.items()) {
    nlohmann::json without = good;
    without.erase(key);
    f.write(without.dump());
    if (key == "edit_of") {  // of a version that had no edits
      EXPECT_FALSE(read_job(f.folder).run.edit_of);
    } else {
      EXPECT_NE(f.refusal().find(key + ": is missing"), std::string::npos) << f.refusal();
    }
    int refused = 0;
    for (const nlohmann::json& other : wrong) {
      nlohmann::json changed = good;
      changed[key] = other;
      f.write(changed.dump());
      try {
        read_job(f.folder);
      } catch (const UserError& error) {
        ++refused;
        EXPECT_NE(std::string(error.what()).find(key), std::string::npos) << error.what();
      }
    }
    EXPECT_GE(refused, 6) << key;
  }
}

TEST(StudioJobFile, WhatIsEditedIsAnIdAndAPrompt) {
  JobFolder f;
  Job job = kJob;
  for (const char* id : {"", "../a_car", "a/b", ".hidden"}) {
    job.run.edit_of->id = id;
    write_job(f.folder, job);
    EXPECT_NE(f.refusal().find("edit_of: holds no id"), std::string::npos) << f.refusal();
  }
}

TEST(StudioJobFile, NumbersStayInTheirRanges) {
  JobFolder f;
  write_job(f.folder, kJob);
  const nlohmann::json good = nlohmann::json::parse(read_file(f.folder / kJobFile));
  for (const char* key : {"seed", "step", "steps", "more_steps", "gaussians", "version"}) {
    for (const nlohmann::json& value :
         std::vector<nlohmann::json>{-1, 2.5, 1e300, 18446744073709551615ULL, 1LL << 60}) {
      nlohmann::json changed = good;
      changed[key] = value;
      f.write(changed.dump());
      EXPECT_NE(f.refusal().find(key), std::string::npos) << key << " " << value;
    }
  }
}

TEST(StudioJobFile, AnOptionThatTheServerSetsIsRefused) {
  JobFolder f;
  Job job = kJob;
  for (const auto& [name, value] : std::map<std::string, std::string>{
           {"output", "/etc"}, {"live", "/etc/passwd"}, {"seed", "x"}, {"unknown", "1"}}) {
    job.run.options = {{name, value}};
    write_job(f.folder, job);
    EXPECT_NE(f.refusal().find("options: " + name), std::string::npos) << f.refusal();
  }
}

TEST(StudioScan, IdsAreNamesThatNoPathCanLeave) {
  for (const char* name : {"a", "a_car-2", "A.b", "-x", "_", "0"}) EXPECT_TRUE(is_id(name)) << name;
  for (const char* name : {"", ".", "..", ".a", "a/b", "a b", "ä", "a\n"}) EXPECT_FALSE(is_id(name)) << name;
  EXPECT_TRUE(is_id(std::string(64, 'a')));
  EXPECT_FALSE(is_id(std::string(65, 'a')));
}

TEST(StudioScan, TheNewestFilesAreFoundByTheirNumbers) {
  lucid::test::TemporaryFolder temporary;
  const std::filesystem::path& run = temporary.path;
  EXPECT_TRUE(find_pictures(run).empty());
  EXPECT_FALSE(newest_cloud(run));
  EXPECT_FALSE(live_frame(run));
  EXPECT_FALSE(newest_checkpoint(run));
  for (const char* name :
       {"checkpoints/step_000900.safetensors", "checkpoints/step_1000000.safetensors", "checkpoints/step_.safetensors",
        "checkpoints/.step_9000000.1.part.safetensors", "point_cloud/iteration_90/point_cloud.ply",
        "point_cloud/iteration_100/point_cloud.ply", "process_frames/00009.png", "process_frames/00010.png",
        "process_frames/.00011.7.part.png", "train_process/iteration_00100.png", "train_process/iteration_00200.png",
        "test_six_views/9/sheet.png", "test_six_views/10/sheet.png"}) {
    write_file(run / name, "x");
  }
  EXPECT_EQ(newest_checkpoint(run), 1000000);
  ASSERT_TRUE(newest_cloud(run));
  EXPECT_EQ(newest_cloud(run)->step, 100);
  EXPECT_EQ(newest_cloud(run)->file, run / "point_cloud/iteration_100/point_cloud.ply");
  std::vector<std::string> files;
  for (const FoundPicture& found : find_pictures(run)) {
    files.push_back(found.picture.name + " " + found.file.string());
    EXPECT_GT(found.picture.revision, 0);
  }
  EXPECT_EQ(files,
            (std::vector<std::string>{"thumbnail process_frames/00010.png", "sheet train_process/iteration_00200.png",
                                      "result test_six_views/10/sheet.png"}));
  write_file(run / kLiveFrame, "LSPL");  // too short
  EXPECT_FALSE(live_frame(run));
  std::string frame(32, '\0');
  frame.replace(0, 4, "LSPL");
  frame[12] = 7;
  write_file(run / kLiveFrame, frame);
  ASSERT_TRUE(live_frame(run));
  EXPECT_EQ(live_frame(run)->step, 7);
}

}  // namespace
}  // namespace lucid::serve::test
