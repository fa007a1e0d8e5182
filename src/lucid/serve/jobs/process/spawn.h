// SPDX-License-Identifier: Apache-2.0
// fork() and exec() of a child process in a program with threads.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace lucid::serve {

struct Spawn {
  std::vector<std::string> arguments;       // the first is the program's path
  int input = -1, output = -1, error = -1;  // descriptors that become 0, 1 and 2
  int nice = 0;
};

/// Returns the process id, or -1 with errno. The child gets SIGINT when the calling thread ends. It has a process group
/// of its own, default signal handlers and no other descriptors. If the program cannot be executed, the child says so
/// on `error` and exits with status 127.
pid_t spawn(const Spawn& spawn);

/// The same descriptor, or a copy above 2 if it is one of the standard ones. Closes what it replaces.
int above_standard(int descriptor);

}  // namespace lucid::serve
