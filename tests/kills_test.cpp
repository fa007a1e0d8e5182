// SPDX-License-Identifier: Apache-2.0
// Kills and faults: a tiny run of the program is killed, or one of its system calls fails, at every call that changes a
// file and at random instants; it is resumed, and must then equal an unbroken run byte for byte. tools/kill_runs.sh
// runs the full form, of 1000 kills and more; the suite a short one.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <span>
#include <sstream>
#include <thread>

#include "faults/event_records.h"
#include "goldens.h"
#include "process.h"

namespace {
namespace fs = std::filesystem;
using lucid::test::Outcome;
using lucid::test::Process;
using lucid::test::TemporaryFolder;

constexpr int kKilled = 1000 + SIGKILL;

/// Kills of the full form; 0: the short form.
int wanted_kills() {
  const char* value = std::getenv("LUCID_KILLS");
  return value == nullptr ? 0 : std::atoi(value);
}

/// A run that goes through everything that a run does: sheets, frames, densification, refining, films, an export.
std::vector<std::string> tiny_run(const fs::path& output, bool resumes) {
  std::vector<std::string> words = {"generate",
                                    "--output",
                                    output.string(),
                                    "--workspace",
                                    "w",
                                    "--prior",
                                    (lucid::test::goldens() / "sd/tiny-sd1").string()};
  for (const char* word : {"--threads",
                           "1",
                           "--iterations",
                           "6",
                           "--refine-iter",
                           "1",
                           "--refine-views",
                           "2",
                           "--refine-fit-steps",
                           "2",
                           "--warmup-iter",
                           "3",
                           "--image-w",
                           "32",
                           "--image-h",
                           "32",
                           "--init-num-pts",
                           "80",
                           "--vis-interval",
                           "3",
                           "--pro-frames-num",
                           "3",
                           "--turntable-frames",
                           "4",
                           "--batch-size",
                           "1",
                           "--densify-from-iter",
                           "1",
                           "--densification-interval",
                           "2",
                           "--no-render-45",
                           "--checkpoint-interval",
                           "1",
                           "--export",
                           "spz",
                           "--progress",
                           "json"})
    words.emplace_back(word);
  if (resumes) words.emplace_back("--resume");
  words.emplace_back("a mug");
  return words;
}

/// What the preloaded library is to do (faults/fault_calls.cpp).
struct Fault {
  std::string what;  // "before", "ENOSPC" and so on; empty: count alone
  int at = 0;
  std::string call = "";
};

/// The program in an output folder of its own.
class Bench {
 public:
  explicit Bench(const TemporaryFolder& folder) : folder_(folder) {}

  Process start(const fs::path& output, bool resumes, const Fault& fault = {}) const {
    std::vector<std::string> words = {
        "LD_PRELOAD=" LUCID_FAULT_LIBRARY,
        "LUCID_FAULT_BELOW=" + output.string(),
        "LUCID_FAULT=" + fault.what,
        "LUCID_FAULT_CALL=" + fault.call,
        fmt::format("LUCID_FAULT_AT={}", fault.at),
        fault.what.empty() ? "LUCID_FAULT_LOG=" + log().string() : std::string("LUCID_FAULT_LOG="),
        "OMP_NUM_THREADS=1",
        lucid::test::lucid_program()};
    for (const std::string& word : tiny_run(output, resumes)) words.push_back(word);
    return Process(words, folder_, "/usr/bin/env");
  }
  Outcome run(const fs::path& output, bool resumes, const Fault& fault = {}) const {
    return start(output, resumes, fault).wait();
  }
  fs::path log() const { return folder_.path / "calls.txt"; }

 private:
  const TemporaryFolder& folder_;
};

/// A run's files as text that two equal runs have in common.
std::map<std::string, std::string> contents(const fs::path& run) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = fs::relative(entry.path(), run).string();
    if (name.starts_with("events.")) continue;
    std::string bytes = lucid::read_file(entry.path());
    if (name == "manifest.json") {
      auto manifest = nlohmann::json::parse(bytes);
      for (const char* key : {"seconds", "stage_seconds", "peak_mb", "steps_of_last_process", "outputs_sha256"})
        manifest.erase(key);
      manifest["options"].erase("resume");
      manifest["options"].erase("output");
      bytes = manifest.dump();
    } else if (name == "effective_config.yaml") {
      std::istringstream lines(bytes);
      bytes.clear();
      for (std::string line; std::getline(lines, line);)
        if (!line.starts_with("resume:") && !line.starts_with("output:")) bytes += line + "\n";
    }
    files[name] = bytes;
  }
  std::string& events = files["events"];
  for (const auto& [step, record] : lucid::test::event_records(run)) events += fmt::format("{} {}\n", step, record);
  return files;
}

/// How a run differs from the unbroken one; empty where it does not.
std::string difference(const std::map<std::string, std::string>& whole, const fs::path& run) {
  std::vector<std::string> names;
  const auto found = contents(run);
  for (const auto& [name, bytes] : whole) {
    const auto at = found.find(name);
    if (at == found.end()) {
      names.push_back(name + " is missing");
    } else if (at->second != bytes) {
      names.push_back(name + " differs");
    }
  }
  for (const auto& [name, bytes] : found)
    if (!whole.contains(name)) names.push_back(name + " is left over");
  return fmt::format("{}", fmt::join(names, ", "));
}

/// The unbroken run, and its calls by kind.
struct Whole {
  std::map<std::string, std::string> files;
  std::map<std::string, int> calls;
  int all = 0;
  double seconds = 0;

  Whole(const Bench& bench, const fs::path& output) {
    const auto begin = std::chrono::steady_clock::now();
    const Outcome outcome = bench.run(output, false);
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    files = contents(output / "w");
    std::istringstream lines(lucid::read_file(bench.log()));
    std::string number, kind;
    for (std::string line; std::getline(lines, line); ++all) {
      std::istringstream(line) >> number >> kind;
      ++calls[kind];
    }
  }
};

/// Counts of what was done, printed at the end.
struct Counts {
  int kills = 0, faults = 0, resumed = 0, different = 0;
  void print(const char* what) const {
    fmt::print("{}: {} kills, {} faults, {} resumed runs compared, {} different\n", what, kills, faults, resumed,
               different);
    std::fflush(stdout);
  }
};

class Kills : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const TemporaryFolder folder;
    whole_ = std::make_unique<Whole>(Bench(folder), folder.path / "whole");
  }
  static void TearDownTestSuite() { whole_ = nullptr; }

  static std::unique_ptr<Whole> whole_;
  TemporaryFolder folder_;
  Bench bench_{folder_};
  Counts counts_;
  int next_ = 0;

  fs::path new_output() { return folder_.path / fmt::format("run{}", next_++); }

  /// Resumes until the run ends, and compares.
  void finish_and_compare(const fs::path& output, const std::string& after) {
    const Outcome outcome = bench_.run(output, true, {.what = "none"});
    ++counts_.resumed;
    const std::string found = outcome.code != 0 ? fmt::format("exit code {}: {}", outcome.code, outcome.err)
                                                : difference(whole_->files, output / "w");
    if (!found.empty()) ++counts_.different;
    EXPECT_EQ(found, "") << after;
    fs::remove_all(output);
  }
};

std::unique_ptr<Whole> Kills::whole_;

/// `count` numbers of 1 ... last, spread evenly.
std::vector<int> spread(int count, int last) {
  std::vector<int> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(1 + static_cast<int>((int64_t{2} * i + 1) * last / (2 * count)));
  return numbers;
}

TEST_F(Kills, AtEveryWriteBoundary) {
  const char* const moments[] = {"before", "inside", "after"};
  ASSERT_GT(whole_->all, 100) << "the library was not preloaded";
  const bool full = wanted_kills() > 0;
  std::mt19937 random(1);
  // Full: each boundary at all three moments. Short: a few, at one of them each.
  for (const int at : spread(full ? whole_->all : 5, whole_->all)) {
    for (const char* moment : moments) {
      if (!full && moment != moments[at % 3]) continue;
      const fs::path output = new_output();
      const std::string after = fmt::format("killed {} call {}", moment, at);
      EXPECT_EQ(bench_.run(output, false, {.what = moment, .at = at}).code, kKilled) << after;
      ++counts_.kills;
      // One in three is killed again, somewhere in the run that resumes it.
      const int again = 1 + static_cast<int>(random() % static_cast<unsigned>(whole_->all));
      const bool twice = full && moment == moments[1];
      if (twice && bench_.run(output, true, {.what = moment, .at = again}).code == kKilled) ++counts_.kills;
      finish_and_compare(output, after);
      if (full && counts_.resumed % 50 == 0) counts_.print("so far, at write boundaries");
    }
  }
  counts_.print("at write boundaries");
}

TEST_F(Kills, AtRandomInstants) {
  const int wanted = wanted_kills() > 0 ? std::max(200, wanted_kills() / 3) : 2;
  std::mt19937 random(2);
  std::uniform_real_distribution<double> share(0, 1);
  while (counts_.kills < wanted) {
    const fs::path output = new_output();
    int code = kKilled;
    for (int i = 0; i < 4 && code == kKilled; ++i) {  // a chain of kills, each in the run that resumes the last
      const Process process = bench_.start(output, i > 0, {.what = "none"});
      std::this_thread::sleep_for(std::chrono::duration<double>(share(random) * whole_->seconds));
      process.signal(SIGKILL);
      code = process.wait().code;
      if (code == kKilled) ++counts_.kills;
    }
    finish_and_compare(output, "killed at random instants");
  }
  counts_.print("at random instants");
}

/// A call that fails is said in one line and loses nothing but the steps since the last checkpoint.
TEST_F(Kills, CallsThatFail) {
  const bool full = wanted_kills() > 0;
  const std::pair<const char*, const char*> kinds[] = {{"ENOSPC", "write"}, {"EIO", "fsync"}, {"EIO", "rename"},
                                                       {"ENOSPC", "open"},  {"EIO", "open"},  {"EIO", "write"}};
  for (const auto& [what, call] : std::span(kinds, full ? 6 : 3)) {
    for (const int at : spread(full ? 25 : 1, whole_->calls[call])) {
      const fs::path output = new_output();
      const std::string after = fmt::format("{} in {} {}", what, call, at);
      const Outcome outcome = bench_.run(output, false, {.what = what, .at = at, .call = call});
      ++counts_.faults;
      SCOPED_TRACE(after);
      EXPECT_EQ(outcome.code, 2) << outcome.err;
      const char* said = std::string(what) == "ENOSPC" ? "No space left on device" : "Input/output error";
      EXPECT_NE(outcome.err.find(said), std::string::npos) << outcome.err;
      finish_and_compare(output, after);
    }
  }
  counts_.print("calls that fail");
}

/// A signal or a short write is no failure at all.
TEST_F(Kills, CallsThatAreInterrupted) {
  const bool full = wanted_kills() > 0;
  for (const auto& [what, call] :
       {std::pair{"short", "write"}, {"EINTR", "write"}, {"EINTR", "open"}, {"EINTR", "fsync"}, {"EINTR", "rename"}}) {
    for (const int at : spread(full ? 25 : 1, whole_->calls[call])) {
      const fs::path output = new_output();
      const Outcome outcome = bench_.run(output, false, {.what = what, .at = at, .call = call});
      ++counts_.faults;
      EXPECT_EQ(outcome.code, 0) << what << " in " << call << " " << at << ": " << outcome.err;
      if (outcome.code != 0) continue;
      EXPECT_EQ(difference(whole_->files, output / "w"), "") << what << " in " << call << " " << at;
      fs::remove_all(output);
    }
  }
  counts_.print("calls that are interrupted");
}

/// Slurm, systemd and `timeout` send SIGTERM.
TEST_F(Kills, SigtermSavesAsCtrlCDoes) {
  const fs::path output = new_output();
  const Process process = bench_.start(output, false, {.what = "none"});
  const fs::path out = folder_.path / "stdout.txt";  // a line a step
  for (int i = 0; i < 2000 && (!fs::exists(out) || fs::file_size(out) == 0); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  process.signal(SIGTERM);
  const Outcome outcome = process.wait();
  EXPECT_EQ(outcome.code, 130) << outcome.err;
  EXPECT_NE(outcome.err.find("--resume"), std::string::npos) << outcome.err;
  EXPECT_FALSE(fs::is_empty(output / "w/checkpoints"));
  finish_and_compare(output, "a signal");
}

}  // namespace
