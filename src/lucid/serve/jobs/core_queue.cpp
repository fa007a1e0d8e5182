// SPDX-License-Identifier: Apache-2.0
// The queue, and which run starts next.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "lucid/base/error.h"
#include "lucid/serve/jobs/core.h"
#include "lucid/serve/jobs/files/queue_file.h"

namespace lucid::serve {

void Studio::Core::enqueue(Entry& entry) {
  queue.push_back(entry.run().id);
  entry.run().error.reset();
  set_state(entry, State::kQueued);
  number_places();
  schedule();
}

void Studio::Core::dequeue(Entry& entry) {
  if (std::erase(queue, entry.run().id) == 0) return;
  entry.run().place.reset();
  number_places();
}

void Studio::Core::number_places() {
  for (size_t i = 0; i < queue.size(); ++i) {
    Entry& entry = *entries.at(queue[i]);
    const int place = static_cast<int>(i) + 1;
    if (entry.run().place == place) continue;
    entry.run().place = place;
    tell(entry);
  }
  try {
    if (!options.only_new_runs) write_queue(options.output, queue);
  } catch (const UserError& error) {
    spdlog::warn("{}", error.what());
  }
}

void Studio::Core::schedule() {
  if (scheduled || closing) return;
  scheduled = true;
  loop.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->start_next();
  });
}

bool Studio::Core::device_is_free(const std::string& device) const {
  const auto works_there = [&](const auto& pair) {
    Entry& entry = *pair.second;
    return entry.run().device == device && (entry.child || entry.waits_for_stranger);
  };
  return std::ranges::none_of(entries, works_there) && std::ranges::none_of(removed, works_there);
}

void Studio::Core::start_next() {
  scheduled = false;
  const std::vector<std::string> waiting = queue;
  for (const std::string& id : waiting) {
    const auto found = entries.find(id);
    if (found == entries.end() || !device_is_free(found->second->run().device)) continue;
    dequeue(*found->second);
    launch(*found->second, Purpose::kSteps);
  }
}

}  // namespace lucid::serve
