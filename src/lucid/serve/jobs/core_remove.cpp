// SPDX-License-Identifier: Apache-2.0
// Deletion of a run. Its folder goes when no process works in it any more.

#include "lucid/serve/jobs/core.h"
#include "lucid/serve/jobs/refuse.h"

namespace lucid::serve {
namespace fs = std::filesystem;
namespace {

constexpr const char* kTrash = ".lucid-serve.deleted-";  // with an id behind; begins with a dot, so it is no run

}  // namespace

void Studio::Core::remove(const std::string& id) {
  Entry& entry = at(id, "delete");
  dequeue(entry);
  if (entry.child) entry.child->kill();
  removed[id] = std::move(entries.at(id));
  entries.erase(id);
  exporter->forget(id);
  renderer->forget(id);
  ++revision;
  callbacks.removed(id);
  remove_folder_when_idle(id);
}

void Studio::Core::remove_folder_when_idle(const std::string& id) {
  const auto found = removed.find(id);
  if (found == removed.end() || found->second->child || exporter->works_on(id) || renderer->works_on(id)) return;
  removed.erase(found);
  delete_folder(id);
}

void Studio::Core::delete_folder(const std::string& id) const {
  // The rename takes a link away without following it, and frees the id at once.
  const fs::path trash = options.output / (kTrash + id);
  std::error_code none;
  fs::remove_all(trash, none);
  fs::rename(folder(id), trash, none);
  fs::remove_all(trash, none);  // removes links in it, and does not follow them
}

void Studio::Core::delete_trash() const {
  std::error_code error;
  for (fs::directory_iterator at(options.output, error), end; !error && at != end; at.increment(error)) {
    std::error_code none;
    if (at->path().filename().string().starts_with(kTrash)) fs::remove_all(at->path(), none);
  }
}

}  // namespace lucid::serve
