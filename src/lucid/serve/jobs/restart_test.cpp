// SPDX-License-Identifier: Apache-2.0
// What a server that starts finds of the one before: however it ended, whatever is in the folder.
#include <sys/wait.h>

#include <csignal>
#include <fstream>

#include "lucid/serve/jobs/files/job_file.h"
#include "lucid/serve/jobs/fixture_test.h"
#include "lucid/serve/jobs/process/child.h"
#include "mistakes.h"

namespace lucid::serve::test {
namespace {

TEST(StudioRestart, EverythingIsThereAgain) {
  Fixture f;
  const std::string finished = f.make("unknown car", {{"iterations", "7"}, {"seed", "3"}});
  ASSERT_TRUE(f.reaches(finished, State::kFinished));
  const std::string failed = f.make("it fails");
  ASSERT_TRUE(f.reaches(failed, State::kFailed));
  const std::string running = f.make_long("running"), a = f.make("a"), b = f.make("b"), c = f.make("c");
  ASSERT_TRUE(f.gets_to(running, 5));
  f.studio->order({c, a, b});
  const nlohmann::json before = to_json(f.studio->run(finished));
  const int64_t revision = f.studio->revision();
  f.reopen();
  EXPECT_GT(f.studio->revision(), revision);
  nlohmann::json after = to_json(f.studio->run(finished));
  for (const char* key : {"id", "prompt", "state", "options", "seed", "preset", "step", "steps", "seconds", "series",
                          "gaussians", "warnings", "created", "command", "pictures", "has_asset", "actions", "words"}) {
    EXPECT_EQ(after[key], before[key]) << key;
  }
  EXPECT_EQ(f.studio->run(failed).error, "the prior knows no word of it");
  const serve::Run& paused = f.studio->run(running);
  EXPECT_EQ(paused.state, State::kPaused);
  EXPECT_GE(paused.step, 5);
  EXPECT_EQ(newest_checkpoint(f.output / running), paused.step);
  EXPECT_EQ(f.studio->run(c).place, 1);
  EXPECT_EQ(f.studio->run(a).place, 2);
  EXPECT_TRUE(f.reaches(b, State::kFinished));  // the queue goes on
  EXPECT_EQ(f.studio->run(a).state, State::kFinished);
  f.studio->more(finished, 2);
  EXPECT_TRUE(f.reaches(finished, State::kFinished));
  EXPECT_EQ(f.studio->run(finished).step, 9);
}

/// Starts a server in another process, waits until its run makes steps, and kills the server.
void run_and_kill_server(Fixture& f, const std::string& id) {
  f.studio.reset();
  const pid_t server = fork();
  if (server == 0) {
    f.open();
    f.studio->watch(f.make_long(id));
    f.test_loop.run_for(milliseconds(60'000));
    _exit(0);
  }
  EXPECT_TRUE(f.test_loop.run_until([&] { return live_frame(f.output / id).has_value(); }));
  EXPECT_TRUE(log_is_in_use(f.output / id / kLog));
  EXPECT_FALSE(newest_checkpoint(f.output / id));
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
}

TEST(StudioRestart, TheRunOfAKilledServerSavesAndEnds) {
  Fixture f;
  run_and_kill_server(f, "a_car");
  ASSERT_TRUE(f.test_loop.run_until([&] { return !log_is_in_use(f.output / "a_car" / kLog); }));
  const auto step = newest_checkpoint(f.output / "a_car");
  ASSERT_TRUE(step);
  f.open();
  EXPECT_EQ(f.studio->run("a_car").state, State::kPaused);
  EXPECT_EQ(f.studio->run("a_car").step, *step);
  EXPECT_FALSE(fs::exists(f.output / "a_car/live.frame.watched"));  // nobody watches any more
}

TEST(StudioRestart, AProcessThatStillSavesIsWaitedFor) {
  Fixture f;
  run_and_kill_server(f, "slowly");
  f.open();
  EXPECT_EQ(f.studio->run("slowly").state, State::kPausing);
  EXPECT_EQ(problem_from([&] { f.studio->stop("slowly"); }).status, 409);
  EXPECT_EQ(problem_from([&] { f.studio->remove("slowly"); }).status, 409);
  const std::string next = f.make("a car");
  bool both = false;  // the device is not free before
  EXPECT_TRUE(f.test_loop.run_until([&] {
    const bool saves = f.studio->run("slowly").state == State::kPausing;
    both = both || (saves && f.studio->run(next).state != State::kQueued);
    return !saves;
  }));
  EXPECT_FALSE(both);
  EXPECT_EQ(f.studio->run("slowly").state, State::kPaused);
  EXPECT_TRUE(f.reaches(next, State::kFinished));
}

TEST(StudioRestart, ARunWithoutACheckpointHasFailedAndCanStartAgain) {
  Fixture f;
  const std::string id = f.make("a car");
  f.studio.reset();
  Job job = read_job(f.output / id);
  job.run.state = State::kRunning;
  job.run.step = 4;
  job.started = true;
  fs::remove_all(f.output / id / "checkpoints");
  write_job(f.output / id, job);
  f.open();
  EXPECT_EQ(f.studio->run(id).state, State::kFailed);
  EXPECT_EQ(f.studio->run(id).step, 0);
  f.studio->resume(id);
  EXPECT_TRUE(f.reaches(id, State::kFinished));
}

TEST(StudioRestart, AFinishedProcessOfAKilledServerIsFinished) {
  Fixture f;
  const std::string id = f.make("a car");
  ASSERT_TRUE(f.reaches(id, State::kFinished));
  const std::string stopped = f.make_long("a boat");
  ASSERT_TRUE(f.gets_to(stopped, 3));
  f.studio->stop(stopped);
  ASSERT_TRUE(f.reaches(stopped, State::kStopped));
  f.studio.reset();
  for (const auto& [name, state] : {std::pair{id, State::kRunning}, std::pair{stopped, State::kStopping}}) {
    Job job = read_job(f.output / name);
    job.run.state = state;
    write_job(f.output / name, job);
  }
  f.open();
  EXPECT_EQ(f.studio->run(id).state, State::kFinished);
  EXPECT_EQ(f.studio->run(stopped).state, State::kStopped);
}

TEST(StudioRestart, ADamagedRecordIsShownAndNothingIsDeleted) {
  Fixture f;
  const std::string id = f.make("a car");
  ASSERT_TRUE(f.reaches(id, State::kFinished));
  f.studio.reset();
  const std::string good = read_file(f.output / id / kJobFile);
  nlohmann::json owns = nlohmann::json::parse(good), newer = owns, other = owns;
  owns["options"]["output"] = "/etc";
  newer["version"] = 2;
  other["id"] = "another";
  for (const std::string& bad : {std::string(), good.substr(0, good.size() / 2), std::string("[]"), owns.dump(),
                                 newer.dump(), other.dump(), std::string(2 << 20, ' '), std::string(1 << 19, '[')}) {
    write_file(f.output / id / kJobFile, bad);
    f.open();
    const serve::Run& run = f.studio->run(id);
    EXPECT_EQ(run.state, State::kFailed);
    ASSERT_TRUE(run.error);
    EXPECT_NE(run.error->find(kJobFile), std::string::npos) << *run.error;
    EXPECT_EQ(actions_of(run), (std::vector<std::string>{"delete"}));
    EXPECT_EQ(problem_from([&] { f.studio->again(id, 1, ""); }).status, 409);
    EXPECT_FALSE(to_json(run).dump().empty());
    f.studio.reset();
    EXPECT_EQ(read_file(f.output / id / kJobFile), bad);
    EXPECT_TRUE(fs::exists(f.output / id / "manifest.json"));
  }
  write_file(f.output / id / kJobFile, good);
  f.open();
  EXPECT_EQ(f.studio->run(id).state, State::kFinished);
  f.studio.reset();
  fs::remove(f.output / id / kJobFile);
  fs::create_directory(f.output / id / kJobFile);
  f.open();
  EXPECT_EQ(f.studio->run(id).state, State::kFailed);
  f.studio->remove(id);
  EXPECT_FALSE(fs::exists(f.output / id));
}

TEST(StudioRestart, RunsOfTheCommandLineAreShown) {
  Fixture f;
  f.studio.reset();
  const std::string manifest = R"({"prompt":"a chair","seed":5,"iterations":600,"gaussians":999,"seconds":12.5,
                                   "options":{"device":7,"output":"/etc"}})";
  write_file(f.output / "a_chair/manifest.json", manifest);
  write_file(f.output / "a name with spaces/manifest.json", manifest);
  write_file(f.output / "unusable/manifest.json", R"({"prompt":7,"seed":5,"iterations":600})");
  write_file(f.output / "endless/manifest.json", R"({"prompt":"x","seed":5,"iterations":1e400})");
  write_file(f.output / "unfinished/checkpoints/step_000005.safetensors", "x");
  f.open();
  ASSERT_EQ(f.studio->runs().size(), 1U);
  const serve::Run& run = f.studio->run("a_chair");
  EXPECT_EQ(run.state, State::kFinished);
  EXPECT_EQ(run.prompt, "a chair");
  EXPECT_EQ(run.seed, 5);
  EXPECT_EQ(run.step, 600);
  EXPECT_EQ(run.gaussians, 999);
  EXPECT_TRUE(run.options.empty());
  EXPECT_EQ(actions_of(run), (std::vector<std::string>{"delete"}));
  EXPECT_EQ(f.make("a chair"), "a_chair-2");
  EXPECT_FALSE(fs::exists(f.output / "a_chair" / kJobFile));
}

TEST(StudioRestart, TwoServersCannotHaveOneFolder) {
  Fixture f;
  const UserMistake mistake = lucid::test::mistake_of([&] { Studio second(f.options(), f.test_loop.loop(), {}); });
  EXPECT_NE(mistake.what_happened.find("another `lucid serve`"), std::string::npos);
  // The lock is not the run's: it outlives no server.
  f.make_long("a deaf car");
  f.studio.reset();
  EXPECT_NO_THROW(f.open());
}

TEST(StudioRestart, TheEndOfTheServerWaitsForItsRunsAndNotForEver) {
  Fixture f;
  StudioOptions options = f.options();
  options.devices = {"cpu", "cuda"};
  options.patience_at_the_end = milliseconds(500);
  f.studio.reset();
  f.open(options);
  const std::string deaf = f.make_long("deaf"), good = f.make_long("good", {{"device", "cuda"}});
  ASSERT_TRUE(f.gets_to(deaf, 2));
  ASSERT_TRUE(f.gets_to(good, 2));
  const auto begin = std::chrono::steady_clock::now();
  f.studio.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(3000));
  EXPECT_EQ(read_job(f.output / good).run.state, State::kPaused);
  EXPECT_EQ(read_job(f.output / deaf).run.state, State::kPaused);
  EXPECT_TRUE(f.test_loop.run_until([&] { return !log_is_in_use(f.output / deaf / kLog); }, milliseconds(1000)));
}

TEST(StudioRestart, WhatADeletionLeftBehindIsRemoved) {
  Fixture f;
  f.studio.reset();
  write_file(f.output / ".lucid-serve.deleted-a_car/point_cloud.ply", "x");
  f.open();
  EXPECT_FALSE(fs::exists(f.output / ".lucid-serve.deleted-a_car"));
}

}  // namespace
}  // namespace lucid::serve::test
