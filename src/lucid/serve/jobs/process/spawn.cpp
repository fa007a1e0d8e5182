// SPDX-License-Identifier: Apache-2.0
// Everything is prepared before fork(): between fork() and exec() the child only makes system calls, since another
// thread may have held any lock.
#include "lucid/serve/jobs/process/spawn.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

namespace lucid::serve {
namespace {

[[noreturn]] void become(const Spawn& spawn, char* const* arguments, const std::string& complaint, pid_t parent) {
  constexpr int kCannotExecute = 127, kInterrupted = 130;
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);  // a shell may have had SIGINT ignored
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGINT);
  if (getppid() != parent) _exit(kInterrupted);  // it ended before prctl()
  dup2(spawn.input, STDIN_FILENO);
  dup2(spawn.output, STDOUT_FILENO);
  dup2(spawn.error, STDERR_FILENO);
  syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0U);
  if (spawn.nice != 0) setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + spawn.nice);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execv(arguments[0], arguments);
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, complaint.data(), complaint.size());
  _exit(kCannotExecute);
}

}  // namespace

pid_t spawn(const Spawn& spawn) {
  std::vector<char*> arguments;
  for (const std::string& argument : spawn.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const std::string complaint =
      "lucid: " + spawn.arguments.front() + ": cannot be executed (it belongs beside the server; install both)\n";
  const pid_t parent = getpid();
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // no handler of this program runs in the child
  const pid_t child = fork();
  if (child == 0) become(spawn, arguments.data(), complaint, parent);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return child;
}

int above_standard(int descriptor) {
  if (descriptor < 0 || descriptor > STDERR_FILENO) return descriptor;
  const int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  close(descriptor);
  return copy;
}

}  // namespace lucid::serve
