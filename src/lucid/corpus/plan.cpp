// SPDX-License-Identifier: Apache-2.0
// Chooses the colours of each model and the held-out combinations. Every model has its own random stream, so adding a
// model does not change the others.
#include "lucid/corpus/plan.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "lucid/base/error.h"
#include "lucid/base/rng.h"

namespace lucid::corpus {
namespace fs = std::filesystem;
namespace {

constexpr double kHeldOutShare = 0.05;    // of the (word, colour) combinations that no model has by itself
constexpr double kFullModels = 3;         // with n models of a word each gets sqrt(kFullModels / n) of the views …
constexpr double kLeastViewShare = 0.4;   // … but no less than this share, and at most all
constexpr double kLeastRecoloured = 0.3;  // a model is recoloured if its largest colour covers this share

std::vector<fs::path> libraries(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".sh3f") files.push_back(entry.path());
  }
  if (files.empty()) {
    throw UserError({.what_happened = "no furniture libraries (.sh3f) here",
                     .file = folder.string(),
                     .hint = "install Debian's package sweethome3d-furniture, or name their folder with --library"});
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

Plan find_models(const BuildOptions& options) {
  struct Found {
    CatalogueEntry entry;
    std::shared_ptr<const Archive> archive;
  };
  std::map<std::string, Found> known;
  for (const fs::path& file : libraries(options.library)) {
    const auto archive = std::make_shared<const Archive>(file);
    for (CatalogueEntry& entry : read_catalogue(*archive)) known.try_emplace(entry.id, Found{entry, archive});
  }
  Plan plan;
  for (TableRow& row : read_table(options.table)) {
    if (!options.only.empty() && row.word != options.only) continue;
    const auto found = known.find(row.id);
    if (found == known.end()) {
      throw UserError({.what_happened = fmt::format("no library in {} has this model", options.library.string()),
                       .file = options.table.string(),
                       .key = row.id,
                       .hint = "take the line out, or install the library that has it"});
    }
    plan.models.push_back({.row = std::move(row),
                           .entry = found->second.entry,
                           .archive = found->second.archive,
                           .own = {},
                           .targets = {}});
  }
  if (plan.models.empty()) {
    throw UserError({.what_happened = options.only.empty() ? "keeps no models"
                                                           : fmt::format("has no models called \"{}\"", options.only),
                     .file = options.table.string(),
                     .hint = "see its second column"});
  }
  std::map<std::string, double> count;
  for (const PlannedModel& model : plan.models) ++count[model.row.word];
  for (PlannedModel& model : plan.models) {
    model.view_share = std::clamp(std::sqrt(kFullModels / count[model.row.word]), kLeastViewShare, 1.0);
  }
  return plan;
}

void plan_colours(const BuildOptions& options, Plan& plan) {
  std::set<Combination> natural;
  for (const PlannedModel& model : plan.models) natural.emplace(model.row.word, model.own.dominant);
  for (const PlannedModel& model : plan.models) {
    for (const std::string& colour : colour_words()) {
      const Combination combination{model.row.word, colour};
      Rng rng(options.seed, fmt::format("corpus: held out {} {}", colour, model.row.word));
      if (rng.chance(kHeldOutShare) && !natural.contains(combination)) plan.held_out.insert(combination);
    }
  }
  for (PlannedModel& model : plan.models) {
    if (!model.row.recolours || model.own.largest < 0) continue;
    const auto largest = static_cast<size_t>(model.own.largest);
    if (model.own.share[largest] < kLeastRecoloured) continue;
    std::vector<std::string> others = colour_words();
    if (largest < others.size()) others.erase(others.begin() + model.own.largest);
    Rng rng(options.seed, "corpus: colours of " + model.row.id);
    for (int64_t i = 0; i < std::min<int64_t>(options.colours, static_cast<int64_t>(others.size())); ++i) {
      std::swap(others[static_cast<size_t>(i)],
                others[static_cast<size_t>(rng.integer(i, static_cast<int64_t>(others.size())))]);
      model.targets.push_back(others[static_cast<size_t>(i)]);
    }
  }
}

}  // namespace lucid::corpus
