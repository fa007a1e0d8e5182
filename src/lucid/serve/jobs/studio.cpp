// SPDX-License-Identifier: Apache-2.0
// Studio's members: what is asked for, checked against the state of the run.
#include "lucid/serve/jobs/studio.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "lucid/base/sha256.h"
#include "lucid/serve/jobs/core.h"
#include "lucid/serve/jobs/refuse.h"

namespace lucid::serve {
namespace fs = std::filesystem;

Studio::Core::Core(StudioOptions from, Loop on, StudioCallbacks to)
    : options(std::move(from)), loop(std::move(on)), callbacks(std::move(to)) {
  if (!options.only_new_runs) lock.emplace(options.output);
  options.output = fs::absolute(options.output);
  // Clients wait for a revision above the one they know, also after a restart.
  revision = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
                 .count();
  exporter = std::make_unique<Exporter>(
      options.program,
      Exporter::Callbacks{
          .post = loop.post,
          .find = [this](const std::string& id) -> std::optional<AssetRequest> {
            if (!entries.contains(id)) return std::nullopt;
            return asset_request(*entries.at(id));
          },
          .changed = [this](const std::string& id, const Export& value) { callbacks.export_changed(id, value); },
          .ended = [this](const std::string& id) { remove_folder_when_idle(id); }});
  renderer = std::make_unique<Renderer>(
      options.program,
      Renderer::Callbacks{.loop = loop, .ended = [this](const std::string& id) { remove_folder_when_idle(id); }});
}

Studio::Studio(StudioOptions options, Loop loop, StudioCallbacks callbacks)
    : core_(std::make_shared<Core>(std::move(options), std::move(loop), std::move(callbacks))) {
  core_->load();
  core_->schedule();
}

Studio::~Studio() { core_->shut_down(); }

int64_t Studio::revision() const { return core_->revision; }

std::vector<const Run*> Studio::runs() const {
  std::vector<const Run*> runs;
  for (const auto& [id, entry] : core_->entries) runs.push_back(&entry->run());
  std::ranges::sort(
      runs, [](const Run* a, const Run* b) { return std::tie(b->created, b->id) < std::tie(a->created, a->id); });
  return runs;
}

const Run& Studio::run(const std::string& id) const { return core_->at(id).run(); }

const Run* Studio::find(const std::string& id) const {
  const auto found = core_->entries.find(id);
  return found == core_->entries.end() ? nullptr : &found->second->run();
}

nlohmann::json to_json(const Studio& studio) {
  nlohmann::json runs = nlohmann::json::array();
  for (const Run* run : studio.runs()) runs.push_back(to_json(*run));
  return {{"revision", studio.revision()}, {"runs", std::move(runs)}};
}

Studio::Made Studio::make(const NewRun& wanted, const std::string& key) {
  nlohmann::json asked = {{"prompt", wanted.prompt}, {"options", wanted.options}};
  if (wanted.edit_of) asked["edit_of"] = *wanted.edit_of;
  const std::string request = sha256_of_bytes(asked.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  if (const auto* before = core_->made_before(key, request)) return {before->job.run, false};
  const auto edit = wanted.edit_of ? std::optional(core_->edit_of(*wanted.edit_of)) : std::nullopt;
  return {core_->make_run(wanted, {.key = key, .request = request, .edit = edit}).run(), true};
}

Studio::Made Studio::again(const std::string& id, std::optional<int64_t> seed, const std::string& key) {
  constexpr int64_t kLargestSeed = (int64_t{1} << 31) - 1;
  const nlohmann::json wanted_seed = seed ? nlohmann::json(*seed) : nlohmann::json(nullptr);
  const std::string request = sha256_of_bytes(nlohmann::json{{"again", id}, {"seed", wanted_seed}}.dump());
  if (const auto* before = core_->made_before(key, request)) return {before->job.run, false};
  const Run& model = core_->at(id, "again").run();
  std::optional<Core::EditStart> edit;
  if (model.edit_of) edit = {.of = *model.edit_of, .cloud = core_->folder(id) / kEditSource};
  NewRun wanted{.prompt = model.prompt, .options = model.options};
  if (!seed) {
    std::random_device device;
    seed = std::uniform_int_distribution<int64_t>(0, kLargestSeed)(device);
  }
  wanted.options["seed"] = std::to_string(*seed);
  return {core_->make_run(wanted, {.key = key, .request = request, .parent = id, .edit = edit}).run(), true};
}

const Run& Studio::pause(const std::string& id) {
  Core::Entry& entry = core_->at(id, "pause");
  core_->interrupt(entry);
  core_->set_state(entry, State::kPausing);
  return entry.run();
}

const Run& Studio::resume(const std::string& id) {
  Core::Entry& entry = core_->at(id, "resume");
  core_->check_room();
  core_->enqueue(entry);
  return entry.run();
}

const Run& Studio::stop(const std::string& id) {
  Core::Entry& entry = core_->at(id, "stop");
  if (entry.child) {
    core_->interrupt(entry);
    core_->set_state(entry, State::kStopping);
  } else {
    core_->dequeue(entry);
    core_->finish_or_stop(entry);
  }
  return entry.run();
}

const Run& Studio::more(const std::string& id, int64_t steps) {
  constexpr int64_t kMostSteps = 1'000'000'000;
  Core::Entry& entry = core_->at(id, "continue");
  if (steps < 1 || entry.run().steps + steps > kMostSteps) {
    refuse(400, "bad-option", "Bad option", fmt::format("steps: a whole number in [1, {}] was expected", kMostSteps));
  }
  core_->check_room();
  entry.run().more_steps += steps;
  entry.run().steps += steps;
  core_->enqueue(entry);
  return entry.run();
}

void Studio::remove(const std::string& id) { core_->remove(id); }

std::vector<std::string> Studio::order(const std::vector<std::string>& first) {
  std::vector<std::string>& queue = core_->queue;
  std::ranges::stable_sort(queue, {},
                           [&](const std::string& id) { return std::ranges::find(first, id) - first.begin(); });
  core_->number_places();
  return queue;
}

void Studio::watch(const std::string& id) {
  Core::Entry& entry = core_->at(id);
  if (++entry.watchers == 1) core_->mark_watched(entry);
}

void Studio::unwatch(const std::string& id) {
  const auto found = core_->entries.find(id);
  if (found == core_->entries.end() || found->second->watchers == 0) return;
  if (--found->second->watchers == 0) core_->mark_watched(*found->second);
}

std::optional<fs::path> Studio::frame(const std::string& id) const {
  core_->at(id);
  const auto frame = live_frame(core_->folder(id));
  if (!frame) return std::nullopt;
  return frame->file;
}

std::optional<fs::path> Studio::picture(const std::string& id, const std::string& name) const {
  for (const FoundPicture& found : core_->at(id).pictures) {
    if (found.picture.name == name) return found.file;
  }
  return std::nullopt;
}

std::vector<Export> Studio::exports(const std::string& id) const {
  return core_->exporter->all(core_->asset_request(core_->at(id)));
}

Export Studio::make_export(const std::string& id, const std::string& format) {
  return core_->exporter->make(core_->asset_request(core_->at(id)), format);
}

fs::path Studio::run_folder(const std::string& id) const {
  core_->at(id);
  return core_->folder(id);
}

fs::path Studio::export_folder(const std::string& id) const {
  core_->at(id);
  return core_->folder(id) / "exports";
}

void Studio::render(const std::string& id, const View& view,
                    std::function<void(std::string png, std::optional<http::Problem> problem)> done) {
  core_->renderer->render(core_->asset_request(core_->at(id)), view, std::move(done));
}

}  // namespace lucid::serve
