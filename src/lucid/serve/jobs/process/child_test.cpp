// SPDX-License-Identifier: Apache-2.0
// Child processes: what they inherit, how they are read, and how they end.
#include "lucid/serve/jobs/process/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <csignal>

#include "lucid/serve/jobs/fixture_test.h"
#include "lucid/serve/jobs/process/ending_text.h"
#include "lucid/serve/jobs/process/log.h"

namespace lucid::serve::test {
namespace {

struct ChildFixture {
  lucid::test::TemporaryFolder folder;
  fs::path log = folder.path / "log.txt";
  TestLoop loop;
  std::vector<nlohmann::json> lines;
  std::optional<Ending> ending;
  std::unique_ptr<Child> child;

  void start(const std::string& script, int nice = 0) {
    child = std::make_unique<Child>(
        ChildPlan{.arguments = {"/bin/bash", "-c", script, folder.path.string()}, .log = log, .nice = nice},
        ChildCallbacks{.post = loop.loop().post,
                       .line = [this](const nlohmann::json& line) { lines.push_back(line); },
                       .end = [this](const Ending& how) { ending = how; }});
  }
  bool ends(milliseconds patience = milliseconds(5000)) {
    return loop.run_until([&] { return ending.has_value(); }, patience);
  }
};

TEST(StudioChild, InheritsNothingButTheStandardDescriptors) {
  ChildFixture f;
  const int foreign = fcntl(STDERR_FILENO, F_DUPFD, 50);  // without FD_CLOEXEC
  ASSERT_GE(foreign, 50);
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto old_handler = signal(SIGINT, SIG_IGN);
  f.start(R"sh(cd "$0"
    ls /proc/$$/fd > descriptors.txt
    readlink /proc/$$/fd/0 > input.txt
    grep -E 'SigBlk|SigIgn' /proc/self/status > signals.txt
    cut -d' ' -f5 /proc/$$/stat > group.txt; echo $$ > id.txt
    nice > nice.txt)sh",
          3);
  ASSERT_TRUE(f.ends());
  signal(SIGINT, old_handler);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  close(foreign);
  EXPECT_TRUE(is_success(*f.ending));
  const std::string descriptors = read_file(f.folder.path / "descriptors.txt");
  EXPECT_EQ(descriptors.find("50"), std::string::npos) << descriptors;
  EXPECT_EQ(read_file(f.folder.path / "input.txt"), "/dev/null\n");
  const std::string signals = read_file(f.folder.path / "signals.txt");
  EXPECT_NE(signals.find("SigBlk:\t0000000000000000\n"), std::string::npos) << signals;
  constexpr uint64_t kNamed = 0x7fffffff;  // 1 to 31; 32 and 33 are the C library's own, which no program can set
  EXPECT_EQ(std::stoull(signals.substr(signals.find("SigIgn:") + 8), nullptr, 16) & kNamed, 0U) << signals;
  EXPECT_EQ(read_file(f.folder.path / "group.txt"), read_file(f.folder.path / "id.txt"));
  EXPECT_EQ(read_file(f.folder.path / "nice.txt"), fmt::format("{}\n", std::min(19, getpriority(PRIO_PROCESS, 0) + 3)));
}

TEST(StudioChild, EveryLineArrivesAndTheProcessWaitsForTheReader) {
  ChildFixture f;
  f.start("i=0; while [ $i -lt 5000 ]; do echo \"{\\\"i\\\":$i}\"; i=$((i+1)); done");
  std::this_thread::sleep_for(milliseconds(300));  // nobody reads
  EXPECT_LE(f.loop.waiting(), 70U);
  ASSERT_TRUE(f.ends());
  ASSERT_EQ(f.lines.size(), 5000U);
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(f.lines[static_cast<size_t>(i)]["i"], i);
}

TEST(StudioChild, LinesThatAreTooLongOrCutAreLeftOut) {
  ChildFixture f;
  f.start(
      "printf '{\"a\":\"'; head -c 100000 /dev/zero | tr '\\0' x; echo '\"}'; echo '{\"b\":2}'; printf '{\"c\":3}'");
  ASSERT_TRUE(f.ends());
  ASSERT_EQ(f.lines.size(), 1U);
  EXPECT_EQ(f.lines[0]["b"], 2);
}

TEST(StudioChild, AGrandchildThatHoldsThePipeIsNotWaitedFor) {
  ChildFixture f;
  f.start("sleep 3 & echo '{\"a\":1}'; exit 3");
  ASSERT_TRUE(f.ends(milliseconds(1500)));
  EXPECT_EQ(f.ending->code, 3);
  EXPECT_EQ(f.lines.size(), 1U);
  EXPECT_TRUE(log_is_in_use(f.log));  // by the grandchild
  f.child->kill();                    // too late for it: only a process that still works has a group to kill
  f.child.reset();
}

TEST(StudioChild, OneSigintAndNoMore) {
  ChildFixture f;
  f.start(
      "trap 'echo \"{\\\"got\\\":1}\"' INT; echo '{\"ready\":1}'; for i in 1 2 3 4 5; do sleep 0.05; done; exit 130");
  ASSERT_TRUE(f.loop.run_until([&] { return !f.lines.empty(); }));
  f.child->interrupt();
  std::this_thread::sleep_for(milliseconds(100));
  f.child->interrupt();
  ASSERT_TRUE(f.ends());
  EXPECT_EQ(f.lines.size(), 2U);
  EXPECT_TRUE(is_interrupted(*f.ending));
}

TEST(StudioChild, AnInterruptBeforeTheStartIsNotLost) {
  ChildFixture f;
  f.start("sleep 20");
  f.child->interrupt();
  ASSERT_TRUE(f.ends(milliseconds(3000)));
  EXPECT_TRUE(is_interrupted(*f.ending));
}

TEST(StudioChild, TheEndIsSaidInWords) {
  ChildFixture f;
  write_file(f.log, "lucid: of a run before\n");
  const int64_t begin = bytes_of(f.log);
  f.start("echo 'lucid: first' >&2; echo noise >&2; printf 'lucid: \\377 last\\n' >&2; exit 2");
  ASSERT_TRUE(f.ends());
  EXPECT_EQ(ending_text(*f.ending, f.log, begin), "\xEF\xBF\xBD last");
  EXPECT_EQ(messages(f.log, begin).size(), 2U);
  EXPECT_EQ(messages(f.log, 0).size(), 3U);
  EXPECT_NE(ending_text({.code = 5}, f.log, bytes_of(f.log)).find("status 5"), std::string::npos);
  EXPECT_NE(ending_text({.signal = SIGSEGV}, f.log, 0).find("signal 11"), std::string::npos);
}

TEST(StudioChild, ALogInUseRefusesASecondProcess) {
  ChildFixture f;
  f.start("echo '{\"ready\":1}'; sleep 20");
  ASSERT_TRUE(f.loop.run_until([&] { return !f.lines.empty(); }));
  EXPECT_TRUE(log_is_in_use(f.log));
  ChildFixture second;
  second.log = f.log;
  second.start("exit 0");
  ASSERT_TRUE(second.ends());
  EXPECT_NE(second.ending->problem.find("another process"), std::string::npos);
  const auto begin = std::chrono::steady_clock::now();
  f.child.reset();  // kills
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(2000));
  EXPECT_TRUE(f.loop.run_until([&] { return !log_is_in_use(f.log); }, milliseconds(1000)));
  EXPECT_FALSE(f.ending);  // no callback after the end of the Child
}

}  // namespace
}  // namespace lucid::serve::test
