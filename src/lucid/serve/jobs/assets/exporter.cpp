// SPDX-License-Identifier: Apache-2.0
// Exports are written to a folder of their own, OUT/ID/exports/.work, so that a failed one leaves nothing behind.
#include "lucid/serve/jobs/assets/exporter.h"

#include <nlohmann/json.hpp>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/json/utf8.h"
#include "lucid/serve/jobs/assets/zip_file.h"
#include "lucid/serve/jobs/process/ending_text.h"
#include "lucid/serve/jobs/process/log.h"
#include "lucid/serve/jobs/refuse.h"

namespace lucid::serve {
namespace fs = std::filesystem;
namespace {

constexpr int kExportNice = 10;
constexpr int kRecordVersion = 1;

fs::path exports_folder(const fs::path& run) { return run / "exports"; }
fs::path export_work_folder(const fs::path& run) { return exports_folder(run) / ".work"; }
fs::path record_file(const fs::path& run) { return exports_folder(run) / "exports.json"; }

const asset::FormatRow* find_format(const std::string& name) {
  const auto* found = std::ranges::find(asset::kFormats, name, &asset::FormatRow::name);
  return found == asset::kFormats.end() ? nullptr : found;
}

/// What `lucid export` writes for a format, in `folder`. A download's name has at most 64 letters.
fs::path target_in(const fs::path& folder, const std::string& id, const asset::FormatRow& row) {
  constexpr size_t kMostLetters = 50;
  return app::targets_in(folder, id.substr(0, kMostLetters), {row.format}).front().file;
}

/// The name of the download.
std::string file_of(const std::string& id, const asset::FormatRow& row) {
  const fs::path target = target_in("", id, row);
  return row.format == asset::Format::kObj ? target.stem().string() + "_obj.zip" : target.string();
}

/// The step of each export, by format; empty if the file is not there or damaged.
std::map<std::string, int64_t> read_record(const fs::path& run) {
  constexpr size_t kMostBytes = 64 << 10;
  std::map<std::string, int64_t> steps;
  std::error_code none;
  if (!fs::is_regular_file(record_file(run), none)) return steps;
  nlohmann::json json;
  try {
    json = nlohmann::json::parse(read_file(record_file(run), kMostBytes), nullptr, false);
  } catch (const UserError&) {
    return steps;
  }
  if (!json.is_object() || !json.contains("version") || json["version"] != kRecordVersion || !json.contains("steps"))
    return steps;
  for (const auto& [format, step] : json["steps"].items()) {
    if (find_format(format) != nullptr && step.is_number_unsigned()) steps[format] = step.get<int64_t>();
  }
  return steps;
}

void write_record(const fs::path& run, const std::map<std::string, Export>& exports) {
  nlohmann::json steps = nlohmann::json::object();
  for (const auto& [format, value] : exports) {
    if (value.state == Export::State::kDone) steps[format] = value.step.value_or(0);
  }
  write_file(record_file(run), nlohmann::json{{"version", kRecordVersion}, {"steps", steps}}.dump(1) + "\n");
}

bool waits(const Export& value) {
  return value.state == Export::State::kQueued || value.state == Export::State::kWorking;
}

}  // namespace

Exporter::ByFormat& Exporter::known(const AssetRequest& run) {
  const auto [at, is_new] = exports_.try_emplace(run.id);
  if (is_new) {
    const std::map<std::string, int64_t> steps = read_record(run.folder);
    for (const asset::FormatRow& row : asset::kFormats) {
      const std::string name(row.name);
      Export value{.format = name};
      if (steps.contains(name)) {
        value.state = Export::State::kDone;
        value.file = file_of(run.id, row);
        value.step = steps.at(name);
      }
      at->second[name] = value;
    }
  }
  for (auto& [name, value] : at->second) {
    if (value.state != Export::State::kDone) continue;
    const fs::path file = exports_folder(run.folder) / *value.file;
    std::error_code none;
    if (fs::is_regular_file(file, none)) {
      value.bytes = bytes_of(file);
    } else {
      value = Export{.format = name};
    }
  }
  return at->second;
}

std::vector<Export> Exporter::all(const AssetRequest& run) {
  std::vector<Export> all;
  const ByFormat& exports = known(run);
  for (const asset::FormatRow& row : asset::kFormats) all.push_back(exports.at(std::string(row.name)));
  return all;
}

Export Exporter::make(const AssetRequest& run, const std::string& format) {
  if (find_format(format) == nullptr) {
    refuse(400, "no-such-format", "No such format", "No format is called '" + valid_utf8(format.substr(0, 64)) + "'.");
  }
  Export& value = known(run).at(format);
  const auto source = source_of(run);
  if (!source) throw http::ProblemError(no_asset());
  if (waits(value) || (value.state == Export::State::kDone && value.step == source->step)) return value;
  value = Export{.format = format, .state = Export::State::kQueued};
  queue_.push_back({run.id, format});
  const Export queued = value;
  callbacks_.changed(run.id, queued);
  callbacks_.post([this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) start_next();
  });
  return queued;
}

void Exporter::forget(const std::string& id) {
  std::erase_if(queue_, [&](const Task& task) { return task.id == id; });
  exports_.erase(id);
  if (works_on(id)) child_->kill();
}

void Exporter::start_next() {
  while (!child_ && !queue_.empty()) {
    current_ = queue_.front();
    queue_.pop_front();
    const auto run = callbacks_.find(current_.id);
    if (!run) continue;
    Export& value = known(*run).at(current_.format);
    try {
      start(*run, value);
    } catch (const std::exception& error) {
      fail(value, error.what());
    }
  }
}

void Exporter::start(const AssetRequest& run, Export& value) {
  const auto source = source_of(run);
  if (!source) throw UserError(no_asset().detail);
  const fs::path work = export_work_folder(run.folder);
  std::error_code none;
  fs::remove_all(work, none);
  make_folder(work);
  const fs::path target = target_in(work, run.id, *find_format(value.format));
  current_step_ = source->step;
  child_ = std::make_unique<Child>(
      ChildPlan{.arguments = {program_, "export", fixed_source(*source, work / "source.lsplat"),
                              value.format + ":" + target.string(), "--progress=json", "--title=" + run.prompt},
                .log = work / "log.txt",
                .nice = kExportNice},
      ChildCallbacks{.post = callbacks_.post,
                     .line = [this](const nlohmann::json& json) { line(json); },
                     .end = [this](const Ending& ending) { end(ending); }});
  value.state = Export::State::kWorking;
  callbacks_.changed(run.id, value);
}

void Exporter::line(const nlohmann::json& line) {
  const auto run = callbacks_.find(current_.id);
  if (!run || !line.contains("stage") || !line["stage"].is_string()) return;
  Export& value = known(*run).at(current_.format);
  std::string stage = line["stage"].get<std::string>();
  const std::string folder =
      export_work_folder(run->folder).string() + "/";  // of no interest in "writing FOLDER/chair.glb"
  if (const size_t at = stage.find(folder); at != std::string::npos) stage.erase(at, folder.size());
  constexpr size_t kLongest = 200;
  value.stage = valid_utf8(stage.substr(0, kLongest));
  callbacks_.changed(run->id, value);
}

void Exporter::fail(Export& value, const std::string& error) {
  value = Export{.format = value.format, .state = Export::State::kFailed, .error = valid_utf8(error)};
  callbacks_.changed(current_.id, Export(value));
}

void Exporter::take_result(const AssetRequest& run, Export& value) {
  const asset::FormatRow& row = *find_format(value.format);
  fs::path made = target_in(export_work_folder(run.folder), run.id, row);
  if (row.format == asset::Format::kObj) {
    std::vector<fs::path> parts = {made};
    for (const char* extension : {".mtl", ".png"}) {
      const fs::path part = fs::path(made).replace_extension(extension);
      std::error_code none;
      if (fs::exists(part, none)) parts.push_back(part);
    }
    made.replace_filename(file_of(run.id, row));
    write_zip(made, parts);
  }
  const fs::path file = exports_folder(run.folder) / file_of(run.id, row);
  std::error_code error;
  fs::rename(made, file, error);
  if (error) throw UserError({.what_happened = "cannot be written: " + error.message(), .file = file.string()});
  value = Export{.format = value.format,
                 .state = Export::State::kDone,
                 .file = file.filename().string(),
                 .bytes = bytes_of(file),
                 .step = current_step_};
}

void Exporter::end(const Ending& ending) {
  child_.reset();
  const std::string id = current_.id;
  if (const auto run = callbacks_.find(id)) {
    Export& value = known(*run).at(current_.format);
    const fs::path work = export_work_folder(run->folder);
    try {
      if (!is_success(ending)) throw UserError(ending_text(ending, work / "log.txt", 0));
      take_result(*run, value);
      write_record(run->folder, known(*run));
      callbacks_.changed(id, Export(value));
    } catch (const std::exception& error) {
      fail(value, error.what());
    }
    std::error_code none;
    fs::remove_all(work, none);
  }
  callbacks_.ended(id);
  start_next();
}

}  // namespace lucid::serve
