// SPDX-License-Identifier: Apache-2.0
// Edits of finished runs: made, refused, and what they need of the run that they edit.
#include "lucid/serve/jobs/files/job_file.h"
#include "lucid/serve/jobs/fixture_test.h"

namespace lucid::serve::test {
namespace {

struct EditFixture : Fixture {
  std::string source;
  EditFixture() {
    source = make("a red car");
    reaches(source, State::kFinished);
  }
  std::string edit(const std::string& to, std::map<std::string, std::string> given = {}) {
    return studio->make({.prompt = to, .options = std::move(given), .edit_of = source}, "").run.id;
  }
  std::string edit_long(const std::string& to) { return edit(to, {{"iterations", "100000"}}); }
  http::Problem refusal(const std::string& to, std::map<std::string, std::string> given = {}) {
    return problem_from([&] { edit(to, std::move(given)); });
  }
  /// The Gaussians that the script ended with, and those that it began with.
  std::string before_after(const std::string& id) const { return read_file(output / id / "before_after.png"); }
};

TEST(StudioEdit, AFinishedRunIsEdited) {
  EditFixture f;
  EXPECT_TRUE(holds(actions_of(f.studio->run(f.source)), "edit"));
  const std::string id = f.edit("a blue car", {{"strength", "2"}, {"iterations", "5"}});
  EXPECT_EQ(id, "a_blue_car");
  EXPECT_EQ(f.studio->run(id).edit_of, (EditOf{.id = f.source, .prompt = "a red car"}));
  EXPECT_EQ(f.studio->run(id).preset, "edit");
  EXPECT_EQ(f.studio->run(id).steps, 5);
  EXPECT_EQ(f.studio->run(id).command,
            "lucid edit " + (f.output / f.source).string() + " --iterations 5 --strength 2 --to 'a blue car'");
  ASSERT_TRUE(f.reaches(id, State::kFinished));
  const fs::path folder = f.output / id;
  EXPECT_NE(f.calls().find("edit --output=" + f.output.string() + " --workspace=" + id +
                           " --progress=json --live=" + (folder / "live.frame").string() +
                           " --iterations=5 --strength=2 --from=a red car --to=a blue car -- " +
                           (folder / "source.ply").string() + "\n"),
            std::string::npos)
      << f.calls();
  EXPECT_EQ(f.studio->picture(id, "before_after"), fs::path("before_after.png"));
  EXPECT_EQ(f.before_after(id), "before: points a red car\n");
  EXPECT_EQ(f.studio->picture(f.source, "before_after"), std::nullopt);
  EXPECT_EQ(to_json(f.studio->run(f.source)).at("edit_of"), nlohmann::json(nullptr));
  EXPECT_EQ(to_json(f.studio->run(id)).at("edit_of"), (nlohmann::json{{"id", f.source}, {"prompt", "a red car"}}));
}

TEST(StudioEdit, TheShapesPresetAndAPromptOfTheClientsOwn) {
  EditFixture f;
  const std::string shape = f.edit("a red boat", {{"change", "shape"}, {"iterations", "3"}});
  EXPECT_EQ(f.studio->run(shape).preset, "edit_shape");
  const std::string own = f.edit("-- a wooden boat", {{"from_text", "a boat"}, {"iterations", "3"}});
  EXPECT_TRUE(f.studio->run(own).command.ends_with(" '--to=-- a wooden boat'")) << f.studio->run(own).command;
  ASSERT_TRUE(f.reaches(own, State::kFinished));
  EXPECT_NE(f.calls().find("--from=a boat --to=-- a wooden boat -- "), std::string::npos) << f.calls();
  EXPECT_EQ(f.calls().find("--from=a red car --to=-- a wooden boat"), std::string::npos) << f.calls();
}

TEST(StudioEdit, EachMistakeHasItsAnswer) {
  EditFixture f;
  EXPECT_EQ(problem_from([&] { f.studio->make({.prompt = "a blue car", .edit_of = "none"}, ""); }).type,
            "run-not-found");
  EXPECT_NE(f.refusal("A red car!").detail.find("shows already"), std::string::npos);
  EXPECT_NE(f.refusal("two boats").detail.find("share no word"), std::string::npos);
  EXPECT_NE(f.refusal("a blue car", {{"mask_word", "boat"}}).detail.find("'boat' does not stand in"),
            std::string::npos);
  EXPECT_NE(f.refusal("a blue car", {{"preset", "draft"}}).detail.find("preset: is no option of an edit"),
            std::string::npos);
  EXPECT_EQ(f.refusal("a blue car", {{"score", "ism"}}).type, "bad-option");
  for (const char* to : {"A red car!", "two boats"}) EXPECT_EQ(f.refusal(to).status, 400) << to;

  const std::string empty = f.make("a boat");
  f.studio->stop(empty);
  EXPECT_FALSE(holds(actions_of(f.studio->run(empty)), "edit"));
  f.source = empty;
  EXPECT_EQ(f.refusal("a blue boat").type, "no-asset");
  f.source = f.make_long("a hat");
  ASSERT_TRUE(f.gets_to(f.source, 2));
  EXPECT_EQ(f.refusal("a blue hat").type, "no-asset");
  EXPECT_FALSE(fs::exists(f.output / "a_blue_hat"));

  // A run that goes on after its end has Gaussians, but not its last ones.
  const std::string more = f.make("a mug", {{"device", "cpu"}});
  f.studio->stop(f.source);
  ASSERT_TRUE(f.reaches(more, State::kFinished));
  f.studio->more(more, 100'000);
  ASSERT_TRUE(f.gets_to(more, 9));
  f.source = more;
  EXPECT_EQ(f.refusal("a blue mug").type, "not-now");
}

TEST(StudioEdit, PathsAreRefusedWhereTheyAreForOthers) {
  EditFixture f;
  f.studio.reset();
  StudioOptions options = f.options();
  options.accepts_paths = false;
  f.open(options);
  EXPECT_NE(f.refusal("a blue car", {{"mask_images", "/etc"}}).detail.find("does not accept"), std::string::npos);
  EXPECT_TRUE(f.reaches(f.edit("a blue car"), State::kFinished));
}

TEST(StudioEdit, TheSourceMayBeDeletedWhileItsEditWaits) {
  EditFixture f;
  const std::string other = f.make_long("a boat"), id = f.edit("a blue car");
  ASSERT_TRUE(f.gets_to(other, 2));
  EXPECT_EQ(f.studio->run(id).state, State::kQueued);
  f.studio->remove(f.source);
  EXPECT_FALSE(fs::exists(f.output / f.source));
  f.studio->stop(other);
  ASSERT_TRUE(f.reaches(id, State::kFinished));
  EXPECT_EQ(f.before_after(id), "before: points a red car\n");
  EXPECT_EQ(f.studio->run(id).edit_of->id, f.source);
  // And the edit is made again, from what it began with.
  const std::string again = f.studio->again(id, 7, "").run.id;
  ASSERT_TRUE(f.reaches(again, State::kFinished));
  EXPECT_EQ(f.studio->run(again).edit_of, f.studio->run(id).edit_of);
  EXPECT_EQ(f.studio->run(again).parent, id);
  EXPECT_EQ(f.before_after(again), "before: points a red car\n");
}

TEST(StudioEdit, MoreStepsOfTheSourceDoNotChangeWhatAnEditBeganWith) {
  EditFixture f;
  const std::string id = f.edit_long("a blue car");
  ASSERT_TRUE(f.gets_to(id, 2));
  f.studio->pause(id);
  ASSERT_TRUE(f.reaches(id, State::kPaused));
  f.studio->more(f.source, 2);
  ASSERT_TRUE(f.reaches(f.source, State::kFinished));
  write_file(f.output / f.source / "point_cloud/iteration_6/point_cloud.ply", "others");
  f.studio->stop(id);
  ASSERT_TRUE(f.reaches(id, State::kStopped));
  EXPECT_EQ(f.before_after(id), "before: points a red car\n");
  EXPECT_NE(f.calls().find("--resume --finish --iterations=100000 --from=a red car"), std::string::npos) << f.calls();
}

TEST(StudioEdit, ARestartFindsEditsThatWaitAndWork) {
  EditFixture f;
  const std::string works = f.edit_long("a blue car"), waits = f.edit("a green car");
  ASSERT_TRUE(f.gets_to(works, 2));
  f.reopen();
  EXPECT_EQ(f.studio->run(works).state, State::kPaused);
  EXPECT_EQ(f.studio->run(waits).edit_of, (EditOf{.id = f.source, .prompt = "a red car"}));
  ASSERT_TRUE(f.reaches(waits, State::kFinished));
  EXPECT_EQ(f.before_after(waits), "before: points a red car\n");
  f.studio->resume(works);
  ASSERT_TRUE(f.gets_to(works, f.studio->run(works).step + 2));
  EXPECT_NE(f.calls().find("--resume --iterations=100000 --from=a red car --to=a blue car"), std::string::npos);
  f.studio->stop(works);
  ASSERT_TRUE(f.reaches(works, State::kStopped));
}

TEST(StudioEdit, ARunOfTheCommandLineIsEdited) {
  EditFixture f;
  f.studio.reset();
  fs::remove(f.output / f.source / kJobFile);
  f.open();
  EXPECT_EQ(actions_of(f.studio->run(f.source)), (std::vector<std::string>{"edit", "delete"}));
  const std::string id = f.edit("a blue car");
  ASSERT_TRUE(f.reaches(id, State::kFinished));
  EXPECT_EQ(f.before_after(id), "before: points a red car\n");
}

TEST(StudioEdit, ARepeatedRequestMakesOneEdit) {
  EditFixture f;
  const NewRun wanted = {.prompt = "a blue car", .edit_of = f.source};
  EXPECT_TRUE(f.studio->make(wanted, "key").is_new);
  EXPECT_FALSE(f.studio->make(wanted, "key").is_new);
  EXPECT_EQ(problem_from([&] { f.studio->make({.prompt = "a blue car"}, "key"); }).type, "idempotency-key-reused");
}

}  // namespace
}  // namespace lucid::serve::test
