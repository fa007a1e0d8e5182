// SPDX-License-Identifier: Apache-2.0
// Prepares the shape model's examples, draws batches of them, and compares them with what the network says.
#include "lucid/pretrain/shape/data.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <set>

#include "lucid/base/error.h"
#include "lucid/base/parallel.h"
#include "lucid/base/progress.h"
#include "lucid/base/sha256.h"
#include "lucid/corpus/own_colours.h"
#include "lucid/pretrain/shape/cache.h"
#include "lucid/shape/decoder.h"

namespace lucid::pretrain {
namespace {

constexpr double kOwnColours = 0.4, kOwnColourSaid = 0.3;  // shares of the rows; of those
constexpr double kSynonyms = 0.2;                          // of the rows, where there are any
constexpr double kOccupiedWeight = 1.5;                    // a missing cell of a thin part is worse than one too many
constexpr double kColourWeight = 4, kOffsetWeight = 1, kSpreadWeight = 1;

/// Sets targets of items that share an index with the plan's models.
void render_targets(const corpus::BuildOptions& options, corpus::Plan& plan, ShapeData& data,
                    const std::atomic<bool>& stop) {
  std::vector<corpus::Mesh> meshes(plan.models.size());
  std::vector<std::exception_ptr> thrown(plan.models.size());
  Progress progress(options.progress, "reading models", static_cast<int64_t>(plan.models.size()));
  constexpr size_t kAtOnce = 16;
  const auto for_all = [&](const auto& body) {
    for (size_t begin = 0; begin < plan.models.size() && !stop; begin += kAtOnce) {
      const size_t end = std::min(plan.models.size(), begin + kAtOnce);
      parallel_for(static_cast<int64_t>(end - begin), 1, [&](int64_t i) {
        const size_t at = begin + static_cast<size_t>(i);
        try {
          const corpus::PlannedModel& model = plan.models[at];
          body(at, corpus::read_mesh(*model.archive, model.entry, model.row.yaw));
        } catch (...) {
          thrown[at] = std::current_exception();
        }
      });
      for (size_t at = begin; at < end; ++at) {
        if (thrown[at] != nullptr) std::rethrow_exception(thrown[at]);
      }
      progress.update(static_cast<int64_t>(end), "models", static_cast<double>(end));
    }
  };
  for_all([&](size_t at, const corpus::Mesh& mesh) { plan.models[at].own = corpus::own_colours(mesh); });
  if (stop) return;
  corpus::BuildOptions all = options;
  all.colours = static_cast<int64_t>(corpus::colour_words().size());
  corpus::plan_colours(all, plan);
  for_all([&](size_t at, const corpus::Mesh& mesh) {
    const corpus::PlannedModel& model = plan.models[at];
    ShapeItem& item = data.items[at];
    item.own_colour = model.own.dominant;
    for (const std::string& colour : model.targets)
      (plan.held_out.contains({item.word, colour}) ? item.held_out : item.colours).push_back(colour);
    const corpus::OkLab from = model.own.largest < 0 ? corpus::OkLab{} : model.own.mean[size_t(model.own.largest)];
    item.target = shape_target(mesh, from, model.targets);
  });
}

/// Identifies what the targets are made from.
std::string targets_key(const corpus::BuildOptions& models) {
  return fmt::format("1 seed {} only '{}' table {}", models.seed, models.only, sha256_of_file(models.table));
}

void read_texts(ShapeData& data, shape::TextReader& reader) {
  std::set<std::string> captions;
  for (const ShapeItem& item : data.items) {
    for (const std::string& name : item.names) {
      captions.insert(name);
      for (const std::string& colour : corpus::colour_words())
        captions.insert(shape::Subject{.name = name, .colour = colour}.caption());
    }
  }
  const std::vector<std::string> list(captions.begin(), captions.end());
  const torch::Tensor vectors = reader.vectors(list);
  for (size_t i = 0; i < list.size(); ++i) data.texts[list[i]] = vectors[static_cast<int64_t>(i)];
}

}  // namespace

std::map<std::string, std::vector<int64_t>> ShapeData::names() const {
  std::map<std::string, std::vector<int64_t>> names;
  for (const ShapeItem& item : items) {
    if (!item.learned) continue;
    for (const std::string& name : item.names) names[name].push_back(item.variant);
  }
  return names;
}

const torch::Tensor& ShapeData::text(const std::string& name, const std::string& colour) const {
  return texts.at(shape::Subject{.name = name, .colour = colour}.caption());
}

std::optional<ShapeData> shape_data(const ShapeSources& sources, shape::TextReader& reader,
                                    const std::atomic<bool>& stop) {
  corpus::Plan plan = corpus::find_models(sources.models);
  ShapeData data;
  std::map<std::string, int64_t> count;
  for (const corpus::PlannedModel& model : plan.models) {
    ShapeItem item{.word = model.row.word, .names = {model.row.word}};
    item.names.insert(item.names.end(), model.row.synonyms.begin(), model.row.synonyms.end());
    item.variant = count[item.word]++;
    data.items.push_back(std::move(item));
    data.credits.push_back(model.entry);
  }
  std::map<std::string, std::vector<size_t>> learned;
  for (size_t i = 0; i < data.items.size(); ++i) {
    ShapeItem& item = data.items[i];
    const int64_t models = count[item.word];
    data.variants = std::max(data.variants, models);
    item.learned = !sources.leave_out || models == 1 || item.variant + 1 < models;
    if (item.learned) learned[item.word].push_back(i);
  }
  double sum = 0;
  for (const auto& [word, items] : learned) {
    data.by_word.push_back(items);
    data.word_shares.push_back(sum += std::sqrt(static_cast<double>(items.size())));
  }
  for (double& share : data.word_shares) share /= sum;
  const std::string key = targets_key(sources.models);
  if (sources.cache.empty() || !load_targets(sources.cache, key, data.items)) {
    render_targets(sources.models, plan, data, stop);
    if (stop) return std::nullopt;
    if (!sources.cache.empty()) save_targets(sources.cache, key, data.items);
  }
  read_texts(data, reader);
  return data;
}

std::vector<ShapeRow> draw_shapes(const ShapeData& data, Rng rng, int64_t count) {
  std::vector<ShapeRow> rows;
  for (int64_t i = 0; i < count; ++i) {
    const auto share = std::ranges::upper_bound(data.word_shares, rng.uniform());
    const auto word = std::min(static_cast<size_t>(share - data.word_shares.begin()), data.by_word.size() - 1);
    ShapeRow row{.item = pick(data.by_word[word], rng)};
    const ShapeItem& item = data.items[row.item];
    row.name = rng.chance(kSynonyms) ? pick(item.names, rng) : item.word;
    if (item.colours.empty() || rng.chance(kOwnColours)) {
      row.said_colour = rng.chance(kOwnColourSaid) ? item.own_colour : "";
    } else {
      row.colour = row.said_colour = pick(item.colours, rng);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

ShapeBatch shape_batch(const ShapeData& data, const std::vector<ShapeRow>& rows) {
  std::vector<torch::Tensor> text, cells, rgb, offset, spread;
  std::vector<int64_t> variant;
  for (size_t i = 0; i < rows.size(); ++i) {
    const ShapeItem& item = data.items[rows[i].item];
    text.push_back(data.text(rows[i].name, rows[i].said_colour));
    variant.push_back(item.variant);
    cells.push_back(item.target.cells + static_cast<int64_t>(i) * shape::kCells);
    rgb.push_back(item.target.rgb.at(rows[i].colour));
    offset.push_back(item.target.offset);
    spread.push_back(item.target.spread);
  }
  ShapeBatch batch{.text = torch::stack(text),
                   .variant = torch::tensor(variant, torch::kLong),
                   .occupancy = torch::zeros({static_cast<int64_t>(rows.size()), shape::kCells}),
                   .rows = torch::cat(cells),
                   .rgb = torch::cat(rgb),
                   .offset = torch::cat(offset),
                   .spread = torch::cat(spread)};
  batch.occupancy.view({-1}).index_fill_(0, batch.rows, 1);
  return batch;
}

torch::Tensor shape_loss(const torch::Tensor& raw, const ShapeBatch& batch) {
  const torch::Tensor logits = shape::occupancy_logits(raw).to(torch::kFloat);
  const torch::Tensor entropy = torch::binary_cross_entropy_with_logits(
      logits, batch.occupancy, {}, torch::full({1}, kOccupiedWeight), at::Reduction::Sum);
  const torch::Tensor occupied = raw.reshape({-1, shape::kChannels}).index_select(0, batch.rows).to(torch::kFloat);
  const auto apart = [](const torch::Tensor& a, const torch::Tensor& b) { return (a - b).abs().sum(); };
  return (entropy + kColourWeight * apart(shape::colours_of(occupied), batch.rgb) +
          kOffsetWeight * apart(shape::offsets_of(occupied), batch.offset) +
          kSpreadWeight * apart(shape::spreads_of(occupied), batch.spread)) /
         static_cast<double>(std::max<int64_t>(1, batch.rows.size(0)));
}

}  // namespace lucid::pretrain
