// SPDX-License-Identifier: Apache-2.0
// The choice between key frames and deltas, and the thread that packs them.
#include "lucid/serve/api/frame_packer.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "lucid/serve/api/packed_frame.h"

namespace lucid::serve {
namespace {

constexpr std::chrono::milliseconds kKeyPeriod{2000};

}  // namespace

FramePacker::~FramePacker() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool FramePacker::wants(const std::string& id, const Stamp& stamp) const {
  const auto stream = streams_.find(id);
  return stream == streams_.end() || (stream->second.job == 0 && stream->second.given != stamp);
}

void FramePacker::pack(const std::string& id, const Stamp& stamp, std::string frame) {
  Stream& stream = streams_[id];
  stream.given = stamp;
  if (!is_whole_frame(frame)) return;
  stream.job = ++last_job_;
  Job job{.id = id,
          .number = stream.job,
          .stamp = stamp,
          .frame = std::make_shared<const std::string>(std::move(frame)),
          .key = stream.key,
          .key_number = stream.newest.key_number};
  const Clock::time_point now = Clock::now();
  if (!job.key || job.key->size() != job.frame->size() || now - stream.key_time >= kKeyPeriod) {
    job.key = nullptr;
    job.key_number = ++last_key_;
    stream.key_time = now;
  }
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(job));
  }
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  wake_.notify_one();
}

void FramePacker::collect() {
  std::vector<Job> done;
  {
    const std::lock_guard lock(mutex_);
    done.swap(done_);
  }
  for (Job& job : done) {
    const auto at = streams_.find(job.id);
    if (at == streams_.end() || at->second.job != job.number) continue;  // of a run that was dropped
    Stream& stream = at->second;
    stream.job = 0;
    if (job.packed == nullptr) continue;
    stream.newest.stamp = job.stamp;
    if (job.key != nullptr) {
      stream.newest.delta = std::move(job.packed);
      continue;
    }
    stream.key = std::move(job.frame);
    stream.newest.key_number = job.key_number;
    stream.newest.key = std::move(job.packed);
    stream.newest.delta = nullptr;
  }
}

const FramePacker::Packed* FramePacker::newest(const std::string& id) const {
  const auto stream = streams_.find(id);
  return stream == streams_.end() || !stream->second.newest.key ? nullptr : &stream->second.newest;
}

void FramePacker::keep_only(const std::set<std::string>& ids) {
  if (std::erase_if(streams_, [&](const auto& stream) { return !ids.contains(stream.first); }) == 0) return;
  const std::lock_guard lock(mutex_);
  std::erase_if(waiting_, [&](const Job& job) { return !ids.contains(job.id); });
}

void FramePacker::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (ending_) return;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    try {
      const KeyFrame key{.number = job.key_number, .bytes = job.key ? *job.key : *job.frame};
      job.packed = std::make_shared<const std::string>(job.key ? pack_delta(key, *job.frame) : pack_key_frame(key));
    } catch (const std::exception& error) {
      spdlog::error("serve: a live frame could not be packed: {}", error.what());
    }
    lock.lock();
    done_.push_back(std::move(job));
  }
}

}  // namespace lucid::serve
