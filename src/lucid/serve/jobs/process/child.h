// SPDX-License-Identifier: Apache-2.0
// Child: a process that writes JSON lines to its standard output. A thread of its own starts it, reads it and waits for
// it, so the owner's thread never blocks.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace lucid::serve {

/// How a process ended.
struct Ending {
  int code = 0;              // exit status
  int signal = 0;            // that killed it; 0 = none
  std::string problem = {};  // why it could not be started; empty = it was
};

struct ChildPlan {
  std::vector<std::string> arguments;  // the first is the program's path
  std::filesystem::path log;  // stderr is appended; locked with flock() while the process or a child of it lives
  int nice = 0;               // added to the server's own
};

/// The callbacks are called through `post`, and not once the Child is gone.
struct ChildCallbacks {
  std::function<void(std::function<void()> task)> post;
  std::function<void(const nlohmann::json& line)> line;  // an object; other lines are left out
  std::function<void(const Ending& ending)> end;         // the last call
};

/// The process has a process group of its own, no input, and no descriptor but the three standard ones. It gets SIGINT
/// when this process ends, however it ends.
class Child {
 public:
  Child(ChildPlan plan, ChildCallbacks callbacks);
  ~Child();  // kill(), and waits for the end
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void interrupt();  // SIGINT, once: a second call does nothing
  void kill();       // SIGKILL to its process group
  bool was_killed() const;
  /// No callbacks from now on. Returns how the process ended, or nothing if it still works at that time.
  std::optional<Ending> wait_until(std::chrono::steady_clock::time_point time);

 private:
  struct State;
  std::shared_ptr<State> state_;
  std::thread thread_;
};

/// Whether a process works that a Child with this log has started, in this program or in one before.
bool log_is_in_use(const std::filesystem::path& log);

}  // namespace lucid::serve
