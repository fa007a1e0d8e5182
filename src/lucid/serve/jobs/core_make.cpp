// SPDX-License-Identifier: Apache-2.0
// New runs: repeated requests, folders, room.
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "lucid/app/run_options/run_options.h"
#include "lucid/base/error.h"
#include "lucid/serve/jobs/core.h"
#include "lucid/serve/jobs/refuse.h"

namespace lucid::serve {
namespace fs = std::filesystem;
namespace {

/// A second name of the file, which nothing changes in place; a copy where the disk has no hard links. Throws
/// UserError.
void keep_source(const fs::path& cloud, const fs::path& kept) {
  std::error_code error;
  fs::create_hard_link(cloud, kept, error);
  if (error) fs::copy_file(cloud, kept, error);
  if (error) throw UserError({.what_happened = "cannot be copied: " + error.message(), .file = cloud.string()});
}

}  // namespace

const Studio::Core::Entry* Studio::Core::made_before(const std::string& key, const std::string& request) const {
  if (key.empty()) return nullptr;
  for (const auto& [id, entry] : entries) {
    if (entry->job.key != key) continue;
    if (entry->job.request == request) return entry.get();
    refuse(422, "idempotency-key-reused", "Idempotency-Key used before",
           "The key belongs to the run '" + id + "', which another request has made. Use a new key.");
  }
  return nullptr;
}

bool Studio::Core::disk_is_full() const {
  std::error_code error;
  const fs::space_info space = fs::space(options.output, error);
  return !error && space.available < static_cast<std::uintmax_t>(options.bytes_kept_free);
}

void Studio::Core::check_room() const {
  if (static_cast<int>(queue.size()) >= options.queue_limit) {
    refuse(429, "queue-full", "The queue is full",
           fmt::format("{} runs wait already. Delete or stop one, or wait until one has started.", queue.size()));
  }
  if (disk_is_full()) {
    refuse(409, "disk-full", "The disk is full",
           fmt::format("Less than {} MB are free in {}. Delete runs, or free space there.",
                       options.bytes_kept_free / 1'000'000, options.output.string()));
  }
}

std::string Studio::Core::new_folder(const std::string& prompt) {
  constexpr size_t kMostLetters = 44;  // leaves room for a number, and for the ends of the exports' names
  constexpr int kMostNumbers = 100'000;
  std::string base = app::name_from_prompt(prompt).substr(0, kMostLetters);
  while (base.ends_with('_')) base.pop_back();
  std::error_code none;
  fs::create_directories(options.output, none);
  for (int number = 1; number < kMostNumbers; ++number) {
    const std::string id = number == 1 ? base : fmt::format("{}-{}", base, number);
    std::error_code error;
    if (fs::create_directory(folder(id), error)) return id;
    const bool is_there = fs::exists(fs::symlink_status(folder(id), error));
    if (!is_there)
      refuse(409, "cannot-write", "Cannot write", fmt::format("No folder can be made in {}.", options.output.string()));
  }
  refuse(409, "too-many-runs", "Too many runs", "Too many runs have this prompt. Delete some.");
}

Studio::Core::EditStart Studio::Core::edit_of(const std::string& id) const {
  const Run& run = at(id).run();
  const auto cloud = newest_cloud(folder(id));
  if (!cloud) {
    refuse(409, "no-asset", "Nothing to edit yet",
           "The run '" + id + "' has no finished Gaussians. Let it end, or stop it, which keeps what it has made.");
  }
  at(id, "edit");
  return {.of = {.id = id, .prompt = run.prompt}, .cloud = cloud->file};
}

Studio::Core::Entry& Studio::Core::make_run(const NewRun& wanted, const Origin& origin) {
  EditPlan edit;
  if (origin.edit) {
    const auto from = wanted.options.find("from_text");
    edit = {.from = from == wanted.options.end() ? origin.edit->of.prompt : from->second,
            .asset = folder(origin.edit->of.id)};
  }
  const RunPlan plan = plan_run(wanted.prompt, wanted.options, options.accepts_paths, origin.edit ? &edit : nullptr);
  if (std::ranges::find(options.devices, plan.device) == options.devices.end()) {
    refuse(400, "bad-option", "Bad option",
           fmt::format("device: '{}' is not there on this machine (one of {})", plan.device,
                       fmt::join(options.devices, ", ")));
  }
  check_room();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  auto entry = std::make_unique<Entry>();
  entry->job = {.run = {.id = new_folder(wanted.prompt),
                        .state = State::kQueued,
                        .prompt = wanted.prompt,
                        .preset = plan.preset,
                        .device = plan.device,
                        .created = utc_text(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()),
                        .options = wanted.options,
                        .seed = plan.seed,
                        .edit_of = origin.edit ? std::optional(origin.edit->of) : std::nullopt,
                        .parent = origin.parent,
                        .steps = plan.steps,
                        .command = plan.command},
                .key = origin.key,
                .request = origin.request};
  const std::string id = entry->run().id;
  try {
    if (origin.edit) keep_source(origin.edit->cloud, folder(id) / kEditSource);
    write_job(folder(id), entry->job);
  } catch (const UserError& error) {
    std::error_code none;
    fs::remove_all(folder(id), none);
    refuse(409, "cannot-write", "Cannot write", error.what());
  }
  Entry& kept = *(entries[id] = std::move(entry));
  enqueue(kept);
  return kept;
}

}  // namespace lucid::serve
