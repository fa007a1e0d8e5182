// SPDX-License-Identifier: Apache-2.0
// Builds a corpus in two passes over the models: measure their colours, then render. Models are processed in batches,
// in parallel, and written in table order.
#include "lucid/corpus/build.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>

#include "lucid/asset/pictures/image.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/parallel.h"
#include "lucid/corpus/captions.h"
#include "lucid/corpus/own_colours.h"
#include "lucid/corpus/plan.h"
#include "lucid/corpus/recolour.h"
#include "lucid/corpus/shards.h"
#include "lucid/corpus/views.h"

namespace lucid::corpus {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kSheetViews = 4;    // azimuths 0, 90, 180, 270; the last is not shown
constexpr int64_t kSheetColumns = 4;  // models per row
constexpr double kSheetElevation = 15;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// parallel_for for bodies that may throw: rethrows the exception of the lowest index.
template <class Body>
void for_each_parallel(size_t count, const Body& body) {
  std::vector<std::exception_ptr> thrown(count);
  parallel_for(static_cast<int64_t>(count), 1, [&](int64_t i) {
    try {
      body(static_cast<size_t>(i));
    } catch (...) {
      thrown[static_cast<size_t>(i)] = std::current_exception();
    }
  });
  for (const std::exception_ptr& exception : thrown) {
    if (exception != nullptr) std::rethrow_exception(exception);
  }
}

/// One item of the corpus, with its mesh, camera poses and rendered pictures.
struct Job {
  Item item;
  std::shared_ptr<const Mesh> mesh;
  std::vector<Shot> shots;
  Pictures pictures;
};

/// The items of one model, not yet rendered. A recolouring whose measured colour is not the intended word is dropped.
std::vector<Job> jobs_of(const BuildOptions& options, const Plan& plan, const PlannedModel& model) {
  const auto mesh = std::make_shared<const Mesh>(read_mesh(*model.archive, model.entry, model.row.yaw));
  std::vector<Job> jobs;
  const auto scaled = [&](int64_t views) {
    return std::max<int64_t>(1, std::llround(static_cast<double>(views) * model.view_share));
  };
  const auto groups_beside = [&](int64_t views) {
    const double share = static_cast<double>(views) / static_cast<double>(options.views) * model.view_share;
    return options.groups == 0 ? 0 : std::max<int64_t>(1, std::llround(static_cast<double>(options.groups) * share));
  };
  const auto add = [&](std::shared_ptr<const Mesh> shape, const std::string& colour, const std::string& stream,
                       int64_t views) -> Job& {
    Rng rng(options.seed, fmt::format("corpus: {} of {}", stream, model.row.id)),
        group_rng(options.seed, fmt::format("corpus: {} in groups of {}", stream, model.row.id));
    Job job{.item = {.object = model.row.id,
                     .word = model.row.word,
                     .colour = colour,
                     .captions = captions({.word = model.row.word,
                                           .synonyms = model.row.synonyms,
                                           .colour = colour,
                                           .recoloured = shape != mesh}),
                     .recoloured = shape != mesh,
                     .mirrors = model.row.mirrors,
                     .groups = groups_beside(views)},
            .mesh = std::move(shape),
            .shots = random_shots(scaled(views), rng),
            .pictures = {}};
    std::ranges::copy(grouped_shots(job.item.groups, group_rng), std::back_inserter(job.shots));
    job.pictures = Pictures(options.size, job.shots.size());
    jobs.push_back(std::move(job));
    return jobs.back();
  };
  add(mesh, model.own.dominant, "views", options.views);
  for (const std::string& target : model.targets) {
    Rng rng(options.seed, fmt::format("corpus: {} for {}", target, model.row.id));
    const OkLab from = model.own.mean[static_cast<size_t>(model.own.largest)];
    auto changed = std::make_shared<const Mesh>(recoloured(*mesh, from, colour_near(target, rng)));
    if (own_colours(*changed).dominant != target) continue;
    Job& job = add(std::move(changed), target, target + " views", options.recoloured_views);
    job.item.held_out = plan.held_out.contains({model.row.word, target});
  }
  return jobs;
}

void render(const BuildOptions& options, std::vector<Job>& jobs) {
  std::vector<std::pair<size_t, size_t>> shots;  // job, shot
  for (size_t job = 0; job < jobs.size(); ++job) {
    for (size_t shot = 0; shot < jobs[job].shots.size(); ++shot) shots.emplace_back(job, shot);
  }
  std::vector<std::optional<Renderer>> renderers(static_cast<size_t>(omp_get_max_threads()));
  for_each_parallel(shots.size(), [&](size_t i) {
    auto& renderer = renderers[static_cast<size_t>(omp_get_thread_num())];
    if (!renderer) renderer.emplace(options.size);
    Job& job = jobs[shots[i].first];
    render_shot(*renderer, *job.mesh, job.shots[shots[i].second], shots[i].second, job.pictures);
  });
}

torch::Tensor as_tensor(const std::vector<uint8_t>& bytes, int64_t n, int64_t channels, int64_t size) {
  return torch::from_blob(const_cast<uint8_t*>(bytes.data()), {n, channels, size, size}, torch::kUInt8);
}

void write_job(CorpusWriter& writer, const Job& job, int64_t size) {
  const auto n = static_cast<int64_t>(job.shots.size());
  torch::Tensor azimuth = torch::empty({n}), elevation = torch::empty({n});
  for (int64_t i = 0; i < n; ++i) {
    azimuth.data_ptr<float>()[i] = static_cast<float>(job.shots[static_cast<size_t>(i)].azimuth);
    elevation.data_ptr<float>()[i] = static_cast<float>(job.shots[static_cast<size_t>(i)].elevation);
  }
  writer.add(job.item, as_tensor(job.pictures.rgb, n, 3, size), as_tensor(job.pictures.alpha, n, 1, size), azimuth,
             elevation);
}

void write_vocabulary(const std::filesystem::path& file, const Plan& plan) {
  std::set<std::string> names;
  for (const PlannedModel& model : plan.models) {
    names.insert(model.row.word);
    names.insert(model.row.synonyms.begin(), model.row.synonyms.end());
  }
  const nlohmann::json json = {{"names", names}, {"colours", colour_words()}, {"filler", filler_words()}};
  write_file(file, json.dump(1) + "\n");
}

void write_notice(const std::filesystem::path& file, const Plan& plan) {
  std::vector<CatalogueEntry> used;
  for (const PlannedModel& model : plan.models) used.push_back(model.entry);
  write_file(file, notice_text(used));
}

void write_sheet(const BuildOptions& options, const Plan& plan) {
  const std::vector<Shot> shots = even_shots(kSheetViews, kSheetElevation, false);
  std::vector<std::vector<torch::Tensor>> models(plan.models.size());
  for_each_parallel(plan.models.size(), [&](size_t m) {
    const PlannedModel& model = plan.models[m];
    const Mesh mesh = read_mesh(*model.archive, model.entry, model.row.yaw);
    Renderer renderer(options.size);
    Pictures pictures(options.size, shots.size());
    for (size_t i = 0; i + 1 < shots.size(); ++i) render_shot(renderer, mesh, shots[i], i, pictures);
    const torch::Tensor all = as_tensor(pictures.rgb, kSheetViews, 3, options.size).to(torch::kFloat32) / 255;
    for (int64_t i = 0; i < kSheetViews - 1; ++i) models[m].push_back(all[i]);
  });
  std::vector<std::vector<torch::Tensor>> rows;
  for (size_t m = 0; m < models.size(); ++m) {
    if (m % kSheetColumns == 0) rows.emplace_back();
    rows.back().insert(rows.back().end(), models[m].begin(), models[m].end());
  }
  while (rows.back().size() < rows.front().size()) rows.back().push_back(torch::ones({3, options.size, options.size}));
  asset::write_png(options.sheet, asset::contact_sheet(rows));
}

void measure(const BuildOptions& options, Plan& plan, const std::atomic<bool>& stop) {
  Progress progress(options.progress, "measuring colours", static_cast<int64_t>(plan.models.size()));
  const auto batch = static_cast<size_t>(8 * omp_get_max_threads());
  for (size_t begin = 0; begin < plan.models.size() && !stop; begin += batch) {
    const size_t end = std::min(plan.models.size(), begin + batch);
    for_each_parallel(end - begin, [&](size_t i) {
      PlannedModel& model = plan.models[begin + i];
      model.own = own_colours(read_mesh(*model.archive, model.entry, model.row.yaw));
    });
    progress.update(static_cast<int64_t>(end), "models", static_cast<double>(end));
  }
}

}  // namespace

BuildReport build_corpus(const BuildOptions& options, const std::atomic<bool>& stop) {
  const auto start = Clock::now();
  BuildReport report;
  Plan plan = find_models(options);
  if (!options.sheet.empty()) write_sheet(options, plan);
  if (!options.out.empty()) {
    measure(options, plan, stop);
    plan_colours(options, plan);
    CorpusWriter writer(options.out, options.size);
    Progress progress(options.progress, "rendering", static_cast<int64_t>(plan.models.size()));
    const auto batch = static_cast<size_t>(2 * omp_get_max_threads());
    for (size_t begin = 0; begin < plan.models.size(); begin += batch) {
      if (stop) return report;
      const size_t end = std::min(plan.models.size(), begin + batch);
      std::vector<std::vector<Job>> parts(end - begin);
      for_each_parallel(end - begin, [&](size_t i) { parts[i] = jobs_of(options, plan, plan.models[begin + i]); });
      std::vector<Job> jobs;
      for (auto& part : parts) std::move(part.begin(), part.end(), std::back_inserter(jobs));
      const auto render_start = Clock::now();
      render(options, jobs);
      report.render_seconds += seconds_since(render_start);
      for (const Job& job : jobs) {
        write_job(writer, job, options.size);
        ++report.items;
        report.held_out_items += job.item.held_out;
        report.views += static_cast<int64_t>(job.shots.size());
        report.groups += job.item.groups;
      }
      progress.update(static_cast<int64_t>(end), "views/s",
                      static_cast<double>(report.views) / std::max(report.render_seconds, 1e-9));
    }
    write_vocabulary(options.out / "vocabulary.json", plan);
    write_notice(options.out / "NOTICE.md", plan);
    writer.finish();
  }
  std::set<std::string> words;
  for (const PlannedModel& model : plan.models) words.insert(model.row.word);
  report.words = static_cast<int64_t>(words.size());
  report.models = static_cast<int64_t>(plan.models.size());
  report.held_out_combinations = static_cast<int64_t>(plan.held_out.size());
  report.seconds = seconds_since(start);
  return report;
}

}  // namespace lucid::corpus
