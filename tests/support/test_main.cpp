// SPDX-License-Identifier: Apache-2.0
// The main() of every test program. Its exit code says what happened, so that ctest needs no rule on the program's
// text: 0, tests ran and none failed; 77, every test was skipped; anything else, a failure: a test failed, no test
// matched the filter, or a test ended the process. LUCID_TEST_RESULTS names a file that gets one line a test, for
// tools/run_tests.sh.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

namespace {

constexpr int kSkipped = 77, kBroken = 2;

/// Counts what became of each test and writes it down at once, so that a crash loses none of it.
class Results : public testing::EmptyTestEventListener {
 public:
  explicit Results(const char* path) {
    if (path == nullptr || *path == '\0') return;
    std::error_code error;  // of the folder; opening the file shows it as well
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
    file_.open(path);
    cannot_write_ = !file_.is_open();
  }

  void OnTestEnd(const testing::TestInfo& test) override {
    const testing::TestResult& result = *test.result();
    const char* what = "passed";
    if (result.Failed()) {
      what = "failed";
    } else if (result.Skipped()) {
      what = "skipped";
      ++skipped_;
    }
    ++ended_;
    line(std::string(what) + '\t' + test.test_suite_name() + '.' + test.name() + '\t' + reason(result));
  }

  /// The process's exit code, given that of RUN_ALL_TESTS().
  int finish(int code) {
    if (code == 0 && ended_ == 0) {
      std::cerr << "no test ran: none matches --gtest_filter=" << testing::GTEST_FLAG(filter) << '\n';
      code = kBroken;
    }
    line("ended");
    if (cannot_write_) {
      std::cerr << "the file that LUCID_TEST_RESULTS names cannot be written\n";
      return kBroken;
    }
    return code == 0 && skipped_ == ended_ ? kSkipped : code;
  }

 private:
  void line(const std::string& text) {
    if (!file_.is_open()) return;
    file_ << text << std::endl;
    cannot_write_ = cannot_write_ || !file_;
  }

  static std::string reason(const testing::TestResult& result) {
    if (!result.Skipped()) return "";
    for (int i = 0; i < result.total_part_count(); ++i) {
      const testing::TestPartResult& part = result.GetTestPartResult(i);
      if (!part.skipped()) continue;
      std::string message = part.message();
      for (char& c : message) {
        if (c == '\n' || c == '\t') c = ' ';
      }
      // Newer releases of GoogleTest end it with a line break.
      const size_t last = message.find_last_not_of(' ');
      if (last != std::string::npos) return message.substr(0, last + 1);
    }
    return "no reason was given";
  }

  std::ofstream file_;
  bool cannot_write_ = false;
  int ended_ = 0, skipped_ = 0;
};

bool finished = false;
pid_t process = 0;

/// A test that calls exit(0) would end the program before the others ran, and nobody would see it. Children may exit.
void fail_unless_finished() {
  if (finished || getpid() != process) return;
  std::cerr << "a test ended the process by exit()" << std::endl;
  _exit(kBroken);
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1) {  // a misspelt filter would run everything
    std::cerr << "unknown option: " << argv[1] << '\n';
    return kBroken;
  }
  if (testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();
  auto* results = new Results(std::getenv("LUCID_TEST_RESULTS"));
  testing::UnitTest::GetInstance()->listeners().Append(results);  // which owns it
  process = getpid();
  std::atexit(fail_unless_finished);
  const int code = results->finish(RUN_ALL_TESTS());
  finished = true;
  return code;
}
