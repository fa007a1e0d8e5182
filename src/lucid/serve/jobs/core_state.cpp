// SPDX-License-Identifier: Apache-2.0
// The state of a run: looked up, changed, saved and told.
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>

#include "lucid/base/error.h"
#include "lucid/json/utf8.h"
#include "lucid/serve/jobs/core.h"
#include "lucid/serve/jobs/process/log.h"
#include "lucid/serve/jobs/refuse.h"

namespace lucid::serve {
namespace fs = std::filesystem;

Studio::Core::Entry& Studio::Core::at(const std::string& id) const {
  const auto found = entries.find(id);
  if (found == entries.end()) refuse_missing(id);
  return *found->second;
}

Studio::Core::Entry& Studio::Core::at(const std::string& id, const char* action) const {
  Entry& entry = at(id);
  const std::vector<std::string> possible = actions_of(entry.run());
  if (std::ranges::find(possible, action) == possible.end()) {
    refuse_now(fmt::format("'{}' is not possible now; possible: {}. The run: {}.", action, fmt::join(possible, ", "),
                           words_of(entry.run())));
  }
  if (entry.waits_for_stranger && std::string_view(action) != "again")
    refuse_now("The run's process is still saving, from the time before the server's restart. Try again in a moment.");
  return entry;
}

AssetRequest Studio::Core::asset_request(const Entry& entry) const {
  const Run& run = entry.job.run;
  return {.id = run.id,
          .prompt = run.prompt,
          .folder = folder(run.id),
          .is_at_end = run.state == State::kFinished || run.state == State::kStopped};
}

void Studio::Core::set_state(Entry& entry, State state) {
  Run& run = entry.run();
  run.state = state;
  if (state != State::kRunning) run.steps_per_second = run.seconds_left = std::nullopt;
  if (!entry.child) run.stage.clear();
  scan(entry);
  save(entry);
  tell(entry);
}

void Studio::Core::fail(Entry& entry, const std::string& error) {
  entry.run().error = valid_utf8(error);
  set_state(entry, State::kFailed);
}

void Studio::Core::scan(Entry& entry) {
  Run& run = entry.run();
  entry.scanned = Clock::now();
  entry.pictures = find_pictures(folder(run.id));
  run.pictures.clear();
  for (const FoundPicture& found : entry.pictures) run.pictures.push_back(found.picture);
  run.has_asset = source_of(asset_request(entry)).has_value();
  run.has_result = newest_cloud(folder(run.id)).has_value();
}

void Studio::Core::save(Entry& entry) {
  if (!entry.is_ours) return;
  entry.saved = Clock::now();
  try {
    write_job(folder(entry.run().id), entry.job);
  } catch (const UserError& error) {
    spdlog::warn("{}", error.what());
  }
}

void Studio::Core::tell(Entry& entry) {
  if (quiet) return;
  entry.told = Clock::now();
  entry.is_untold = false;
  entry.run().revision = ++revision;
  callbacks.changed(entry.run());
}

void Studio::Core::tell_soon(Entry& entry) {
  constexpr std::chrono::milliseconds kInterval{250};
  constexpr std::chrono::seconds kScanInterval{1}, kSaveInterval{5};
  entry.is_untold = true;
  if (entry.will_tell || closing) return;
  const Clock::time_point now = Clock::now();
  if (now - entry.told >= kInterval) {
    if (now - entry.scanned >= kScanInterval) scan(entry);
    if (now - entry.saved >= kSaveInterval) save(entry);
    return tell(entry);
  }
  entry.will_tell = true;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(kInterval - (now - entry.told));
  loop.after(left + std::chrono::milliseconds(1), [weak = weak_from_this(), id = entry.run().id] {
    const auto self = weak.lock();
    if (!self || !self->entries.contains(id)) return;
    Entry& later = *self->entries.at(id);
    later.will_tell = false;
    if (later.is_untold) self->tell_soon(later);
  });
}

/// `lucid generate` and `lucid edit` write live frames while the file is there (app/live_view.h).
void Studio::Core::mark_watched(const Entry& entry) const {
  const fs::path mark = folder(entry.job.run.id) / (std::string(kLiveFrame) + ".watched");
  if (entry.watchers > 0) {
    const int file = ::open(mark.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (file >= 0) ::close(file);
  } else {
    std::error_code none;
    fs::remove(mark, none);
  }
}

}  // namespace lucid::serve
