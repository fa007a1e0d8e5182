// SPDX-License-Identifier: Apache-2.0
// Files of a batch's folder.
#include "lucid/batch/folder.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lucid/app/run_options/export_options.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/json/json_config.h"
#include "lucid/serve/jobs/files/scan.h"

namespace lucid::batch {
namespace fs = std::filesystem;
namespace {
using nlohmann::json;

json to_json(const Row& row) {
  return {{"number", row.number},   {"name", row.name},   {"line", row.line}, {"prompt", row.prompt},
          {"options", row.options}, {"steps", row.steps}, {"key", row.key}};
}

/// What differs, as a mistake of the row that is now there.
UserMistake change_of(const Batch& batch, const Row& old, const Row* now) {
  UserMistake mistake{.what_happened = "",
                      .file = batch.file,
                      .hint = "--overwrite makes rows that have changed anew, --out takes another folder"};
  if (now == nullptr) {
    mistake.what_happened = fmt::format("row {} ('{}') is no longer there, but it was started", old.number, old.prompt);
    return mistake;
  }
  mistake.line = now->line;
  const std::string started = fmt::format("row {} was started with ", now->number);
  if (old.prompt != now->prompt) {
    mistake.key = "prompt";
    mistake.what_happened = fmt::format("{}'{}'", started, old.prompt);
    return mistake;
  }
  const auto text = [](const Row& row, const std::string& name) {
    const auto found = row.options.find(name);
    return found == row.options.end() ? "the default" : "'" + found->second + "'";
  };
  GivenOptions all = old.options;
  all.insert(now->options.begin(), now->options.end());
  for (const auto& [name, value] : all) {
    if (text(old, name) == text(*now, name)) continue;
    mistake.key = name;
    mistake.what_happened = fmt::format("{}{} and now has {}", started, text(old, name), text(*now, name));
    return mistake;
  }
  mistake.key = "config";
  mistake.what_happened = started + "another YAML file";
  return mistake;
}

}  // namespace

fs::path Folder::log(const Row& row) const { return run(row) / serve::kLog; }

void save_batch(const Folder& folder, const Batch& batch) {
  json rows = json::array();
  for (const Row& row : batch.rows) rows.push_back(to_json(row));
  write_file(folder.batch_file(), json{{"file", batch.file}, {"config", batch.config_file}, {"rows", rows}}.dump(
                                      1, ' ', false, json::error_handler_t::replace) +
                                      "\n");
}

std::optional<Batch> load_batch(const Folder& folder) {
  std::error_code none;
  if (!fs::exists(folder.batch_file(), none)) return std::nullopt;
  const json object = read_json_object(folder.batch_file(), size_t{1} << 28);  // ours; a row takes 200 bytes
  try {
    Batch batch{.file = object.at("file"), .config_file = object.at("config")};
    for (const json& at : object.at("rows")) {
      batch.rows.push_back({.number = at.at("number"),
                            .line = at.at("line"),
                            .name = at.at("name"),
                            .prompt = at.at("prompt"),
                            .options = at.at("options"),
                            .steps = at.at("steps"),
                            .key = at.at("key")});
      if (!serve::is_id(batch.rows.back().name))
        throw UserError(UserMistake{.what_happened = "is no name of a folder", .key = batch.rows.back().name});
    }
    return batch;
  } catch (const json::exception& error) {
    throw UserError(UserMistake{.what_happened = fmt::format("is not as `lucid batch` writes it: {}", error.what()),
                                .file = folder.batch_file().string(),
                                .hint = "give the file of prompts again"});
  }
}

std::vector<UserMistake> changes(const Folder& folder, const Batch& batch, const Claims& claims) {
  std::vector<UserMistake> mistakes;
  const std::optional<Batch> before = load_batch(folder);
  if (!before) return mistakes;
  for (size_t i = 0; i < before->rows.size(); ++i) {
    const Row& old = before->rows[i];
    const Row* now = i < batch.rows.size() ? &batch.rows[i] : nullptr;
    if (now != nullptr && now->key == old.key) continue;
    const std::optional<Claim> claim = claims.newest(old.name);
    if (!claim || (now != nullptr && claim->key == now->key)) continue;  // the latter: changed back
    mistakes.push_back(change_of(batch, old, now));
  }
  return mistakes;
}

void reopen_failed(const Batch& batch, const Claims& claims) {
  for (const Row& row : batch.rows) {
    const std::optional<Claim> claim = claims.newest(row.name);
    if (!claim || claim->key != row.key || claim->state != State::kFailed) continue;
    Claim open{.state = State::kInterrupted, .key = row.key, .step = claim->step, .seconds = claim->seconds};
    claims.take(open, row.name, claim->number);
  }
}

namespace {

/// The key that the folder's files were made with; empty = not known.
std::string key_of_files(const Folder& folder, const Row& row) {
  try {
    return read_json_object(folder.row_file(row)).value("key", "");
  } catch (const std::exception&) {
    return "";
  }
}

}  // namespace

void prepare_run(const Folder& folder, const Row& row) {
  const std::string key = key_of_files(folder, row);
  if (key == row.key) return;
  if (!key.empty()) {
    std::error_code error;
    fs::remove_all(folder.run(row), error);
  }
  write_file(folder.row_file(row), to_json(row).dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

bool has_result(const Folder& folder, const Row& row) {
  if (key_of_files(folder, row) != row.key || !serve::read_manifest(folder.run(row))) return false;
  const auto formats = row.options.find("export");  // are written after the manifest
  if (formats == row.options.end()) return true;
  const auto targets =
      app::targets_in(folder.run(row), row.name, app::parse_format_names(formats->second, formats->first));
  return std::ranges::all_of(targets, [](const app::ExportTarget& target) {
    std::error_code none;
    return fs::exists(target.file, none);
  });
}

std::vector<RowView> view_rows(const Folder& folder, const Batch& batch, const Claims& claims) {
  std::vector<RowView> views;
  for (const Row& row : batch.rows) {
    RowView view{.row = row, .folder = folder.run(row)};
    const std::optional<Claim> claim = claims.newest(row.name);
    if (claim && claim->key == row.key) {
      view.state = claim->state;
      if (claim->state == State::kWorking && claims.is_dead(*claim)) view.state = State::kInterrupted;
      if (claim->state == State::kFailed) view.error = claim->error;
      view.host = claim->host;
      view.step = claim->step;
      view.seconds = claim->seconds;
    }
    if (has_result(folder, row)) {
      view.state = State::kFinished;  // perhaps nobody lived to say so
      const auto manifest = serve::read_manifest(view.folder);
      view.step = manifest ? manifest->iterations : 0;
      view.gaussians = manifest ? manifest->gaussians.value_or(0) : 0;
    }
    for (const serve::FoundPicture& found : serve::find_pictures(view.folder)) {
      if (found.picture.name == "thumbnail") view.picture = found.file;
      if (found.picture.name == "result") view.sheet = found.file;
    }
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace lucid::batch
