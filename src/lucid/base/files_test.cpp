// SPDX-License-Identifier: Apache-2.0
// Tests of atomic file writes, SHA-256 digests and the one-line format of user errors.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "goldens.h"
#include "lucid/base/append_file.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/sha256.h"

namespace lucid {
namespace {

size_t files_in(const std::filesystem::path& folder) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) count += entry.is_regular_file() ? 1 : 0;
  return count;
}

TEST(AtomicFile, WritesReadsAndMakesFolders) {
  const test::TemporaryFolder folder;
  const auto file = folder.path / "a" / "b.txt";
  write_file(file, "one");
  write_file(file, "two");
  EXPECT_EQ(read_file(file), "two");
  EXPECT_EQ(files_in(file.parent_path()), 1u);
}

TEST(AtomicFile, AFailedWriteLeavesTheOldFileAndNothingElse) {
  const test::TemporaryFolder folder;
  const auto file = folder.path / "keep.bin";
  write_file(file, "precious");
  rlimit old_limit{};
  getrlimit(RLIMIT_FSIZE, &old_limit);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, old_limit.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(write_file(file, std::string(100000, 'x')), UserError);  // as on a full disk
  setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(read_file(file), "precious");
  EXPECT_EQ(files_in(folder.path), 1u);
}

/// Does the system's calls and notes them by what they were asked of; `fsync_error` makes every fsync fail.
class NotedCalls {
 public:
  DurabilityCalls calls() {
    return {.fsync = [this](int file) { return fsync(file); },
            .rename =
                [this](const char* from, const char* to) {
                  done.push_back("rename " + name(from) + " to " + name(to));
                  return ::rename(from, to);
                }};
  }
  std::vector<std::string> done;
  int fsync_error = 0;

 private:
  static std::string name(const std::filesystem::path& path) {
    return path.extension() == ".txt" && path.filename() != "file.txt" ? "temporary" : path.filename().string();
  }
  int fsync(int file) {
    const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file));
    done.push_back("fsync " + name(path));
    if (std::filesystem::is_regular_file(path)) done.back() += " with '" + read_file(path) + "'";
    if (fsync_error == 0) return ::fsync(file);
    errno = fsync_error;
    return -1;
  }
};

TEST(AtomicFile, TheFileIsOnTheDiskBeforeItsNameAndThenTheFolder) {
  const test::TemporaryFolder folder;
  NotedCalls noted;
  write_file(folder.path / "folder/file.txt", "whole", noted.calls());
  EXPECT_EQ(noted.done,
            (std::vector<std::string>{"fsync temporary with 'whole'", "rename temporary to file.txt", "fsync folder"}));
  EXPECT_EQ(read_file(folder.path / "folder/file.txt"), "whole");
}

TEST(AtomicFile, AFailedFsyncIsAFailedWrite) {
  const test::TemporaryFolder folder;
  const auto file = folder.path / "file.txt";
  write_file(file, "precious");
  NotedCalls noted;
  noted.fsync_error = EIO;
  EXPECT_THROW(write_file(file, "lost", noted.calls()), UserError);
  EXPECT_EQ(noted.done.size(), 1u) << "it was renamed all the same";
  EXPECT_EQ(read_file(file), "precious");
  EXPECT_EQ(files_in(folder.path), 1u);
  noted.fsync_error = EINVAL;  // a file system without fsync
  write_file(file, "written", noted.calls());
  EXPECT_EQ(read_file(file), "written");
}

TEST(AtomicFile, WhatKilledProcessesLeftIsRemovedAndNothingElse) {
  const test::TemporaryFolder folder;
  const auto file = folder.path / "a/step.safetensors";
  write_file(file, "whole");
  const auto left = temporary_name(file), bare = temporary_name(folder.path / "bare");
  for (const auto& each : {left, bare}) write_file(each, "half");
  const std::string living = ".file." + std::to_string(getppid()) + ".part.txt";
  for (const char* other : {".part", ".12.parts", ".x.part.txt", "b.12.part.txt", "12.part", living.c_str()})
    write_file(folder.path / other, "somebody's");
  remove_unfinished_files(folder.path);
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_FALSE(std::filesystem::exists(bare));
  EXPECT_EQ(files_in(folder.path), 6u);
  EXPECT_EQ(read_file(file), "whole");
  remove_unfinished_files(folder.path / "none");
}

TEST(AtomicFile, InterruptedCallsAreRepeated) {
  const test::TemporaryFolder folder;
  const auto file = folder.path / "file.txt";
  int interruptions = 2;
  const auto calls = DurabilityCalls::of_system();
  const auto interrupted = [&] {
    errno = EINTR;
    return interruptions-- > 0;
  };
  write_file(file, "whole",
             {.fsync = [&](int f) { return interrupted() ? -1 : calls.fsync(f); },
              .rename = [&](const char* from, const char* to) { return interrupted() ? -1 : calls.rename(from, to); }});
  EXPECT_EQ(read_file(file), "whole");
  EXPECT_LT(interruptions, 0);
}

TEST(AppendFile, GrowsAndNeverOpensAnotherOnesFile) {
  const test::TemporaryFolder folder;
  bool created = false;
  AppendFile log(folder.path / "log", created);
  EXPECT_TRUE(created);
  log.append("one");
  log.append("two");
  log.sync();
  EXPECT_EQ(read_file(folder.path / "log"), "onetwo");
  AppendFile other(folder.path / "log", created);
  EXPECT_FALSE(created);
  cut_file(folder.path / "log", 3);
  log.append("!");
  EXPECT_EQ(read_file(folder.path / "log"), "one!");
  EXPECT_THROW(AppendFile(folder.path / "none/log", created), UserError);
  EXPECT_THROW(cut_file(folder.path / "none", 0), UserError);
}

TEST(AtomicFile, MissingFileFolderAndLimitAreTheUsersMistakes) {
  const test::TemporaryFolder folder;
  EXPECT_THROW(read_file(folder.path / "none"), UserError);
  EXPECT_THROW(read_file(folder.path), UserError);
  write_file(folder.path / "long", "12345");
  EXPECT_THROW(read_file(folder.path / "long", 4), UserError);
  EXPECT_THROW(write_file("/proc/lucid/none", "x"), UserError);
}

TEST(Sha256, KnownAnswer) {
  const test::TemporaryFolder folder;
  write_file(folder.path / "abc", "abc");
  const std::string expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(sha256_of_file(folder.path / "abc"), expected);
  EXPECT_EQ(sha256_of_bytes("abc"), expected);
}

TEST(UserMistake, ReadsOnOneLine) {
  EXPECT_EQ(one_line({.what_happened = "broke", .file = "f", .key = "k", .line = 3, .hint = "mend it"}),
            "f:3: k: broke (mend it)");
  EXPECT_EQ(one_line({.what_happened = "a\nb\x1b[31m"}), "a\\x0ab\\x1b[31m");
}

}  // namespace
}  // namespace lucid
