// SPDX-License-Identifier: Apache-2.0
// The work on a batch, with a shell script in place of `lucid`: jobs, failures, kills, several batches in one folder;
// and the report of what came out.
#include "lucid/batch/work.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/batch/report.h"
#include "lucid/batch/slurm.h"

namespace lucid::batch {
namespace {
namespace fs = std::filesystem;
using std::chrono::milliseconds;

/// Counts steps in DIR/step, saves on SIGINT, and writes one line a finished run into made.txt. Words of the prompt
/// choose what goes wrong.
constexpr const char* kProgram = R"sh(#!/bin/bash
here=$(dirname "$0")
echo "$@" >> "$here/calls.txt"
total=6
for word; do
  case $word in
    --output=*) out=${word#*=} ;;
    --workspace=*) id=${word#*=} ;;
    --iterations=*) total=${word#*=} ;;
  esac
  prompt=$word
done
dir=$out/$id
[ -d "$dir" ] || { echo "lucid: no folder" >&2; exit 2; }
step=$(cat "$dir/step" 2>/dev/null || echo 0)
trap 'stop=1' INT
trap '' PIPE
echo "start $id" >> "$here/work.txt"
while [ "$step" -lt "$total" ]; do
  case $prompt in
    *fails*) echo "lucid: the prior knows no word of it" >&2; exit 2 ;;
    *silent*) exit 0 ;;
    *crashes*) kill -9 $$ ;;
    *stumbles*) [ "$step" = 3 ] && [ ! -e "$dir/stumbled" ] && { touch "$dir/stumbled"; kill -9 $$; } ;;
  esac
  step=$((step + 1))
  echo "{\"event\":\"step\",\"step\":$step,\"total\":$total}"
  echo "$step" > "$dir/step"
  [ "$stop" ] && { echo "end $id" >> "$here/work.txt"; exit 130; }
  sleep 0.02
done
mkdir -p "$dir/test_six_views/$step"
echo sheet > "$dir/test_six_views/$step/sheet.png"
echo view > "$dir/test_six_views/$step/polar80_azimuth000.png"
echo "{\"prompt\":\"${prompt//\"/}\",\"seed\":0,\"iterations\":$step,\"gaussians\":1234,\"seconds\":1}" > "$dir/manifest.json"
echo "$id" >> "$here/made.txt"
echo "end $id" >> "$here/work.txt"
)sh";

struct Fixture {
  test::TemporaryFolder temporary;
  Folder folder{temporary.path / "out"};
  fs::path program = temporary.path / "lucid";
  Claims claims{folder.claims(), std::chrono::seconds(2)};
  std::vector<std::string> said;
  std::atomic<bool> stop{false};

  Fixture() {
    write_file(program, kProgram);
    fs::permissions(program, fs::perms::owner_all);
  }
  /// Rows of JSON objects or plain prompts.
  Batch batch(const std::vector<std::string>& prompts, const GivenOptions& given = {}) {
    std::string text;
    for (const std::string& prompt : prompts) text += "a chair " + prompt + "\n";
    write_file(temporary.path / "rows.txt", text);
    std::vector<UserMistake> mistakes;
    Batch batch =
        plan_batch(temporary.path / "rows.txt", read_rows(temporary.path / "rows.txt"), {.options = given}, mistakes);
    EXPECT_TRUE(mistakes.empty()) << one_line(mistakes.front());
    return batch;
  }
  Batch numbered(int count, const GivenOptions& given = {}) {
    std::vector<std::string> prompts;
    for (int i = 0; i < count; ++i) prompts.push_back("number " + std::to_string(i));
    return batch(prompts, given);
  }
  WorkOptions options(int jobs = 2) {
    return {.program = program,
            .jobs = jobs,
            .renew_every = milliseconds(100),
            .look_every = milliseconds(20),
            .grace = milliseconds(50),
            .say = [this](const std::string& line) { said.push_back(line); }};
  }
  void run(const Batch& batch, const WorkOptions& with) {
    save_batch(folder, batch);
    work(folder, batch, claims, with, stop);
  }
  void run(const Batch& batch) { run(batch, options()); }
  /// The work in a process of its own, as another `lucid batch`.
  pid_t start(const Batch& batch, const WorkOptions& with) {
    save_batch(folder, batch);
    const pid_t process = fork();
    if (process != 0) return process;
    work(folder, batch, Claims(folder.claims(), std::chrono::seconds(2)), with, stop);
    _exit(0);
  }
  std::string text(const std::string& name) const {
    std::error_code none;
    return fs::exists(temporary.path / name, none) ? read_file(temporary.path / name) : "";
  }
  /// Lines of a file of the program that are `line`, or all.
  int64_t lines(const std::string& name, const std::string& line = "") const {
    std::istringstream in(text(name));
    int64_t found = 0;
    for (std::string at; std::getline(in, at);) found += line.empty() || at == line ? 1 : 0;
    return found;
  }
  void expect_each_once(const Batch& batch) const {
    for (const Row& row : batch.rows) EXPECT_EQ(lines("made.txt", row.name), 1) << row.name;
    EXPECT_EQ(lines("made.txt"), static_cast<int64_t>(batch.rows.size()));
  }
  std::vector<RowView> views(const Batch& batch) const { return view_rows(folder, batch, claims); }
};

bool soon(const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

TEST(BatchWork, MakesEveryRowWithItsOptionsAndSoManyAtATime) {
  Fixture at;
  const Batch batch = at.numbered(5, {{"seed", "3"}, {"save_video", "false"}});
  at.run(batch);
  at.expect_each_once(batch);
  EXPECT_EQ(count(at.views(batch)).finished, 5);
  EXPECT_NE(
      at.text("calls.txt").find("--progress=json --resume --seed=3 --threads=1 --no-save-video -- a chair number 0"),
      std::string::npos)
      << at.text("calls.txt");
  // Two at a time, never three.
  int working = 0, most = 0;
  std::istringstream in(at.text("work.txt"));
  for (std::string line; std::getline(in, line);) most = std::max(most, working += line.starts_with("start") ? 1 : -1);
  EXPECT_EQ(most, 2);
  // Again: nothing is left to do.
  at.run(batch);
  EXPECT_EQ(at.lines("calls.txt"), 5);
  EXPECT_NE(at.said.back().find("5 of 5 rows are there already"), std::string::npos);
}

TEST(BatchWork, AFailedRowStopsNoOther) {
  Fixture at;
  const Batch batch = at.batch({"one", "that fails", "two", "silent", "three"});
  at.run(batch);
  EXPECT_EQ(at.lines("made.txt"), 3);
  const auto views = at.views(batch);
  EXPECT_EQ(views[1].state, State::kFailed);
  EXPECT_EQ(views[1].error, "the prior knows no word of it");
  EXPECT_EQ(views[3].state, State::kFailed);
  EXPECT_EQ(views[3].error, "the process ended without a result");
  EXPECT_EQ(count(views).finished, 3);
  const int64_t calls = at.lines("calls.txt");
  WorkOptions once = at.options();
  once.retry_failed = false;
  at.run(batch, once);
  EXPECT_EQ(at.lines("calls.txt"), calls);
  at.run(batch);  // the same command tries them again
  EXPECT_EQ(at.lines("calls.txt"), calls + 2);
  reopen_failed(batch, at.claims);
  at.run(batch, once);
  EXPECT_EQ(at.lines("calls.txt"), calls + 4);
}

TEST(BatchWork, AKilledProcessIsStartedAgainButNotForEver) {
  Fixture at;
  const Batch batch = at.batch({"that stumbles", "that crashes"});
  at.run(batch);
  const auto views = at.views(batch);
  EXPECT_EQ(views[0].state, State::kFinished);
  EXPECT_EQ(views[1].state, State::kFailed);
  EXPECT_NE(views[1].error.find("killed by signal 9"), std::string::npos) << views[1].error;
  EXPECT_EQ(at.lines("work.txt", "start " + batch.rows[0].name), 2);
  EXPECT_EQ(at.lines("work.txt", "start " + batch.rows[1].name), 3);
}

TEST(BatchWork, AStoppedBatchSavesAndGoesOn) {
  Fixture at;
  const Batch batch = at.numbered(3, {{"iterations", "300"}});
  std::thread stopper([&] {
    soon([&] { return at.lines("work.txt") == 2; });
    at.stop = true;
  });
  at.run(batch);
  stopper.join();
  const auto views = at.views(batch);
  EXPECT_EQ(count(views).interrupted, 2);
  EXPECT_EQ(count(views).waiting, 1);
  EXPECT_EQ(at.lines("work.txt"), 4) << "its processes did not end before it";
  for (const char* step : {"0001_a_chair_number_0/step", "0002_a_chair_number_1/step"})
    write_file(at.folder.root / step, "299");
  at.stop = false;
  WorkOptions three = at.options(3);
  three.say = [](const std::string&) {};
  write_file(at.folder.root / "0003_a_chair_number_2/step", "299");
  at.run(batch, three);
  at.expect_each_once(batch);
}

TEST(BatchWork, KilledItGoesOnWhereItWas) {
  Fixture at;
  const Batch batch = at.numbered(6, {{"iterations", "15"}});
  for (int kills = 1; kills <= 3; ++kills) {
    const pid_t process = at.start(batch, at.options());
    ASSERT_TRUE(soon([&] { return at.lines("made.txt") >= kills; }));
    kill(process, SIGKILL);  // its processes get SIGINT from the system, and save
    waitpid(process, nullptr, 0);
  }
  EXPECT_LT(at.lines("made.txt"), 6);
  at.run(batch);
  at.expect_each_once(batch);
  EXPECT_EQ(count(at.views(batch)).finished, 6);
}

TEST(BatchWork, SeveralInOneFolderShareTheRows) {
  Fixture at;
  const Batch batch = at.numbered(40, {{"iterations", "1"}});
  std::vector<pid_t> processes;
  for (int i = 0; i < 4; ++i) processes.push_back(at.start(batch, at.options(3)));
  for (const pid_t process : processes) waitpid(process, nullptr, 0);
  at.expect_each_once(batch);
  EXPECT_EQ(at.lines("calls.txt"), 40);
}

TEST(BatchWork, OneIsKilledAndTheOtherTakesItsRowsOver) {
  Fixture at;
  const Batch batch = at.numbered(6, {{"iterations", "15"}});
  const pid_t killed = at.start(batch, at.options()), other = at.start(batch, at.options());
  ASSERT_TRUE(soon([&] { return at.lines("work.txt") >= 4; }));
  kill(killed, SIGKILL);
  waitpid(killed, nullptr, 0);
  waitpid(other, nullptr, 0);
  at.expect_each_once(batch);
}

TEST(BatchWork, WithoutWaitingItEndsOnceOthersAreSeenAtWork) {
  Fixture at;
  const Batch batch = at.numbered(1, {{"iterations", "1000"}});
  const pid_t other = at.start(batch, at.options());
  ASSERT_TRUE(soon([&] { return at.lines("work.txt") == 1; }));
  WorkOptions options = at.options();
  options.wait = false;
  at.run(batch, options);
  EXPECT_EQ(at.lines("calls.txt"), 1);
  kill(other, SIGKILL);
  waitpid(other, nullptr, 0);
  write_file(at.folder.root / "0001_a_chair_number_0/step", "999");
  ASSERT_TRUE(soon([&] { return at.lines("work.txt") == 2; })) << "the killed batch's process did not end";
  write_file(at.folder.root / "0001_a_chair_number_0/step", "999");
  at.run(batch, options);  // the owner is dead, so the row is taken
  at.expect_each_once(batch);
}

TEST(BatchWork, OneOfAnotherMachineIsWaitedForUntilItsClaimIsStale) {
  Fixture at;
  const Batch batch = at.numbered(1);
  save_batch(at.folder, batch);
  Claim theirs{.key = batch.rows[0].key};
  make_folder(at.folder.claims());
  ASSERT_TRUE(at.claims.take(theirs, batch.rows[0].name, 0));
  theirs.machine = "another";
  ASSERT_TRUE(at.claims.renew(theirs));
  WorkOptions options = at.options();
  options.wait = false;  // a claim that is not renewed is no sign of life
  const auto begin = std::chrono::steady_clock::now();
  at.run(batch, options);
  at.expect_each_once(batch);
  EXPECT_GT(std::chrono::steady_clock::now() - begin, milliseconds(1500));
}

TEST(BatchWork, RowsThatChangedAreTold) {
  Fixture at;
  const Batch before = at.numbered(3, {{"seed", "1"}});
  at.run(before);
  EXPECT_TRUE(changes(at.folder, before, at.claims).empty());
  EXPECT_TRUE(changes(at.folder, at.numbered(5, {{"seed", "1"}, {"threads", "2"}}), at.claims).empty())
      << "more rows, and what does not affect the result";
  const auto told = changes(at.folder, at.numbered(2, {{"seed", "2"}}), at.claims);
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[0].what_happened, "row 1 was started with '1' and now has '2'");
  EXPECT_EQ(told[0].key, "seed");
  EXPECT_EQ(told[0].line, 1);
  EXPECT_EQ(told[2].what_happened, "row 3 ('a chair number 2') is no longer there, but it was started");
  const auto prompt = changes(at.folder, at.batch({"number 0", "other", "number 2"}, {{"seed", "1"}}), at.claims);
  ASSERT_EQ(prompt.size(), 1u);
  EXPECT_EQ(prompt[0].what_happened, "row 2 was started with 'a chair number 1'");
  // Made anew, with nothing left of what was there.
  write_file(at.folder.root / before.rows[0].name / "old.txt", "old");
  const Batch after = at.numbered(3, {{"seed", "2"}});
  at.run(after);
  EXPECT_EQ(at.lines("made.txt"), 6);
  EXPECT_FALSE(fs::exists(at.folder.root / before.rows[0].name / "old.txt"));
  EXPECT_EQ(count(at.views(after)).finished, 3);
}

TEST(BatchWork, TheFolderKnowsItsRows) {
  Fixture at;
  EXPECT_FALSE(load_batch(at.folder));
  const Batch batch = at.numbered(2, {{"seed", "1"}});
  save_batch(at.folder, batch);
  const auto loaded = load_batch(at.folder);
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->rows.size(), 2u);
  EXPECT_EQ(loaded->file, batch.file);
  EXPECT_EQ(loaded->rows[1].name, batch.rows[1].name);
  EXPECT_EQ(loaded->rows[1].key, batch.rows[1].key);
  EXPECT_EQ(loaded->rows[1].options, batch.rows[1].options);
  EXPECT_EQ(loaded->rows[1].steps, batch.rows[1].steps);
  for (const char* damaged : {"{}", "[", R"({"file":"a","config":"","rows":[{"name":"../up"}]})"}) {
    write_file(at.folder.batch_file(), damaged);
    EXPECT_THROW(load_batch(at.folder), UserError) << damaged;
  }
}

TEST(BatchReport, ShowsEveryRow) {
  Fixture at;
  const Batch batch = at.batch({"<b>&\"one\"", "that fails"}, {{"seed", "7"}});
  at.run(batch);
  Batch longer = batch;
  longer.rows.push_back({.number = 3, .name = "0003_later", .prompt = "later", .steps = 5});
  write_report(at.views(longer), at.folder.root);
  const std::string page = read_file(at.folder.root / "report.html");
  EXPECT_NE(page.find("a chair &lt;b&gt;&amp;&quot;one&quot;"), std::string::npos);
  EXPECT_EQ(page.find("<b>&"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_NE(page.find("href=\"0001_a_chair_b_one/test_six_views/6/sheet.png\""), std::string::npos) << page;
  EXPECT_NE(page.find("src=\"0001_a_chair_b_one/test_six_views/6/polar80_azimuth000.png\""), std::string::npos) << page;
  EXPECT_NE(page.find("1 finished, 1 failed, 1 waiting"), std::string::npos);
  EXPECT_NE(page.find("the prior knows no word of it"), std::string::npos);
  EXPECT_NE(page.find("<dt>seed</dt><dd>7</dd>"), std::string::npos);
  const auto summary = nlohmann::json::parse(read_file(at.folder.root / "summary.json"));
  EXPECT_EQ(summary["finished"], 1);
  EXPECT_EQ(summary["failed"], 1);
  EXPECT_EQ(summary["waiting"], 1);
  EXPECT_EQ(summary["rows"][0]["state"], "finished");
  EXPECT_EQ(summary["rows"][0]["sheet"], "0001_a_chair_b_one/test_six_views/6/sheet.png");
  EXPECT_EQ(summary["rows"][0]["picture"], "0001_a_chair_b_one/test_six_views/6/polar80_azimuth000.png");
  EXPECT_EQ(summary["rows"][0]["gaussians"], 1234);
  EXPECT_EQ(summary["rows"][1]["error"], "the prior knows no word of it");
  EXPECT_EQ(summary["rows"][2]["state"], "waiting");
  // Elsewhere the paths go up.
  EXPECT_NE(report_html(at.views(batch), at.temporary.path / "a b").find("src=\"../out/0001"), std::string::npos);
}

TEST(BatchSlurm, ScriptIsBashAndQuotesPaths) {
  Fixture at;
  const std::string script =
      sbatch_script({at.temporary.path / "it's here"},
                    {.program = "/opt/lucid/bin/lucid", .tasks = 7, .jobs = 2, .options = {"--partition=gpu"}});
  write_file(at.temporary.path / "batch.sbatch", script);
  EXPECT_EQ(std::system(("bash -n " + (at.temporary.path / "batch.sbatch").string()).c_str()), 0) << script;
  for (const char* line : {"#SBATCH --array=1-7\n", "#SBATCH --requeue\n", "#SBATCH --signal=B:USR1@120\n",
                           "#SBATCH --partition=gpu\n", "/it'\\''s here' --no-wait --no-retry", "--jobs 2"}) {
    EXPECT_NE(script.find(line), std::string::npos) << line << "\n" << script;
  }
}

}  // namespace
}  // namespace lucid::batch
