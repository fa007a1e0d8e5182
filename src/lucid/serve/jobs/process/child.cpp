// SPDX-License-Identifier: Apache-2.0
// The thread of a child process. It starts the process itself: PR_SET_PDEATHSIG fires when the starting thread ends,
// and this one ends after the process.
#include "lucid/serve/jobs/process/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <mutex>
#include <nlohmann/json.hpp>

#include "lucid/serve/jobs/process/spawn.h"

namespace lucid::serve {
namespace {

constexpr size_t kLongestLine = 64 << 10;  // longer ones are left out
constexpr int kMostPosted = 64;            // lines that the owner has not seen yet; then the process waits

/// Closes a descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(above_standard(number)) {}
  ~Descriptor() { reset(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  void reset() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_;
};

/// Cuts a stream into lines and calls `line` for each that is a JSON object.
class LineReader {
 public:
  explicit LineReader(std::function<void(nlohmann::json)> line) : line_(std::move(line)) {}
  void add(const char* bytes, size_t count) {
    for (const char* end = bytes + count; bytes < end;) {
      const auto* stop = static_cast<const char*>(std::memchr(bytes, '\n', static_cast<size_t>(end - bytes)));
      const char* upto = stop == nullptr ? end : stop;
      if (!too_long_) text_.append(bytes, upto);
      too_long_ = too_long_ || text_.size() > kLongestLine;
      if (stop == nullptr) return;
      if (!too_long_) finish();
      text_.clear();
      too_long_ = false;
      bytes = stop + 1;
    }
  }

 private:
  void finish() {
    nlohmann::json value = nlohmann::json::parse(text_, nullptr, false);
    if (value.is_object()) line_(std::move(value));
  }
  std::function<void(nlohmann::json)> line_;
  std::string text_;
  bool too_long_ = false;
};

/// Takes the lock of a log. What has just been killed may hold it for a moment. A file system without locks refuses
/// nothing.
bool lock_soon(int log) {
  constexpr int kTries = 10;
  for (int i = 0; i < kTries; ++i) {
    if (::flock(log, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  }
  return false;
}

/// Reads what is there. Returns false at the end of the stream.
bool drain(int descriptor, LineReader& reader) {
  std::array<char, 16 << 10> buffer;
  for (;;) {
    const ssize_t n = ::read(descriptor, buffer.data(), buffer.size());
    if (n > 0) reader.add(buffer.data(), static_cast<size_t>(n));
    if (n == 0) return false;
    if (n < 0 && errno != EINTR) return errno == EAGAIN;
  }
}

/// Reads until the stream or the process ends, whichever comes first: a grandchild may hold the stream open.
void read_lines(int descriptor, int process, LineReader& reader) {
  fcntl(descriptor, F_SETFL, O_NONBLOCK);
  for (;;) {
    std::array<pollfd, 2> wanted = {{{descriptor, POLLIN, 0}, {process, POLLIN, 0}}};
    if (::poll(wanted.data(), wanted.size(), -1) < 0 && errno != EINTR) return;
    if (!drain(descriptor, reader) || (wanted[1].revents & POLLIN) != 0) return;
  }
}

}  // namespace

struct Child::State : std::enable_shared_from_this<Child::State> {
  ChildCallbacks callbacks;
  std::mutex mutex;
  std::condition_variable changed;
  pid_t process = 0;
  bool interrupted = false, killed = false, closing = false;
  int posted = 0;
  std::optional<Ending> ending;

  /// Signals go to a process that has not been waited for, so its id cannot be another's. With the lock.
  void send_signals() {
    if (process <= 0 || ending) return;
    if (killed) {
      ::kill(-process, SIGKILL);
      ::kill(process, SIGKILL);  // it may have no group yet
    }
  }

  void run(const ChildPlan& plan);
  void start_and_read(const ChildPlan& plan, Ending& result);
  void post(std::function<void()> task);
};

/// Posts `task`, unless the Child is gone by then. Waits while too many tasks wait.
void Child::State::post(std::function<void()> task) {
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return closing || posted < kMostPosted; });
  if (closing) return;
  ++posted;
  lock.unlock();
  callbacks.post([weak = weak_from_this(), task = std::move(task)] {
    const auto self = weak.lock();
    if (!self) return;
    {
      const std::lock_guard guard(self->mutex);
      if (self->closing) return;
      --self->posted;
    }
    self->changed.notify_all();
    task();
  });
}

void Child::State::start_and_read(const ChildPlan& plan, Ending& result) {
  const auto fail = [&](const std::string& what) {
    result.problem = fmt::format("{}: {}", what, std::strerror(errno));
  };
  Descriptor log(::open(plan.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (log.get() < 0) return fail(plan.log.string() + " cannot be written");
  if (!lock_soon(log.get())) {
    result.problem = "another process still works in the folder; try again when it has ended";
    return;
  }
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return fail("no pipe could be made");
  Descriptor from(pipe[0]), to(pipe[1]);
  const Descriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const pid_t started = spawn(
      {.arguments = plan.arguments, .input = null.get(), .output = to.get(), .error = log.get(), .nice = plan.nice});
  if (started < 0) return fail("no process could be started");
  to.reset();
  log.reset();
  {
    const std::lock_guard lock(mutex);
    process = started;
    if (interrupted) ::kill(process, SIGINT);
    send_signals();
  }
  LineReader reader(
      [this](nlohmann::json value) { post([this, value = std::move(value)] { callbacks.line(value); }); });
  const Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, started, 0)));
  read_lines(from.get(), handle.get(), reader);
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(started), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  const std::lock_guard lock(mutex);
  if (killed) ::kill(-started, SIGKILL);  // what it has started
  int status = 0;
  ::waitpid(started, &status, 0);
  if (WIFSIGNALED(status)) {
    result.signal = WTERMSIG(status);
  } else {
    result.code = WEXITSTATUS(status);
  }
  ending = result;
}

void Child::State::run(const ChildPlan& plan) {
  Ending result;
  start_and_read(plan, result);
  {
    const std::lock_guard lock(mutex);
    ending = result;
  }
  changed.notify_all();
  post([this, result] { callbacks.end(result); });
}

Child::Child(ChildPlan plan, ChildCallbacks callbacks) : state_(std::make_shared<State>()) {
  state_->callbacks = std::move(callbacks);
  thread_ = std::thread([state = state_, plan = std::move(plan)] { state->run(plan); });
}

Child::~Child() {
  kill();
  {
    const std::lock_guard lock(state_->mutex);
    state_->closing = true;
  }
  state_->changed.notify_all();
  thread_.join();
}

void Child::interrupt() {
  const std::lock_guard lock(state_->mutex);
  if (state_->interrupted) return;
  state_->interrupted = true;
  if (state_->process > 0 && !state_->ending) ::kill(state_->process, SIGINT);
}

void Child::kill() {
  const std::lock_guard lock(state_->mutex);
  state_->killed = true;
  state_->send_signals();
}

bool Child::was_killed() const {
  const std::lock_guard lock(state_->mutex);
  return state_->killed;
}

std::optional<Ending> Child::wait_until(std::chrono::steady_clock::time_point time) {
  std::unique_lock lock(state_->mutex);
  state_->closing = true;
  state_->changed.notify_all();
  state_->changed.wait_until(lock, time, [&] { return state_->ending.has_value(); });
  return state_->ending;
}

bool log_is_in_use(const std::filesystem::path& log) {
  const Descriptor file(::open(log.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  return file.get() >= 0 && ::flock(file.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace lucid::serve
