// SPDX-License-Identifier: Apache-2.0
// Reads and writes the queue's order.
#include "lucid/serve/jobs/files/queue_file.h"

#include <nlohmann/json.hpp>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::serve {
namespace {

constexpr size_t kMostQueueBytes = 1 << 20;

std::filesystem::path queue_file(const std::filesystem::path& output) { return output / ".lucid-serve.queue.json"; }

}  // namespace

void write_queue(const std::filesystem::path& output, const std::vector<std::string>& ids) {
  write_file(queue_file(output), nlohmann::json(ids).dump() + "\n");
}

std::vector<std::string> read_queue(const std::filesystem::path& output) {
  std::vector<std::string> ids;
  std::error_code none;
  if (!std::filesystem::is_regular_file(queue_file(output), none)) return ids;
  try {
    const nlohmann::json json = nlohmann::json::parse(read_file(queue_file(output), kMostQueueBytes), nullptr, false);
    if (!json.is_array()) return ids;
    for (const auto& each : json) {
      if (each.is_string()) ids.push_back(each.get<std::string>());
    }
  } catch (const UserError&) {  // cannot be read: the order is lost, not a run
  }
  return ids;
}

}  // namespace lucid::serve
