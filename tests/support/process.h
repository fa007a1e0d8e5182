// SPDX-License-Identifier: Apache-2.0
// Runs `lucid` as a process of its own, for tests.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "goldens.h"
#include "lucid/base/atomic_file.h"

namespace lucid::test {
namespace fs = std::filesystem;

struct Outcome {
  int code = -1;
  std::string out, err;
  int64_t peak_bytes = 0;  // largest resident memory of the process, or of one of its children
};

/// A running `lucid` whose output goes to two files.
class Process {
 public:
  Process(const std::vector<std::string>& arguments, const TemporaryFolder& folder,
          const std::string& program = lucid_program())
      : out_(folder.path / "stdout.txt"), err_(folder.path / "stderr.txt") {
    pid_ = fork();
    if (pid_ != 0) return;
    redirect(out_, STDOUT_FILENO);
    redirect(err_, STDERR_FILENO);
    std::vector<char*> argv = {const_cast<char*>(program.c_str())};
    for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    execv(program.c_str(), argv.data());
    _exit(127);
  }
  void signal(int number) const { kill(pid_, number); }
  pid_t id() const { return pid_; }
  Outcome wait() const {
    int status = 0;
    rusage used{};
    wait4(pid_, &status, 0, &used);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status), lucid::read_file(out_),
            lucid::read_file(err_), int64_t{used.ru_maxrss} * 1024};
  }

 private:
  static void redirect(const fs::path& file, int descriptor) {
    const int opened = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    dup2(opened, descriptor);
  }
  fs::path out_, err_;
  pid_t pid_ = 0;
};

inline Outcome lucid_run(const std::vector<std::string>& arguments, const TemporaryFolder& folder) {
  return Process(arguments, folder).wait();
}

inline int count_lines(const std::string& text) { return static_cast<int>(std::ranges::count(text, '\n')); }

/// A mistake of the user: exit code 2 and one line on stderr that holds every one of `parts`.
inline void expect_one_line(const Outcome& outcome, const std::vector<std::string>& parts) {
  EXPECT_EQ(outcome.code, 2) << outcome.err;
  EXPECT_EQ(count_lines(outcome.err), 1) << outcome.err;
  for (const std::string& part : parts)
    EXPECT_NE(outcome.err.find(part), std::string::npos) << "'" << part << "' in: " << outcome.err;
}

}  // namespace lucid::test
