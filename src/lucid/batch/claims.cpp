// SPDX-License-Identifier: Apache-2.0
// Claims as small JSON files.
#include "lucid/batch/claims.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::batch {
namespace fs = std::filesystem;
namespace {
using nlohmann::json;

constexpr std::array<State, 5> kStates = {State::kWaiting, State::kWorking, State::kInterrupted, State::kFinished,
                                          State::kFailed};

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

/// Start time of a process in clock ticks since boot, its 22nd field; empty = it is not there or a zombie.
std::string start_of(int64_t process) {
  const std::string text = first_line(fmt::format("/proc/{}/stat", process));
  const size_t name_end = text.rfind(')');  // the name may hold spaces and parentheses
  if (name_end == std::string::npos) return "";
  std::istringstream fields(text.substr(name_end + 1));
  constexpr int kState = 3, kStart = 22;
  std::string field;
  for (int i = kState; i <= kStart && fields >> field; ++i) {
    if (i == kState && (field == "Z" || field == "X")) return "";
  }
  return field;
}

int64_t nanoseconds(const timespec& time) { return int64_t{1'000'000'000} * time.tv_sec + time.tv_nsec; }

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::string random_word() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

template <class T>
T value_or(const json& object, const char* key, T otherwise) {
  try {
    return object.value(key, otherwise);
  } catch (const json::exception&) {  // of another type
    return otherwise;
  }
}

std::string text_of(const Claim& claim) {
  return json{{"state", name_of(claim.state)},
              {"key", claim.key},
              {"step", claim.step},
              {"seconds", claim.seconds},
              {"deaths", claim.deaths},
              {"error", claim.error},
              {"host", claim.host},
              {"machine", claim.machine},
              {"process", claim.process},
              {"started", claim.started}}
             .dump(1, ' ', false, json::error_handler_t::replace) +
         "\n";
}

[[noreturn]] void cannot_write(const fs::path& file) {
  throw UserError(
      UserMistake{.what_happened = fmt::format("cannot be written: {}", std::strerror(errno)), .file = file.string()});
}

}  // namespace

const char* name_of(State state) {
  switch (state) {
    case State::kWaiting:
      return "waiting";
    case State::kWorking:
      return "working";
    case State::kInterrupted:
      return "interrupted";
    case State::kFinished:
      return "finished";
    case State::kFailed:
      return "failed";
  }
  return "";
}

Claims::Claims(fs::path folder, Duration stale_after)
    : folder_(std::move(folder)), stale_after_(stale_after), host_(host_name()), unique_(random_word()) {
  std::error_code none;
  machine_ = first_line("/proc/sys/kernel/random/boot_id") + " " + fs::read_symlink("/proc/self/ns/pid", none).string();
}

fs::path Claims::file_of(const std::string& row, int number) const {
  return folder_ / fmt::format("{}.{}", row, number);
}

std::optional<Claim> Claims::read(const std::string& row, int number) const {
  const int file = ::open(file_of(row, number).c_str(), O_RDONLY | O_CLOEXEC);  // on NFS, open() asks the server
  if (file < 0) return std::nullopt;
  struct stat status {};
  std::string text(16 << 10, '\0');
  const ssize_t count = ::fstat(file, &status) == 0 ? ::read(file, text.data(), text.size()) : 0;
  ::close(file);
  text.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  // A claim whose owner died before it wrote it is empty, and goes stale.
  json object = json::parse(text, nullptr, false);
  if (!object.is_object()) object = json::object();
  Claim claim{.row = row, .number = number, .changed = nanoseconds(status.st_mtim)};
  const auto state = value_or<std::string>(object, "state", "working");
  for (const State known : kStates) {
    if (state == name_of(known)) claim.state = known;
  }
  claim.key = value_or<std::string>(object, "key", "");
  claim.step = value_or<int64_t>(object, "step", 0);
  claim.seconds = value_or<double>(object, "seconds", 0);
  claim.deaths = value_or<int>(object, "deaths", 0);
  claim.error = value_or<std::string>(object, "error", "");
  claim.host = value_or<std::string>(object, "host", "");
  claim.machine = value_or<std::string>(object, "machine", "");
  claim.process = value_or<int64_t>(object, "process", 0);
  claim.started = value_or<std::string>(object, "started", "");
  return claim;
}

std::optional<Claim> Claims::newest(const std::string& row) const {
  std::optional<Claim> claim = read(row, 1);
  while (claim) {
    std::optional<Claim> next = read(row, claim->number + 1);
    if (!next) break;
    claim = std::move(next);
  }
  return claim;
}

int64_t Claims::now_of_server() const {
  const fs::path file = folder_ / fmt::format(".{}.now", unique_);
  const int now = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (now < 0) cannot_write(file);
  struct stat status {};
  const bool ok = ::write(now, "x", 1) == 1 && ::fsync(now) == 0 && ::fstat(now, &status) == 0;
  ::close(now);
  ::unlink(file.c_str());
  if (!ok) cannot_write(file);
  return nanoseconds(status.st_mtim);
}

bool Claims::is_dead(const Claim& claim) const {
  if (is_here(claim)) return start_of(claim.process) != claim.started;
  return now_of_server() - claim.changed > std::chrono::nanoseconds(stale_after_).count();
}

bool Claims::take(Claim& claim, const std::string& row, int before) const {
  const fs::path path = file_of(row, before + 1);
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0 && errno == EEXIST) return false;
  if (file < 0) cannot_write(path);
  ::close(file);
  claim.row = row;
  claim.number = before + 1;
  claim.host = host_;
  claim.machine = machine_;
  claim.process = ::getpid();
  claim.started = start_of(claim.process);
  write_file(path, text_of(claim));
  return true;
}

bool Claims::renew(const Claim& claim) const {
  if (read(claim.row, claim.number + 1)) return false;
  write_file(file_of(claim.row, claim.number), text_of(claim));
  return true;
}

}  // namespace lucid::batch
