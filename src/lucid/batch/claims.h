// SPDX-License-Identifier: Apache-2.0
// Claims: which process works on which row of a batch, on one machine or on many that share the folder.
//
// A claim is a file ROW.N, N = 1, 2, 3, ... The process that creates it with O_CREAT|O_EXCL has the row; a later claim
// of the row is the next number, and claims are never deleted. So to take over a dead owner's row is as much a race
// with one winner as to take a fresh one, and no process can remove a claim that it has not seen. The claim holds the
// row's state and is renewed while the owner works: written again, which sets the file's time. A claim is dead if its
// owner said that it has let go, or
// - its owner was a process of this machine (same boot, same process namespace) and that process is gone, or
// - it has not been renewed for `stale_after`. Both times are the file server's: the age is measured against a file
// that
//   is written now, so clocks of machines may differ.
// An owner that was only asleep finds at its next renewal that a later claim exists, and ends its work.
//
// Why not flock() or fcntl()? Many clusters mount their shared folders without a lock service, or with locks that are
// local to each machine, and both then succeed on two machines at once. Exclusive creation is atomic on NFS from
// version 3 on, Lustre, GPFS and BeeGFS.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace lucid::batch {

enum class State { kWaiting, kWorking, kInterrupted, kFinished, kFailed };
const char* name_of(State state);

struct Claim {
  std::string row = {};  // Row::name
  int number = 0;
  State state = State::kWorking;
  std::string key = {};  // Row::key that it was made for
  int64_t step = 0;
  double seconds = 0;      // of work, earlier claims included
  int deaths = 0;          // how often in a row the process was killed
  std::string error = {};  // of a failed row
  // Of the owner: name of its machine, the machine's boot and process namespace, process id, its start in clock ticks.
  std::string host = {}, machine = {};
  int64_t process = 0;
  std::string started = {};
  int64_t changed = 0;  // time of the file in nanoseconds, by the file server's clock
};

class Claims {
 public:
  using Duration = std::chrono::milliseconds;
  explicit Claims(std::filesystem::path folder, Duration stale_after = std::chrono::seconds(120));

  /// The claim with the highest number.
  std::optional<Claim> newest(const std::string& row) const;
  /// Whether the owner of a claim in State::kWorking is gone.
  bool is_dead(const Claim& claim) const;
  /// Whether the owner is a process of this machine, so that is_dead() is sure.
  bool is_here(const Claim& claim) const { return claim.machine == machine_; }
  /// Claims the row after `before`, its newest claim (0 = none). False: another was faster. Fills row, number and
  /// owner. Throws UserError if the folder cannot be written.
  bool take(Claim& claim, const std::string& row, int before) const;
  /// Writes an own claim again. False: the row has a later claim, so it is another's.
  bool renew(const Claim& claim) const;

 private:
  std::filesystem::path file_of(const std::string& row, int number) const;
  std::optional<Claim> read(const std::string& row, int number) const;
  int64_t now_of_server() const;
  std::filesystem::path folder_;
  Duration stale_after_;
  std::string host_, machine_, unique_;
};

}  // namespace lucid::batch
