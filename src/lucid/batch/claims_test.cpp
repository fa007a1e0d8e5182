// SPDX-License-Identifier: Apache-2.0
// Claims: one owner at a time, whatever happens to owners.
#include "lucid/batch/claims.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <vector>

#include "goldens.h"
#include "lucid/base/atomic_file.h"

namespace lucid::batch {
namespace {
using std::chrono::milliseconds;

/// Sets the time of a claim's file into the past.
void age(const std::filesystem::path& file, int seconds) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  now.tv_sec -= seconds;
  const timespec times[2] = {now, now};
  ASSERT_EQ(utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
}

void replace(const std::filesystem::path& file, const std::string& from, const std::string& to) {
  std::string text = read_file(file);
  const size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << text;
  write_file(file, text.replace(at, from.size(), to));
}

TEST(Claims, HoldWhatWasWritten) {
  const test::TemporaryFolder folder;
  const Claims claims(folder.path);
  EXPECT_FALSE(claims.newest("row"));
  Claim mine{.key = "k", .step = 3, .seconds = 1.5, .deaths = 1};
  ASSERT_TRUE(claims.take(mine, "row", 0));
  EXPECT_EQ(mine.number, 1);
  mine.state = State::kFailed;
  mine.error = "no \xff memory";
  ASSERT_TRUE(claims.renew(mine));
  const auto read = claims.newest("row");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->state, State::kFailed);
  EXPECT_EQ(read->key, "k");
  EXPECT_EQ(read->step, 3);
  EXPECT_EQ(read->seconds, 1.5);
  EXPECT_EQ(read->deaths, 1);
  EXPECT_EQ(read->number, 1);
  EXPECT_NE(read->error.find("memory"), std::string::npos);
  EXPECT_EQ(read->process, getpid());
}

TEST(Claims, ManyThreadsGetARowOnce) {
  const test::TemporaryFolder folder;
  for (int before = 0; before < 20; ++before) {
    std::atomic<int> winners{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        const Claims claims(folder.path);
        Claim mine;
        if (claims.take(mine, "row", before)) ++winners;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(winners, 1);
  }
}

TEST(Claims, AnOwnerOfThisMachineIsAliveAsLongAsItsProcess) {
  const test::TemporaryFolder folder;
  const Claims claims(folder.path, milliseconds(100));
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t owner = fork();
  if (owner == 0) {
    Claim mine;
    const bool taken = Claims(folder.path).take(mine, "row", 0);
    [[maybe_unused]] const ssize_t written = write(ready[1], taken ? "y" : "n", 1);
    pause();
    _exit(0);
  }
  char answer = 0;
  ASSERT_EQ(read(ready[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  age(folder.path / "row.1", 1000);  // an owner that sleeps
  EXPECT_TRUE(claims.is_here(*claims.newest("row")));
  EXPECT_FALSE(claims.is_dead(*claims.newest("row")));
  kill(owner, SIGKILL);
  while (!claims.is_dead(*claims.newest("row"))) usleep(1000);  // it is a zombie until it is waited for
  waitpid(owner, nullptr, 0);
  EXPECT_TRUE(claims.is_dead(*claims.newest("row")));
  // Its id is another process's now.
  replace(folder.path / "row.1", "\"process\": " + std::to_string(owner), "\"process\": " + std::to_string(getpid()));
  EXPECT_TRUE(claims.is_dead(*claims.newest("row")));
  close(ready[0]);
  close(ready[1]);
}

TEST(Claims, AnOwnerElsewhereIsAliveAsLongAsItRenews) {
  const test::TemporaryFolder folder;
  const Claims claims(folder.path, std::chrono::seconds(50));
  Claim mine{.key = "k"};
  ASSERT_TRUE(claims.take(mine, "row", 0));
  replace(folder.path / "row.1", "\"machine\": \"", "\"machine\": \"other ");
  EXPECT_FALSE(claims.is_here(*claims.newest("row")));
  age(folder.path / "row.1", 40);
  EXPECT_FALSE(claims.is_dead(*claims.newest("row")));
  age(folder.path / "row.1", 60);
  EXPECT_TRUE(claims.is_dead(*claims.newest("row")));
  ASSERT_TRUE(claims.renew(mine));
  EXPECT_FALSE(claims.is_dead(*claims.newest("row")));
}

TEST(Claims, OneThatSleptFindsThatTheRowIsAnothers) {
  const test::TemporaryFolder folder;
  const Claims claims(folder.path);
  Claim first, second;
  ASSERT_TRUE(claims.take(first, "row", 0));
  ASSERT_TRUE(claims.renew(first));
  ASSERT_TRUE(claims.take(second, "row", 1));
  second.step = 7;
  ASSERT_TRUE(claims.renew(second));
  EXPECT_FALSE(claims.renew(first));
  EXPECT_EQ(claims.newest("row")->step, 7);
  EXPECT_FALSE(claims.take(first, "row", 0)) << "an old claim was replaced";
}

TEST(Claims, AnEmptyClaimIsSomebodysUntilItIsStale) {
  const test::TemporaryFolder folder;
  const Claims claims(folder.path, std::chrono::seconds(50));
  write_file(folder.path / "row.1", "");  // its owner was killed before it wrote
  ASSERT_TRUE(claims.newest("row"));
  EXPECT_EQ(claims.newest("row")->state, State::kWorking);
  EXPECT_FALSE(claims.is_dead(*claims.newest("row")));
  age(folder.path / "row.1", 60);
  EXPECT_TRUE(claims.is_dead(*claims.newest("row")));
}

}  // namespace
}  // namespace lucid::batch
