// SPDX-License-Identifier: Apache-2.0
// What Studio is made of. Only for the files core_*.cpp and studio.cpp.
#pragma once

#include <map>
#include <set>

#include "lucid/serve/jobs/assets/exporter.h"
#include "lucid/serve/jobs/assets/renderer.h"
#include "lucid/serve/jobs/command.h"
#include "lucid/serve/jobs/files/folder_lock.h"
#include "lucid/serve/jobs/files/job_file.h"
#include "lucid/serve/jobs/process/child.h"
#include "lucid/serve/jobs/studio.h"

namespace lucid::serve {

struct Studio::Core : std::enable_shared_from_this<Core> {
  using Clock = std::chrono::steady_clock;
  enum class Purpose { kSteps, kFinish };  // kFinish: write the results of the newest checkpoint

  struct Entry {
    Job job;
    bool is_ours = true;  // job.json is written; false for a run of the command line and for a damaged job.json
    Purpose purpose = Purpose::kSteps;
    std::unique_ptr<Child> child;
    int64_t child_number = 0;         // of the process, among all
    bool waits_for_stranger = false;  // a process of a server before still works in the folder
    int64_t log_begin = 0;            // bytes of log.txt before the process
    double seconds_before = 0;        // job.run.seconds before the process
    int watchers = 0;
    bool is_untold = false, will_tell = false;  // changed since `told`; a timer runs
    Clock::time_point began{}, told{}, saved{}, scanned{};
    std::vector<FoundPicture> pictures;
    Run& run() { return job.run; }
  };
  using Entries = std::map<std::string, std::unique_ptr<Entry>>;

  Core(StudioOptions from, Loop on, StudioCallbacks to);

  // core_load.cpp
  void load();
  void load_run(const std::string& id);
  void settle(Entry& entry);  // the state of a run that worked when the last server ended
  void wait_for_stranger(const std::string& id);
  void load_queue();

  // core_make.cpp
  const Entry* made_before(const std::string& key, const std::string& request) const;
  struct EditStart {
    EditOf of;
    std::filesystem::path cloud;  // the Gaussians to edit
  };
  EditStart edit_of(const std::string& id) const;  // of the newest result of a run that has ended
  struct Origin {
    std::string key, request;
    std::optional<std::string> parent = {};
    std::optional<EditStart> edit = {};
  };
  Entry& make_run(const NewRun& wanted, const Origin& origin);
  std::string new_folder(const std::string& prompt);
  void check_room() const;  // in the queue, on the disk
  bool disk_is_full() const;

  // core_state.cpp
  std::filesystem::path folder(const std::string& id) const { return options.output / id; }
  std::filesystem::path log_of(const std::string& id) const { return folder(id) / kLog; }
  Entry& at(const std::string& id) const;
  Entry& at(const std::string& id, const char* action) const;  // status 409 if the action is not possible now
  AssetRequest asset_request(const Entry& entry) const;
  void set_state(Entry& entry, State state);  // scans, saves and tells
  void fail(Entry& entry, const std::string& error);
  void scan(Entry& entry);
  void save(Entry& entry);
  void tell(Entry& entry);
  void tell_soon(Entry& entry);  // at most four times a second
  void mark_watched(const Entry& entry) const;

  // core_queue.cpp
  void enqueue(Entry& entry);
  void dequeue(Entry& entry);
  void number_places();  // and writes the queue's file
  void schedule();       // start_next() soon, from the loop
  void start_next();
  bool device_is_free(const std::string& device) const;

  // core_work.cpp
  void launch(Entry& entry, Purpose purpose);
  void interrupt(Entry& entry);
  void finish_or_stop(Entry& entry);  // of a run without a process
  void line(Entry& entry, const nlohmann::json& line);
  void step(Entry& entry, const nlohmann::json& line);
  void ended(const std::string& id, const Ending& ending);
  void conclude(Entry& entry, const Ending& ending, bool was_killed);
  void shut_down();

  // core_remove.cpp
  void remove(const std::string& id);
  void remove_folder_when_idle(const std::string& id);
  void delete_folder(const std::string& id) const;
  void delete_trash() const;  // of a server that ended before it was done

  StudioOptions options;
  Loop loop;
  StudioCallbacks callbacks;
  std::optional<FolderLock> lock;
  Entries entries;
  Entries removed;                 // whose processes have not ended yet
  std::vector<std::string> queue;  // first first
  int64_t revision;
  int64_t last_child = 0;
  bool scheduled = false, closing = false;
  bool quiet = true;  // no callbacks: in the constructor and the destructor
  std::unique_ptr<Exporter> exporter;
  std::unique_ptr<Renderer> renderer;
};

}  // namespace lucid::serve
