// SPDX-License-Identifier: Apache-2.0
// The life of runs: made, queued, run, paused, stopped, continued, failed, deleted.
#include "lucid/serve/jobs/studio.h"

#include <csignal>
#include <fstream>

#include "lucid/serve/jobs/fixture_test.h"

namespace lucid::serve::test {
namespace {

TEST(Studio, ARunIsQueuedStartedAndFinished) {
  Fixture f;
  const Studio::Made made = f.studio->make(
      {.prompt = "A blue teapot, unknown!", .options = {{"preset", "draft"}, {"seed", "7"}, {"iterations", "6"}}}, "");
  EXPECT_TRUE(made.is_new);
  EXPECT_EQ(made.run.id, "a_blue_teapot_unknown");
  EXPECT_EQ(made.run.state, State::kQueued);
  EXPECT_EQ(made.run.place, 1);
  EXPECT_EQ(made.run.seed, 7);
  EXPECT_EQ(made.run.steps, 6);
  EXPECT_EQ(made.run.preset, "draft");
  EXPECT_EQ(made.run.command, "lucid generate --preset draft --seed 7 --iterations 6 'A blue teapot, unknown!'");
  ASSERT_TRUE(f.reaches("a_blue_teapot_unknown", State::kFinished));
  const serve::Run& run = f.studio->run("a_blue_teapot_unknown");
  EXPECT_EQ(run.step, 6);
  EXPECT_EQ(run.gaussians, 1234);
  EXPECT_EQ(run.series.step, (std::vector<int64_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(run.series.gaussians.back(), 1000);
  EXPECT_EQ(run.warnings, (std::vector<std::string>{"the prior does not know the word 'unknown'"}));
  EXPECT_GT(run.seconds, 0);
  EXPECT_TRUE(run.has_asset);
  EXPECT_EQ(run.pictures.size(), 2U);
  EXPECT_EQ(f.studio->picture(run.id, "result"), fs::path("test_six_views/6/sheet.png"));
  EXPECT_EQ(f.studio->picture(run.id, "thumbnail"), fs::path("test_six_views/6/polar80_azimuth000.png"));
  EXPECT_EQ(f.studio->picture(run.id, "sheet"), std::nullopt);
  EXPECT_FALSE(run.place);
  const std::string id = run.id;
  EXPECT_EQ(f.told, (std::vector<std::string>{id + " queued", id + " starting", id + " running", id + " finished"}));
  EXPECT_EQ(f.calls(), "generate --output=" + f.output.string() + " --workspace=" + id +
                           " --progress=json --live=" + (f.output / id / "live.frame").string() +
                           " --preset=draft --seed=7 --iterations=6 -- A blue teapot, unknown!\n");
}

TEST(Studio, PauseAndResumeGoOnFromTheCheckpoint) {
  Fixture f;
  const std::string id = f.make("a car", {{"iterations", "40"}});
  ASSERT_TRUE(f.gets_to(id, 5));
  EXPECT_EQ(f.studio->pause(id).state, State::kPausing);
  EXPECT_EQ(problem_from([&] { f.studio->pause(id); }).status, 409);
  ASSERT_TRUE(f.reaches(id, State::kPaused));
  const int64_t step = f.studio->run(id).step;
  EXPECT_GE(step, 5);
  EXPECT_EQ(newest_checkpoint(f.output / id), step);
  EXPECT_EQ(words_of(f.studio->run(id)), "Paused at step " + std::to_string(step) + " of 40");
  EXPECT_FALSE(f.studio->run(id).steps_per_second);
  const double seconds = f.studio->run(id).seconds;
  EXPECT_EQ(f.studio->resume(id).state, State::kQueued);
  ASSERT_TRUE(f.reaches(id, State::kFinished));
  EXPECT_NE(f.calls().find("--resume"), std::string::npos);
  EXPECT_GT(f.studio->run(id).seconds, seconds);
  EXPECT_EQ(f.studio->run(id).series.step.size(), 40U);
}

TEST(Studio, StopWritesTheResultsOfTheStepThatWasReached) {
  Fixture f;
  const std::string id = f.make_long("a car");
  ASSERT_TRUE(f.gets_to(id, 4));
  EXPECT_EQ(f.studio->stop(id).state, State::kStopping);
  ASSERT_TRUE(f.reaches(id, State::kStopped));
  const int64_t step = f.studio->run(id).step;
  EXPECT_GE(step, 4);
  EXPECT_LT(step, 100000);
  EXPECT_TRUE(fs::exists(f.output / id / ("point_cloud/iteration_" + std::to_string(step)) / "point_cloud.ply"));
  EXPECT_NE(f.calls().find("--resume --finish"), std::string::npos);
  EXPECT_TRUE(holds(actions_of(f.studio->run(id)), "resume"));
  // Queued again and stopped: the results are there already.
  f.studio->resume(id);
  EXPECT_EQ(f.studio->stop(id).state, State::kStopped);
}

TEST(Studio, APausedRunCanBeStoppedAndAQueuedOneToo) {
  Fixture f;
  const std::string first = f.make_long("a car"), second = f.make("a boat");
  ASSERT_TRUE(f.gets_to(first, 3));
  EXPECT_EQ(f.studio->stop(second).state, State::kStopped);
  EXPECT_FALSE(f.studio->run(second).has_asset);
  EXPECT_EQ(words_of(f.studio->run(second)), "Stopped before the first step");
  f.studio->pause(first);
  ASSERT_TRUE(f.reaches(first, State::kPaused));
  EXPECT_EQ(f.studio->stop(first).state, State::kStopping);
  ASSERT_TRUE(f.reaches(first, State::kStopped));
  EXPECT_TRUE(f.studio->run(first).has_asset);
}

TEST(Studio, MoreStepsForAFinishedRunAddUp) {
  Fixture f;
  const std::string id = f.make("a car", {{"iterations", "5"}});
  ASSERT_TRUE(f.reaches(id, State::kFinished));
  EXPECT_EQ(f.studio->more(id, 4).steps, 9);
  ASSERT_TRUE(f.reaches(id, State::kFinished));
  EXPECT_EQ(f.studio->run(id).step, 9);
  f.studio->more(id, 3);
  ASSERT_TRUE(f.reaches(id, State::kFinished));
  EXPECT_EQ(f.studio->run(id).step, 12);
  EXPECT_NE(f.calls().find("--resume --more-steps=4 --iterations=5"), std::string::npos) << f.calls();
  EXPECT_NE(f.calls().find("--resume --more-steps=7 --iterations=5"), std::string::npos) << f.calls();
  EXPECT_EQ(problem_from([&] { f.studio->more(id, 0); }).status, 400);
  EXPECT_EQ(problem_from([&] { f.studio->resume(id); }).type, "not-now");
}

TEST(Studio, AFailureSaysWhatTheProgramSaid) {
  Fixture f;
  const std::string id = f.make("it fails");
  ASSERT_TRUE(f.reaches(id, State::kFailed));
  EXPECT_EQ(f.studio->run(id).error, "the prior knows no word of it");
  EXPECT_EQ(words_of(f.studio->run(id)), "Failed");
  const std::string next = f.make("a car");  // the device is free
  EXPECT_TRUE(f.reaches(next, State::kFinished));
}

TEST(Studio, AProgramThatIsNotThereIsAFailureThatNamesIt) {
  Fixture f;
  fs::remove(f.program);
  const std::string id = f.make("a car");
  ASSERT_TRUE(f.reaches(id, State::kFailed));
  EXPECT_NE(f.studio->run(id).error->find(f.program.string()), std::string::npos) << *f.studio->run(id).error;
}

TEST(Studio, AKilledProcessFailsAndResumesFromItsCheckpoint) {
  Fixture f;
  const std::string id = f.make("it crashes", {{"iterations", "20"}});
  ASSERT_TRUE(f.reaches(id, State::kFailed));
  EXPECT_NE(f.studio->run(id).error->find("signal 9"), std::string::npos);
  EXPECT_EQ(f.studio->run(id).step, 3);
  EXPECT_EQ(f.studio->run(id).series.step, (std::vector<int64_t>{1, 2, 3}));
  f.studio->resume(id);
  EXPECT_FALSE(f.studio->run(id).error);
  EXPECT_TRUE(f.reaches(id, State::kFinished));
}

TEST(Studio, AProcessThatDoesNotEndIsKilled) {
  Fixture f;
  StudioOptions options = f.options();
  options.patience = milliseconds(300);
  f.studio.reset();
  f.open(options);
  const std::string id = f.make_long("a deaf horse");
  ASSERT_TRUE(f.gets_to(id, 2));
  f.studio->pause(id);
  ASSERT_TRUE(f.reaches(id, State::kPaused));
  EXPECT_EQ(f.studio->run(id).warnings.size(), 1U);
  EXPECT_EQ(f.studio->run(id).step, 0);  // it has no checkpoint
}

TEST(Studio, LinesOfTheProcessAreNotTrusted) {
  Fixture f;
  const std::string id = f.make("noise");
  ASSERT_TRUE(f.reaches(id, State::kFinished));
  EXPECT_EQ(f.studio->run(id).series.step, (std::vector<int64_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_FALSE(to_json(f.studio->run(id)).dump().empty());  // throws if a text is not UTF-8
}

TEST(Studio, OneRunAtATimeInTheOrderOfTheQueue) {
  Fixture f;
  const std::string a = f.make_long("a"), b = f.make("b"), c = f.make("c"), d = f.make("d");
  ASSERT_TRUE(f.reaches(a, State::kRunning));
  EXPECT_EQ(f.studio->run(b).place, 1);
  EXPECT_EQ(words_of(f.studio->run(c)), "Waiting, 2nd in the queue");
  EXPECT_EQ(f.studio->order({d, "unknown", a, c}), (std::vector<std::string>{d, c, b}));
  EXPECT_EQ(f.studio->run(d).place, 1);
  EXPECT_EQ(f.studio->run(b).place, 3);
  f.studio->stop(a);
  ASSERT_TRUE(f.reaches(b, State::kFinished));
  std::vector<std::string> order;
  for (const std::string& text : f.told) {
    if (text.ends_with(" finished")) order.push_back(text.substr(0, 1));
  }
  EXPECT_EQ(order, (std::vector<std::string>{"d", "c", "b"}));
  const std::vector<const serve::Run*> runs = f.studio->runs();
  ASSERT_EQ(runs.size(), 4U);
  EXPECT_EQ(runs.front()->id, d);  // newest first
  EXPECT_EQ(runs.back()->id, a);
}

TEST(Studio, EachDeviceWorksOnARunOfItsOwn) {
  Fixture f;
  StudioOptions options = f.options();
  options.devices = {"cpu", "cuda"};
  f.studio.reset();
  f.open(options);
  const std::string a = f.make_long("a"), b = f.make_long("b"), c = f.make_long("c", {{"device", "cuda"}});
  ASSERT_TRUE(f.reaches(a, State::kRunning));
  ASSERT_TRUE(f.reaches(c, State::kRunning));
  EXPECT_EQ(f.studio->run(b).state, State::kQueued);
  EXPECT_EQ(f.studio->run(b).place, 1);
}

TEST(Studio, ARepeatedRequestMakesNothingNew) {
  Fixture f;
  const NewRun wanted{.prompt = "a car", .options = {{"seed", "1"}}};
  const std::string id = f.studio->make(wanted, "key-1").run.id;
  const Studio::Made again = f.studio->make(wanted, "key-1");
  EXPECT_FALSE(again.is_new);
  EXPECT_EQ(again.run.id, id);
  const http::Problem problem = problem_from([&] { f.studio->make({.prompt = "a boat"}, "key-1"); });
  EXPECT_EQ(problem.status, 422);
  EXPECT_EQ(problem.type, "idempotency-key-reused");
  EXPECT_TRUE(f.studio->make(wanted, "key-2").is_new);
  EXPECT_TRUE(f.studio->make(wanted, "").is_new);
  const std::string other = f.studio->again(id, {}, "key-3").run.id;
  EXPECT_EQ(f.studio->again(id, {}, "key-3").run.id, other);
  EXPECT_EQ(problem_from([&] { f.studio->again(id, 5, "key-3"); }).status, 422);
  f.reopen();
  EXPECT_FALSE(f.studio->make(wanted, "key-1").is_new);
}

TEST(Studio, AgainIsTheSameRunWithAnotherSeed) {
  Fixture f;
  const std::string id = f.make("a car", {{"iterations", "5"}, {"seed", "1"}});
  const serve::Run& other = f.studio->again(id, 99, "").run;
  EXPECT_EQ(other.id, "a_car-2");
  EXPECT_EQ(other.seed, 99);
  EXPECT_EQ(other.parent, id);
  EXPECT_EQ(other.steps, 5);
  EXPECT_EQ(other.options.at("seed"), "99");
  const serve::Run& random = f.studio->again(id, {}, "").run;
  EXPECT_NE(random.seed, f.studio->again(id, {}, "").run.seed);
  EXPECT_GE(random.seed, 0);
  EXPECT_LT(random.seed, int64_t{1} << 31);
}

TEST(Studio, BadOptionsAreRefusedInTheWordsOfTheCommandLine) {
  Fixture f;
  const auto detail = [&](std::map<std::string, std::string> options) {
    const http::Problem problem = problem_from([&] { f.make("a car", options); });
    EXPECT_EQ(problem.status, 400);
    EXPECT_EQ(problem.type, "bad-option");
    return problem.detail;
  };
  EXPECT_EQ(detail({{"guidence_scale", "7"}}), "guidence_scale: unknown option (did you mean guidance_scale?)");
  EXPECT_EQ(detail({{"iterations", "many"}}),
            "iterations: 'many' is not allowed; a whole number in [1, 1e9] was expected");
  EXPECT_EQ(detail({{"output", "/etc"}}), "output: is set by the server (leave it out)");
  EXPECT_EQ(detail({{"theta_range", "90 60"}}), "theta_range: [90, 60] does not rise");
  EXPECT_NE(detail({{"device", "cuda"}}).find("device: 'cuda' is not there"), std::string::npos);
  EXPECT_NE(detail({{"negative", std::string("a\0b", 3)}}).find("zero byte"), std::string::npos);
  EXPECT_EQ(problem_from([&] { f.make(""); }).detail, "text: there is no prompt (lucid generate \"a hamburger\")");
  EXPECT_TRUE(f.studio->runs().empty());
  EXPECT_EQ(std::distance(fs::directory_iterator(f.output), {}), 2);  // lock and queue: nothing else was made
}

TEST(Studio, FilesOfThisMachineCanBeRefused) {
  Fixture f;
  EXPECT_NO_THROW(f.make("a car", {{"pretrained_model_path", "/tmp/a.ply"}}));
  StudioOptions options = f.options();
  options.accepts_paths = false;
  f.studio.reset();
  f.open(options);
  for (const char* name : {"pretrained_model_path", "LoRA_path", "model_key", "prior_config", "controlnet_mesh"}) {
    EXPECT_NE(problem_from([&] {
                f.make("a car", {{name, "/tmp/a"}});
              }).detail.find("names a file"),
              std::string::npos);
  }
  EXPECT_EQ(problem_from([&] { f.studio->again("a_car", 1, ""); }).status, 400);
}

TEST(Studio, TheQueueAndTheDiskHaveLimits) {
  Fixture f;
  StudioOptions options = f.options();
  options.queue_limit = 2;
  f.studio.reset();
  f.open(options);
  f.make("a");
  f.make("b");
  EXPECT_EQ(problem_from([&] { f.make("c"); }).status, 429);
  options.bytes_kept_free = int64_t{1} << 60;
  f.studio.reset();
  f.open(options);
  f.studio->remove("b");
  EXPECT_EQ(problem_from([&] { f.make("c"); }).type, "disk-full");
  ASSERT_TRUE(f.reaches("a", State::kFailed));  // it was queued
  EXPECT_NE(f.studio->run("a").error->find("free"), std::string::npos);
}

TEST(Studio, AFolderThatIsThereIsNeverReused) {
  Fixture f;
  fs::create_directories(f.output / "a_car");
  write_file(f.output / "a_car-2", "a file");
  fs::create_symlink("/nonexistent", f.output / "a_car-3");
  EXPECT_EQ(f.make("a car"), "a_car-4");
  const std::string id = f.make(std::string(400, 'x'));
  EXPECT_LE(id.size(), 44U);
  EXPECT_EQ(f.make("???"), "asset");
}

TEST(Studio, DeletionEndsTheProcessAndRemovesTheFolderAlone) {
  Fixture f;
  write_file(f.folder.path / "elsewhere/keep.txt", "kept");
  const std::string id = f.make_long("a deaf car");
  ASSERT_TRUE(f.gets_to(id, 2));
  fs::create_directory_symlink(f.folder.path / "elsewhere", f.output / id / "link");
  const int64_t revision = f.studio->revision();
  f.studio->remove(id);
  EXPECT_EQ(f.removed, (std::vector<std::string>{id}));
  EXPECT_GT(f.studio->revision(), revision);
  EXPECT_EQ(problem_from([&] { f.studio->run(id); }).status, 404);
  EXPECT_TRUE(f.test_loop.run_until([&] { return !fs::exists(f.output / id); }));
  EXPECT_TRUE(fs::exists(f.folder.path / "elsewhere/keep.txt"));
  const std::string next = f.make("a boat");
  EXPECT_TRUE(f.reaches(next, State::kFinished));  // the device is free again
  // A folder behind a link: the link goes, what it leads to stays.
  fs::rename(f.output / next, f.folder.path / "moved");
  fs::create_directory_symlink(f.folder.path / "moved", f.output / next);
  f.studio->remove(next);
  EXPECT_FALSE(fs::exists(fs::symlink_status(f.output / next)));
  EXPECT_TRUE(fs::exists(f.folder.path / "moved/job.json"));
  for (const auto& entry : fs::directory_iterator(f.output)) {
    EXPECT_TRUE(entry.path().filename().string().starts_with(".lucid-serve.")) << entry.path();
    EXPECT_FALSE(entry.is_directory()) << entry.path();
  }
}

TEST(Studio, LiveFramesAreWrittenWhileSomebodyWatches) {
  Fixture f;
  const std::string id = f.make_long("a car");
  ASSERT_TRUE(f.gets_to(id, 2));
  EXPECT_FALSE(f.studio->frame(id));
  f.studio->watch(id);
  f.studio->watch(id);
  EXPECT_TRUE(f.test_loop.run_until([&] { return f.studio->frame(id).has_value(); }));
  EXPECT_TRUE(f.test_loop.run_until([&] { return f.studio->run(id).has_asset; }));
  f.studio->unwatch(id);
  EXPECT_TRUE(fs::exists(f.output / id / "live.frame.watched"));
  f.studio->unwatch(id);
  EXPECT_FALSE(fs::exists(f.output / id / "live.frame.watched"));
  f.studio->unwatch("unknown");
  EXPECT_EQ(problem_from([&] { f.studio->watch("unknown"); }).status, 404);
}

TEST(Studio, ChangesOfStepsAreToldAtMostFourTimesASecond) {
  Fixture f;
  int count = 0;
  f.studio.reset();
  f.studio = std::make_unique<Studio>(f.options(), f.test_loop.loop(),
                                      StudioCallbacks{.changed = [&](const serve::Run&) { ++count; }});
  const std::string id = f.make_long("a car");
  ASSERT_TRUE(f.reaches(id, State::kRunning));
  count = 0;
  const int64_t before = f.studio->run(id).step;
  f.test_loop.run_for(milliseconds(1000));
  EXPECT_GE(count, 2);
  EXPECT_LE(count, 4);
  EXPECT_GT(f.studio->run(id).step, before + 10);
}

}  // namespace
}  // namespace lucid::serve::test
