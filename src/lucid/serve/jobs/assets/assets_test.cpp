// SPDX-License-Identifier: Apache-2.0
// Exports and rendered pictures of runs.
#include <fmt/format.h>
#include <sys/resource.h>
#include <zip.h>

#include "lucid/serve/jobs/assets/asset_source.h"
#include "lucid/serve/jobs/fixture_test.h"

namespace lucid::serve::test {
namespace {

struct AssetFixture : Fixture {
  Export wait_for(const std::string& id, const std::string& format) {
    Export found;
    EXPECT_TRUE(test_loop.run_until([&] {
      for (const Export& value : studio->exports(id)) {
        if (value.format == format) found = value;
      }
      return found.state == Export::State::kDone || found.state == Export::State::kFailed;
    }));
    return found;
  }
  std::string finished(const std::string& prompt) {
    const std::string id = make(prompt);
    EXPECT_TRUE(reaches(id, State::kFinished));
    return id;
  }
  int calls_of(const std::string& command) const {
    const std::string all = calls();
    int count = 0;
    for (size_t at = 0; (at = all.find(command + " ", at)) != std::string::npos; ++at) {
      count += at == 0 || all[at - 1] == '\n' ? 1 : 0;
    }
    return count;
  }
};

/// The names in a zip.
std::vector<std::string> names_in(const fs::path& file) {
  std::vector<std::string> names;
  zip_t* zip = zip_open(file.c_str(), ZIP_RDONLY, nullptr);
  if (zip == nullptr) return names;
  for (zip_int64_t i = 0; i < zip_get_num_entries(zip, 0); ++i) {
    names.emplace_back(zip_get_name(zip, static_cast<zip_uint64_t>(i), 0));
  }
  zip_discard(zip);
  return names;
}

TEST(StudioExports, AnExportIsMadeOnceForAStep) {
  AssetFixture f;
  const std::string id = f.finished("a car");
  for (const Export& value : f.studio->exports(id)) EXPECT_EQ(value.state, Export::State::kAbsent);
  EXPECT_EQ(f.studio->make_export(id, "glb").state, Export::State::kQueued);
  EXPECT_EQ(f.studio->make_export(id, "glb").state, Export::State::kQueued);
  const Export done = f.wait_for(id, "glb");
  EXPECT_EQ(done.state, Export::State::kDone);
  EXPECT_EQ(done.file, "a_car.glb");
  EXPECT_EQ(done.step, 6);
  EXPECT_EQ(done.bytes, 13);
  EXPECT_EQ(read_file(f.studio->export_folder(id) / "a_car.glb"), "points a car\n");
  EXPECT_EQ(f.studio->make_export(id, "glb").state, Export::State::kDone);
  EXPECT_EQ(f.calls_of("export"), 1);
  EXPECT_NE(f.calls().find("point_cloud/iteration_6/point_cloud.ply glb:"), std::string::npos);
  EXPECT_NE(f.calls().find("--title=a car"), std::string::npos);
  EXPECT_FALSE(fs::exists(f.output / id / "exports/.work"));
  f.reopen();
  EXPECT_EQ(f.studio->make_export(id, "glb").state, Export::State::kDone);
  // Further steps, or a file that is gone: it is made again.
  f.studio->more(id, 2);
  ASSERT_TRUE(f.reaches(id, State::kFinished));
  EXPECT_EQ(f.studio->make_export(id, "glb").state, Export::State::kQueued);
  EXPECT_EQ(f.wait_for(id, "glb").step, 8);
  fs::remove(f.output / id / "exports/a_car.glb");
  EXPECT_EQ(f.studio->exports(id).front().state, Export::State::kAbsent);
  EXPECT_FALSE(f.exports_told.empty());
}

TEST(StudioExports, EveryFormatHasAFileOfItsOwn) {
  AssetFixture f;
  const std::string id = f.finished("a car");
  std::vector<std::string> files;
  for (const Export& value : f.studio->exports(id)) f.studio->make_export(id, value.format);
  for (const Export& value : f.studio->exports(id)) files.push_back(f.wait_for(id, value.format).file.value_or(""));
  EXPECT_EQ(files,
            (std::vector<std::string>{"a_car.glb", "a_car_obj.zip", "a_car.stl", "a_car.ply", "a_car.spz",
                                      "a_car.splat", "a_car_splats.ply", "a_car_splats.glb", "a_car_points.ply"}));
  EXPECT_EQ(names_in(f.output / id / "exports/a_car_obj.zip"),
            (std::vector<std::string>{"a_car.obj", "a_car.mtl", "a_car.png"}));
}

TEST(StudioExports, AFailedExportSaysWhyAndLeavesNothing) {
  AssetFixture f;
  const std::string id = f.finished("badexport");
  f.studio->make_export(id, "stl");
  const Export failed = f.wait_for(id, "stl");
  EXPECT_EQ(failed.state, Export::State::kFailed);
  EXPECT_EQ(failed.error, "no surface was found");
  EXPECT_FALSE(failed.file);
  EXPECT_TRUE(fs::is_empty(f.output / id / "exports"));
  EXPECT_EQ(f.studio->make_export(id, "stl").state, Export::State::kQueued);  // tried again
  EXPECT_EQ(f.wait_for(id, "stl").state, Export::State::kFailed);
  f.studio->remove(id);
  ASSERT_EQ(f.finished("badexport"), id);
  for (const Export& value : f.studio->exports(id)) EXPECT_EQ(value.state, Export::State::kAbsent);
  EXPECT_EQ(problem_from([&] { f.studio->make_export(id, "docx"); }).status, 400);
}

TEST(StudioExports, ARunningRunIsExportedFromACopyOfItsLiveFrame) {
  AssetFixture f;
  const std::string id = f.make_long("a car");
  ASSERT_TRUE(f.gets_to(id, 2));
  EXPECT_EQ(problem_from([&] { f.studio->make_export(id, "spz"); }).type, "no-asset");
  f.studio->watch(id);
  ASSERT_TRUE(f.test_loop.run_until([&] { return f.studio->frame(id).has_value(); }));
  f.studio->make_export(id, "spz");
  const Export done = f.wait_for(id, "spz");
  EXPECT_EQ(done.state, Export::State::kDone);
  EXPECT_EQ(done.step, 3);  // of the frame's header
  EXPECT_NE(f.calls().find("source.lsplat spz:"), std::string::npos) << f.calls();
  EXPECT_EQ(f.studio->run(id).state, State::kRunning);  // beside the run
}

TEST(StudioExports, TheSourceIsTheNewestOfResultAndLiveFrame) {
  lucid::test::TemporaryFolder folder;
  AssetRequest request{.id = "a", .folder = folder.path};
  EXPECT_FALSE(source_of(request));
  std::string frame(32, '\0');
  frame.replace(0, 4, "LSPL");
  const auto write_frame = [&](char step) {
    frame[12] = step;
    write_file(folder.path / kLiveFrame, frame);
  };
  const auto name = [&] { return source_of(request)->file.filename().string(); };
  write_frame(50);
  EXPECT_EQ(name(), kLiveFrame);
  write_file(folder.path / "point_cloud/iteration_60/point_cloud.ply", "x");
  EXPECT_EQ(name(), "point_cloud.ply");
  write_frame(60);
  EXPECT_EQ(name(), "point_cloud.ply");
  write_frame(61);
  EXPECT_EQ(name(), kLiveFrame);
  request.is_at_end = true;
  EXPECT_EQ(name(), "point_cloud.ply");
}

TEST(StudioExports, ADeletedRunTakesItsExportsWithIt) {
  AssetFixture f;
  const std::string id = f.finished("slowexport"), other = f.finished("a car");
  f.studio->make_export(id, "glb");
  f.studio->make_export(id, "stl");
  f.studio->make_export(other, "glb");
  ASSERT_TRUE(f.test_loop.run_until([&] { return f.studio->exports(id)[0].stage == "writing slowexport.glb"; }));
  f.studio->remove(id);
  EXPECT_TRUE(f.test_loop.run_until([&] { return !fs::exists(f.output / id); }));
  EXPECT_EQ(f.wait_for(other, "glb").state, Export::State::kDone);
  EXPECT_EQ(f.calls_of("export"), 2);
  EXPECT_FALSE(fs::exists(f.output / id));
}

TEST(StudioRender, APictureIsMadeOfTheNewestGaussians) {
  AssetFixture f;
  const std::string id = f.finished("a car");
  std::string picture;
  std::optional<http::Problem> problem;
  bool is_done = false;
  const auto done = [&](std::string png, std::optional<http::Problem> what) {
    picture = std::move(png);
    problem = std::move(what);
    is_done = true;
  };
  f.studio->render(id,
                   {.theta = 80,
                    .phi = -45,
                    .radius = 3,
                    .fovy = 0.5,
                    .target = {0, -1, 0.25},
                    .width = 64,
                    .height = 32,
                    .background = "#00ff00"},
                   done);
  ASSERT_TRUE(f.test_loop.run_until([&] { return is_done; }));
  EXPECT_FALSE(problem);
  EXPECT_EQ(picture, "PNG\npoints a car\n");
  EXPECT_NE(f.calls().find("--camera 80 -45 3 --target 0 -1 0.25 --fovy 0.5 --size=64x32 --background=#00ff00"),
            std::string::npos)
      << f.calls();
  EXPECT_FALSE(fs::exists(f.output / id / ".render"));

  const std::string bad = f.finished("badrender");
  is_done = false;
  f.studio->render(bad, {}, done);
  ASSERT_TRUE(f.test_loop.run_until([&] { return is_done; }));
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->status, 503);
  EXPECT_EQ(problem->detail, "no such picture");
  EXPECT_EQ(picture, "");
}

TEST(StudioRender, RequestsAreRefusedOrAnsweredInEveryCase) {
  AssetFixture f;
  const std::string id = f.finished("a car"), queued = f.make_long("a boat");
  EXPECT_EQ(problem_from([&] { f.studio->render("unknown", {}, {}); }).status, 404);
  EXPECT_EQ(problem_from([&] { f.studio->render(queued, {}, {}); }).type, "no-asset");
  int answers = 0;
  const auto done = [&](const std::string&, const std::optional<http::Problem>& problem) {
    answers += problem ? 1 : 0;
  };
  for (int i = 0; i < 16; ++i) f.studio->render(id, {}, done);
  EXPECT_EQ(problem_from([&] { f.studio->render(id, {}, done); }).status, 503);
  f.studio->remove(id);
  EXPECT_EQ(answers, 16);
}

TEST(StudioExports, TheProcessHasLowPriority) {
  AssetFixture f;
  const std::string id = f.finished("slowexport");
  f.studio->make_export(id, "glb");
  f.wait_for(id, "glb");
  EXPECT_EQ(read_file(f.folder.path / "nice.txt"),
            fmt::format("{}\n", std::min(19, getpriority(PRIO_PROCESS, 0) + 10)));
}

}  // namespace
}  // namespace lucid::serve::test
