// SPDX-License-Identifier: Apache-2.0
// Packs the newest frames of watched runs, each once for all clients, on a thread of its own. The thread starts with
// the first frame: nothing is packed for clients on this machine.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "lucid/serve/api/frame_file.h"

namespace lucid::serve {

/// All members are for the owner's thread. Nothing is posted to it: it asks with collect().
class FramePacker {
 public:
  using Bytes = std::shared_ptr<const std::string>;

  /// The newest frame of a run that has been packed.
  struct Packed {
    Stamp stamp = {};
    uint32_t key_number = 0;  // from 1 on; no two key frames of a packer have the same
    Bytes key = {};
    Bytes delta = {};  // null where the newest frame is the key frame
  };

  FramePacker() = default;
  ~FramePacker();  // waits for the frame that is being packed
  FramePacker(const FramePacker&) = delete;
  FramePacker& operator=(const FramePacker&) = delete;

  /// Whether the run's frame with this stamp is to be given to pack(): it is new, and none of the run is being packed.
  bool wants(const std::string& id, const Stamp& stamp) const;
  /// Starts to pack a frame. It becomes a key frame if the last one is 2 s old or has another count. Bytes that are no
  /// whole live frame are left out.
  void pack(const std::string& id, const Stamp& stamp, std::string frame);
  /// Takes over what has been packed since the last call.
  void collect();
  /// Null if there is none yet.
  const Packed* newest(const std::string& id) const;
  /// Drops the other runs. The next frame of a dropped run is a key frame.
  void keep_only(const std::set<std::string>& ids);

 private:
  using Clock = std::chrono::steady_clock;
  struct Job {
    std::string id = {};
    uint64_t number = 0;
    Stamp stamp = {};
    Bytes frame = {};
    Bytes key = {};  // null: the frame is to be the key frame
    uint32_t key_number = 0;
    Bytes packed = {};  // the result; null if packing failed
  };
  struct Stream {
    std::optional<Stamp> given;  // of the last frame that pack() got
    uint64_t job = 0;            // that is being done; 0: none
    Bytes key = {};              // the live frame of newest.key
    Clock::time_point key_time = {};
    Packed newest = {};
  };

  void work();

  std::map<std::string, Stream> streams_;
  uint64_t last_job_ = 0;
  uint32_t last_key_ = 0;
  std::mutex mutex_;  // of what follows
  std::condition_variable wake_;
  std::deque<Job> waiting_;
  std::vector<Job> done_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace lucid::serve
