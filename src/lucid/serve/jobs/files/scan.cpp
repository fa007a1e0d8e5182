// SPDX-License-Identifier: Apache-2.0
// Looks for the files of a run by their names.
#include "lucid/serve/jobs/files/scan.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

#include "lucid/asset/live_frame_header.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::serve {
namespace fs = std::filesystem;
namespace {

/// N of a name PREFIX N SUFFIX.
std::optional<int64_t> number_in(const std::string& name, std::string_view prefix, std::string_view suffix) {
  if (name.size() <= prefix.size() + suffix.size() || !name.starts_with(prefix) || !name.ends_with(suffix)) return {};
  const char* begin = name.data() + prefix.size();
  const char* end = name.data() + name.size() - suffix.size();
  int64_t number = 0;
  const auto [stop, error] = std::from_chars(begin, end, number);
  if (error != std::errc() || stop != end || number < 0) return {};
  return number;
}

/// The highest N of the names PREFIX N SUFFIX in a folder, with its name.
std::optional<std::pair<int64_t, std::string>> highest(const fs::path& folder, std::string_view prefix,
                                                       std::string_view suffix) {
  std::optional<std::pair<int64_t, std::string>> best;
  for_each_name(folder, [&](const std::string& name) {
    const auto number = number_in(name, prefix, suffix);
    if (number && (!best || *number > best->first)) best = {*number, name};
  });
  return best;
}

bool is_file(const fs::path& path) {
  std::error_code none;
  return fs::is_regular_file(path, none);
}

int64_t changed_ms(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return 0;
  return static_cast<int64_t>(status.st_mtim.tv_sec) * 1000 + status.st_mtim.tv_nsec / 1'000'000;
}

/// The first colour picture of the newest test views.
std::optional<fs::path> test_view(const fs::path& folder, const fs::path& views) {
  std::string first;
  for_each_name(folder / views, [&](const std::string& name) {
    const bool is_colour = name.starts_with("polar") && name.ends_with(".png") && !name.ends_with("_depth.png");
    if (is_colour && (first.empty() || name < first)) first = name;
  });
  if (first.empty()) return std::nullopt;
  return views / first;
}

}  // namespace

bool is_id(const std::string& name) {
  constexpr size_t kLongest = 64;
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !name.empty() && name.size() <= kLongest && name.front() != '.' && std::ranges::all_of(name, is_allowed);
}

void for_each_name(const fs::path& folder, const std::function<void(const std::string& name)>& found) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with('.')) found(name);
  }
}

std::optional<int64_t> newest_checkpoint(const fs::path& folder) {
  const auto best = highest(folder / "checkpoints", "step_", ".safetensors");
  if (!best) return std::nullopt;
  return best->first;
}

std::optional<SourceOfAsset> newest_cloud(const fs::path& folder) {
  const auto best = highest(folder / "point_cloud", "iteration_", "");
  if (!best) return std::nullopt;
  const fs::path file = folder / "point_cloud" / best->second / "point_cloud.ply";
  if (!is_file(file)) return std::nullopt;
  return SourceOfAsset{.file = file, .step = best->first};
}

std::optional<SourceOfAsset> live_frame(const fs::path& folder) {
  const fs::path file = folder / kLiveFrame;
  if (!is_file(file)) return std::nullopt;
  std::array<char, sizeof(asset::LiveFrameHeader)> bytes{};
  std::ifstream in(file, std::ios::binary);
  if (!in.read(bytes.data(), bytes.size())) return std::nullopt;
  const auto header = asset::live_frame_header({bytes.data(), bytes.size()});
  if (!header) return std::nullopt;
  return SourceOfAsset{.file = file, .step = static_cast<int64_t>(header->step)};
}

std::vector<FoundPicture> find_pictures(const fs::path& folder) {
  std::vector<FoundPicture> found;
  const auto add = [&](const char* name, const fs::path& file) {
    if (is_file(folder / file)) found.push_back({{.name = name, .revision = changed_ms(folder / file)}, file});
  };
  const auto views = highest(folder / "test_six_views", "", "");
  const fs::path newest_views = views ? fs::path("test_six_views") / views->second : fs::path();
  if (const auto frame = highest(folder / "process_frames", "", ".png")) {
    add("thumbnail", fs::path("process_frames") / frame->second);
  } else if (const auto view = views ? test_view(folder, newest_views) : std::nullopt) {
    add("thumbnail", *view);
  }
  if (const auto sheet = highest(folder / "train_process", "iteration_", ".png")) {
    add("sheet", fs::path("train_process") / sheet->second);
  }
  if (views) add("result", newest_views / "sheet.png");
  add("before_after", "before_after.png");
  return found;
}

std::optional<Manifest> read_manifest(const fs::path& folder) {
  constexpr size_t kMostBytes = 1 << 20;
  constexpr int64_t kMostSteps = 1'000'000'000;
  const fs::path file = folder / "manifest.json";
  if (!is_file(file)) return std::nullopt;
  nlohmann::json json;
  try {
    json = nlohmann::json::parse(read_file(file, kMostBytes), nullptr, false);
  } catch (const UserError&) {
    return std::nullopt;
  }
  if (!json.is_object()) return std::nullopt;
  const auto integer = [&](const char* key, int64_t limit) -> std::optional<int64_t> {
    const auto at = json.find(key);
    if (at == json.end() || !at->is_number_integer()) return std::nullopt;
    const auto value = at->get<int64_t>();
    if (value < 0 || value > limit) return std::nullopt;
    return value;
  };
  const auto prompt = json.find("prompt");
  const auto iterations = integer("iterations", kMostSteps), seed = integer("seed", int64_t{1} << 53);
  if (prompt == json.end() || !prompt->is_string() || !iterations || !seed) return std::nullopt;
  Manifest manifest{.prompt = prompt->get<std::string>(),
                    .device = "cpu",
                    .seed = *seed,
                    .iterations = *iterations,
                    .gaussians = integer("gaussians", kMostSteps),
                    .written = utc_text(changed_ms(file))};
  if (const auto at = json.find("seconds"); at != json.end() && at->is_number() && std::isfinite(at->get<double>()))
    manifest.seconds = std::max(0.0, at->get<double>());
  if (const auto at = json.find("options"); at != json.end() && at->is_object()) {
    const std::string device = at->contains("device") && at->at("device").is_string() ? at->at("device") : "";
    if (device.starts_with("cuda")) manifest.device = device;
  }
  return manifest;
}

bool has_results_of(const fs::path& folder, std::optional<int64_t> checkpoint) {
  const auto manifest = read_manifest(folder);
  return manifest && checkpoint && manifest->iterations == *checkpoint;
}

std::string utc_text(int64_t milliseconds_since_1970) {
  const auto time = static_cast<time_t>(milliseconds_since_1970 / 1000);
  tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:03}Z", text.data(), milliseconds_since_1970 % 1000);
}

}  // namespace lucid::serve
