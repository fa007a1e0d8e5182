// SPDX-License-Identifier: Apache-2.0
// The handler of the two signals.
#include "stop_signal.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <ctime>
#include <thread>

#include "command_line.h"

namespace lucid::cli {
namespace {

// A signal handler can reach nothing else.
std::atomic<bool> stop_requested{false};
std::atomic<int64_t> first_at{0};  // milliseconds of the monotonic clock

int64_t milliseconds_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return 1000 * now.tv_sec + now.tv_nsec / 1'000'000;
}

extern "C" void on_interrupt(int) {
  constexpr int64_t kOneSignal = 500;  // milliseconds
  if (!stop_requested.exchange(true)) {
    first_at = milliseconds_now();
    prctl(PR_SET_PDEATHSIG, 0);  // the end of a parent sends it once for each of its threads
  } else if (milliseconds_now() - first_at > kOneSignal) {
    _exit(kInterrupted);  // the second Ctrl-C does not wait for the step
  }
}

}  // namespace

const std::atomic<bool>& install_stop_signal() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  return stop_requested;
}

void wait_for(const std::atomic<bool>& stop) {
  while (!stop) std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

}  // namespace lucid::cli
