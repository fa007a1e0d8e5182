// SPDX-License-Identifier: Apache-2.0
// For tests of Studio: a loop on the test's thread, and a shell script in place of `lucid`. Words of the prompt choose
// what the script does. Bash, because dash forgets a SIGINT that comes while it starts a command.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/serve/jobs/files/scan.h"
#include "lucid/serve/jobs/studio.h"

namespace lucid::serve::test {
namespace fs = std::filesystem;
using std::chrono::milliseconds;

/// Tasks run in run_until(), on the thread that calls it.
class TestLoop {
 public:
  using Clock = std::chrono::steady_clock;
  Loop loop() {
    return {.post = [this](std::function<void()> task) { add(Clock::now(), std::move(task)); },
            .after = [this](milliseconds delay,
                            std::function<void()> task) { add(Clock::now() + delay, std::move(task)); }};
  }
  /// Whether `done` became true in time.
  bool run_until(const std::function<bool()>& done, milliseconds patience = milliseconds(10'000)) {
    const Clock::time_point end = Clock::now() + patience;
    while (!done()) {
      if (Clock::now() > end) return false;
      if (!run_one()) std::this_thread::sleep_for(milliseconds(1));
    }
    return true;
  }
  size_t waiting() {
    const std::lock_guard lock(mutex_);
    return tasks_.size();
  }
  void run_for(milliseconds time) {
    run_until([] { return false; }, time);
  }

 private:
  struct Task {
    Clock::time_point due;
    std::function<void()> call;
  };
  void add(Clock::time_point due, std::function<void()> call) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back({due, std::move(call)});
  }
  bool run_one() {
    std::function<void()> call;
    {
      const std::lock_guard lock(mutex_);
      const auto at = std::ranges::find_if(tasks_, [now = Clock::now()](const Task& task) { return task.due <= now; });
      if (at == tasks_.end()) return false;
      call = std::move(at->call);
      tasks_.erase(at);
    }
    call();
    return true;
  }
  std::mutex mutex_;
  std::deque<Task> tasks_;
};

inline constexpr const char* kFakeProgram = R"sh(#!/bin/bash
echo "$@" >> "$(dirname "$0")/calls.txt"
command=$1; shift
total=6
for word; do
  case $word in
    --output=*) out=${word#*=} ;;
    --workspace=*) id=${word#*=} ;;
    --live=*) live=${word#*=} ;;
    --iterations=*) total=${word#*=} ;;
    --more-steps=*) more=${word#*=} ;;
    --resume) resume=1 ;;
    --finish) finish=1 ;;
    --title=*) title=${word#*=} ;;
    --to=*) to=${word#*=} ;;
  esac
  prompt=$word
done

if [ "$command" = export ]; then
  nice > "$(dirname "$0")/nice.txt"
  file=${2#*:}
  echo '{"event":"stage","what":"export","stage":"marching cubes"}'
  echo "{\"event\":\"stage\",\"what\":\"export\",\"stage\":\"writing $file\"}"
  cp "$1" "$file"
  case $title in
    *badexport*) echo "lucid: no surface was found" >&2; exit 2 ;;
    *slowexport*) sleep 0.3 ;;
  esac
  case $file in *.obj) echo mtl > "${file%.obj}.mtl"; echo png > "${file%.obj}.png" ;; esac
  exit 0
fi
if [ "$command" = render ]; then
  case $(cat "$1") in *badrender*) echo "lucid: no such picture" >&2; exit 2 ;; esac
  { echo "PNG"; cat "$1"; } > "$3"
  exit 0
fi

if [ "$command" = edit ]; then
  asset=$prompt prompt=$to
  [ -e "$asset" ] || { echo "lucid: $asset: does not exist" >&2; exit 2; }
fi
dir=$out/$id
mkdir -p "$dir/checkpoints"
step=0
if [ "$resume" ]; then
  for file in "$dir"/checkpoints/step_*.safetensors; do
    [ -e "$file" ] || continue
    step=${file##*step_}; step=${step%.safetensors}
    while [ "${step#0}" != "$step" ] && [ "$step" != 0 ]; do step=${step#0}; done
  done
fi
total=$((total + ${more:-0}))
save() {
  rm -f "$dir"/checkpoints/*
  echo state > "$dir/checkpoints/$(printf 'step_%06d.safetensors' "$step")"
}
results() {
  echo "{\"event\":\"stage\",\"what\":\"$id\",\"stage\":\"writing results\"}"
  mkdir -p "$dir/point_cloud/iteration_$step" "$dir/test_six_views/$step"
  echo "points $prompt" > "$dir/point_cloud/iteration_$step/point_cloud.ply"
  echo sheet > "$dir/test_six_views/$step/sheet.png"
  echo view > "$dir/test_six_views/$step/polar80_azimuth000.png"
  [ "$command" = edit ] && echo "before: $(cat "$asset")" > "$dir/before_after.png"
  save
  echo "{\"prompt\":\"$prompt\",\"seed\":0,\"iterations\":$step,\"gaussians\":1234,\"seconds\":1.5}" > "$dir/manifest.json"
}
trap 'stop=1' INT
trap '' PIPE  # the server may be gone
case $prompt in
  *unknown*) echo "lucid: the prior does not know the word 'unknown'" >&2 ;;
  *fails*) echo "starting" >&2; echo "lucid: the prior knows no word of it" >&2; exit 2 ;;
  *deaf*) trap '' INT ;;
  *noise*)
    echo 'no json'; echo '{"event":"step","step":"four"}'; echo '{"event":"step","step":1e300}'
    echo '{"event":"step","step":-3}'; echo '[[[['; echo '{"event":7}'; echo '{"event":"step","step":2,"score":nan}'
    head -c 300000 /dev/zero | tr '\0' 'x'; echo; printf '{"event":"stage","stage":"\377\376"}\n' ;;
esac
if [ "$finish" ]; then results; exit 0; fi
while [ "$step" -lt "$total" ]; do
  if [ "$stop" ]; then
    case $prompt in *slowly*) sleep 1.5 ;; esac
    save; exit 130
  fi
  step=$((step + 1))
  echo "{\"event\":\"step\",\"what\":\"$id\",\"step\":$step,\"total\":$total,\"rate\":2.5,\"seconds_left\":90,\"score\":0.5,\"gaussians\":1000}"
  if [ -e "$live.watched" ]; then
    printf 'LSPL\001\000\000\000\000\000\000\000\003\000\000\000\006\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000' > "$live.new"
    mv "$live.new" "$live"
  fi
  case $prompt in
    *crashes*) [ $step = 3 ] && save; [ $step = 5 ] && [ ! "$resume" ] && kill -9 $$ ;;
  esac
  sleep 0.01
done
results
)sh";

/// A folder with the script, and a Studio on its folder "out".
struct Fixture {
  lucid::test::TemporaryFolder folder;
  fs::path output = folder.path / "out", program = folder.path / "lucid";
  TestLoop test_loop;
  std::vector<std::string> told;  // "ID STATE" at each change of state
  std::vector<std::string> removed, exports_told;
  std::unique_ptr<Studio> studio;

  Fixture() {
    write_file(program, kFakeProgram);
    fs::permissions(program, fs::perms::owner_all);
    open();
  }
  StudioOptions options() const { return {.output = output, .program = program}; }
  void open(StudioOptions with) {
    studio = std::make_unique<Studio>(
        std::move(with), test_loop.loop(),
        StudioCallbacks{
            .changed =
                [this](const Run& run) {
                  const std::string text = run.id + " " + name_of(run.state);
                  if (told.empty() || told.back() != text) told.push_back(text);
                },
            .removed = [this](const std::string& id) { removed.push_back(id); },
            .export_changed = [this](const std::string& id,
                                     const Export& value) { exports_told.push_back(id + " " + value.format); }});
  }
  void open() { open(options()); }
  void reopen() {
    studio.reset();
    open();
  }
  std::string make(const std::string& prompt, std::map<std::string, std::string> given = {}) {
    return studio->make({.prompt = prompt, .options = std::move(given)}, "").run.id;
  }
  /// A run that goes on until it is stopped.
  std::string make_long(const std::string& prompt, std::map<std::string, std::string> given = {}) {
    given["iterations"] = "100000";
    return make(prompt, std::move(given));
  }
  bool reaches(const std::string& id, State state, milliseconds patience = milliseconds(10'000)) {
    const bool reached = test_loop.run_until([&] { return studio->run(id).state == state; }, patience);
    EXPECT_TRUE(reached) << id << " is " << name_of(studio->run(id).state) << " and not " << name_of(state) << ": "
                         << studio->run(id).error.value_or("");
    return reached;
  }
  bool gets_to(const std::string& id, int64_t step) {
    return test_loop.run_until([&] { return studio->run(id).step >= step; });
  }
  std::string calls() const { return read_file(folder.path / "calls.txt"); }
};

/// The problem that `action` throws; fails the test if it throws none.
inline http::Problem problem_from(const std::function<void()>& action) {
  try {
    action();
  } catch (const http::ProblemError& error) {
    return error.problem();
  }
  ADD_FAILURE() << "no ProblemError was thrown";
  return {};
}

inline bool holds(const std::vector<std::string>& list, const std::string& value) {
  return std::ranges::find(list, value) != list.end();
}

}  // namespace lucid::serve::test
