// SPDX-License-Identifier: Apache-2.0
// Close-up metrics of the corpus's models, and their JSON file.
#include "lucid/eval/real_close_up.h"

#include <omp.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/parallel.h"
#include "lucid/base/progress.h"
#include "lucid/corpus/plan.h"
#include "lucid/corpus/views.h"
#include "lucid/json/json_config.h"

namespace lucid::eval {
namespace {

constexpr int64_t kRealViews = 8;
constexpr double kRealElevation = 15;  // degrees, as Framing's polar angle

CloseUp model_close_up(const corpus::Mesh& mesh) {
  const std::vector<corpus::Shot> shots = corpus::even_shots(kRealViews, kRealElevation, /*flat_light=*/false);
  corpus::Pictures pictures(kCloseUpSize, shots.size());
  parallel_for(kRealViews, 1, [&](int64_t view) {
    corpus::Renderer renderer(kCloseUpSize);
    render_shot(renderer, mesh, shots[static_cast<size_t>(view)], static_cast<size_t>(view), pictures);
  });
  const auto as_float = [](std::vector<uint8_t>& bytes, int64_t channels) {
    return torch::from_blob(bytes.data(), {kRealViews, channels, kCloseUpSize, kCloseUpSize}, torch::kUInt8)
               .to(torch::kFloat) /
           255;
  };
  return look_closer(as_float(pictures.rgb, 3), as_float(pictures.alpha, 1));
}

}  // namespace

RealCloseUps measure_real_renders(const corpus::BuildOptions& options, const std::atomic<bool>& stop) {
  const torch::NoGradGuard no_grad;
  const corpus::Plan plan = corpus::find_models(options);
  Progress progress(options.progress, "close-ups", static_cast<int64_t>(plan.models.size()));
  RealCloseUps sums;
  std::map<std::string, double> models, with_energy;
  int64_t done = 0;
  for (const corpus::PlannedModel& model : plan.models) {
    if (stop) break;
    const CloseUp one = model_close_up(corpus::read_mesh(*model.archive, model.entry, model.row.yaw));
    CloseUp& sum = sums[model.row.word];
    if (one.fine_energy) {
      sum.fine_energy = sum.fine_energy.value_or(0) + *one.fine_energy;
      ++with_energy[model.row.word];
    }
    sum.floater_share += one.floater_share;
    sum.haze += one.haze;
    sum.largest_floater = std::max(sum.largest_floater, one.largest_floater);
    ++models[model.row.word];
    ++done;
    progress.update(done, "models", static_cast<double>(done));
  }
  for (auto& [word, sum] : sums) {
    if (sum.fine_energy) *sum.fine_energy /= with_energy[word];
    sum.floater_share /= models[word];
    sum.haze /= models[word];
  }
  return sums;
}

void save_real_close_ups(const std::filesystem::path& folder, const RealCloseUps& real) {
  nlohmann::json words = nlohmann::json::object();
  for (const auto& [word, one] : real) {
    words[word] = {{"floater_share", one.floater_share}, {"haze", one.haze}, {"largest_floater", one.largest_floater}};
    if (one.fine_energy) words[word]["fine_energy"] = *one.fine_energy;
  }
  write_file(folder / kRealCloseUpFile, nlohmann::json{{"size", kCloseUpSize}, {"words", words}}.dump(1) + "\n");
}

RealCloseUps load_real_close_ups(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / kRealCloseUpFile;
  std::error_code none;
  if (!std::filesystem::exists(file, none)) return {};
  const nlohmann::json json = read_json_object(file);
  RealCloseUps result;
  try {
    for (const auto& [word, entry] : json.at("words").items()) {
      CloseUp& one = result[word];
      if (entry.contains("fine_energy")) one.fine_energy = entry.at("fine_energy").get<double>();
      one.floater_share = entry.at("floater_share");
      one.haze = entry.at("haze");
      one.largest_floater = entry.at("largest_floater");
    }
  } catch (const nlohmann::json::exception& error) {
    throw UserError({.what_happened = error.what(),
                     .file = file.string(),
                     .key = "words",
                     .hint = "`lucid prior judge --close-up` writes it"});
  }
  return result;
}

}  // namespace lucid::eval
