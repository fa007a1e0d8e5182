// SPDX-License-Identifier: Apache-2.0
// Changes: tells everyone who waits for a change of a run: long polls, event streams, WebSockets. I/O thread only.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "lucid/serve/jobs/studio.h"

namespace lucid::serve {

/// What a listener is told. `run` is null when the run of `id` was deleted; `exported` is set when only an export
/// has changed.
struct Change {
  const std::string& id;
  const Run* run = nullptr;
  const Export* exported = nullptr;
};

class Changes {
 public:
  /// Listeners are called in the order in which they came. One that returns false is dropped.
  void listen(std::function<bool(const Change&)> listener) { listeners_.push_back(std::move(listener)); }

  StudioCallbacks callbacks() {
    return {.changed = [this](const Run& run) { tell({.id = run.id, .run = &run}); },
            .removed = [this](const std::string& id) { tell({.id = id}); },
            .export_changed = [this](const std::string& id,
                                     const Export& exported) { tell({.id = id, .exported = &exported}); }};
  }

 private:
  void tell(const Change& change) {
    // A listener may add others; std::list keeps this loop valid.
    for (auto at = listeners_.begin(); at != listeners_.end();)
      at = (*at)(change) ? std::next(at) : listeners_.erase(at);
  }
  std::list<std::function<bool(const Change&)>> listeners_;
};

}  // namespace lucid::serve
