// SPDX-License-Identifier: Apache-2.0
// The handler of the two signals.
#include "stop_signal.h"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "command_line.h"

namespace lucid::cli {
namespace {

std::atomic<bool> stop_requested{false};  // a signal handler can reach nothing else

extern "C" void on_interrupt(int) {
  if (stop_requested.exchange(true)) _exit(kInterrupted);  // the second Ctrl-C does not wait for the step
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
