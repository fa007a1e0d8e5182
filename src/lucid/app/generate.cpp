// SPDX-License-Identifier: Apache-2.0
// Puts a run together: start, prior, prompts, score, trainer, manifest.
#include "lucid/app/generate.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>
#include <optional>

#include "lucid/app/export.h"
#include "lucid/app/live_view.h"
#include "lucid/app/memory/memory_limit.h"
#include "lucid/app/mesh_guide.h"
#include "lucid/app/multi_view_phase.h"
#include "lucid/app/prior.h"
#include "lucid/app/run/folder.h"
#include "lucid/app/run/record.h"
#include "lucid/app/run/start.h"
#include "lucid/app/run/texts.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/machine.h"
#include "lucid/base/progress.h"
#include "lucid/pointe/point_e.h"
#include "lucid/tensor/cuda_cards.h"
#include "lucid/train/trainer.h"
#include "lucid/upscale/model.h"

namespace lucid::app {
namespace fs = std::filesystem;
namespace {

/// Keys of a reference file that are ignored although they would matter there.
void warn_of_ignored(const config::OptionTable& table) {
  for (const config::ForeignKey* key : table.ignored())
    spdlog::warn("{}:{}: {} = {} is ignored. {}", key->file, key->line, key->shown_name(), key->value, key->about);
}

/// The options that concern the prior of most steps: with two priors, --prior and its config are those of the first.
RunOptions of_main_prior(RunOptions options) {
  if (!has_two_priors(options)) return options;
  options.model_key = options.refine_prior;
  options.prior_config.clear();
  return options;
}

/// The prior, checked against the options. The run is fitted into the memory that there is: see keep_within_memory().
text_to_image::Prior open_fitting_prior(RunOptions& options, int64_t gaussians, double free_on_card) {
  text_to_image::Prior prior = open_prior(of_main_prior(options));
  check_score_suits(options, prior);
  check_sizes(options.train, prior);
  keep_within_memory(options, prior, gaussians, free_on_card);
  prior.told_height = options.train.views.height;
  prior.told_width = options.train.views.width;
  return prior;
}

/// SHA-256 of all weights and meshes that a run computes with.
nlohmann::json all_weights(const RunOptions& options, const text_to_image::Prior& prior, const MultiViewPhase* first,
                           FileDigests& digests) {
  nlohmann::json weights = weight_hashes(prior, digests);
  if (first != nullptr) {
    const nlohmann::json before = weight_hashes(first->prior(), digests);
    for (const auto& [name, hash] : before.items()) weights["first/" + name] = hash;
  }
  if (!options.controlnet_mesh.empty())
    weights[fs::path(options.controlnet_mesh).filename().string()] = digests.of(options.controlnet_mesh);
  weights.update(start_weights(options, digests));
  if (uses_upscaler(options)) weights["upscale.safetensors"] = digests.of(upscale::weights_file(upscaler_folder()));
  return weights;
}

std::optional<upscale::Network> open_upscaler(const RunOptions& options) {
  if (!uses_upscaler(options)) return std::nullopt;
  upscale::Network network = upscale::open_network(upscaler_folder());
  network->to(device_of(options));
  return network;
}

train::Begin begin_of(const RunOptions& options) {
  if (options.finish) return train::Begin::kWithResults;
  return options.resume ? train::Begin::kFromCheckpoint : train::Begin::kAnew;
}

/// What a run shows while it computes: its progress, and the newest Gaussians for a viewer.
class RunDisplay {
 public:
  explicit RunDisplay(const RunOptions& options)
      : name_(options.workspace),
        steps_(options.train.all_steps()),
        style_(Progress::style_from_name(options.progress)),
        stages_(style_, name_) {
    if (!options.live.empty()) live_.emplace(options.live, steps_);
  }

  void begin(const train::Scene& scene, const train::Model& model) {
    steps_bar_.emplace(style_, name_, steps_, model.iteration);
    show(scene, model);
  }
  void step(const train::Scene& scene, const train::StepReport& report, const train::Model& model) {
    steps_bar_->update(model.iteration, "score", report.score_norm,
                       {{"gaussians", static_cast<double>(model.cloud.count())}});
    show(scene, model);
  }
  void results() {
    steps_bar_.reset();  // ends the bar's line
    stages_.begin("writing results");
  }
  void end(const train::Model& model) {
    stages_.end();
    if (live_) live_->keep(model.cloud, model.iteration);
  }
  Progress::Style style() const { return style_; }

 private:
  void show(const train::Scene& scene, const train::Model& model) {
    if (live_) live_->show([&] { return train::shown_cloud(scene, model.cloud); }, model.iteration);
  }

  std::string name_;
  int64_t steps_;
  Progress::Style style_;
  std::optional<Progress> steps_bar_;
  StageProgress stages_;
  std::optional<LiveView> live_;
};

}  // namespace

int generate(RunOptions& options, config::OptionTable& table, const std::atomic<bool>& stop,
             const std::string& commit) try {
  const auto begin = std::chrono::steady_clock::now();
  finish_options(options, table);
  if (!options.avatar.preview.empty()) return preview_figure(options);
  const fs::path root = run_folder(options);
  warn_of_ignored(table);
  check_folder(options);
  if (options.low_memory || !options.memory.empty()) return_large_blocks_to_os();

  // What is read: the start, the priors, the texts.
  RunStart start = open_start(options);
  const double free_on_card = options.device == "cpu" ? 0 : static_cast<double>(tensor::free_card_bytes());
  const bool has_limit = !options.memory.empty() || free_on_card > 0;
  const int64_t gaussians = first_count(start, options, /*reads_file=*/has_limit);
  text_to_image::Prior prior = open_fitting_prior(options, gaussians, free_on_card);
  const auto first = MultiViewPhase::open(options, table);
  check_joint_views(options.train, prior);
  const RunTexts texts = embed_texts(prior, options, start);
  prior.encoder = nullptr;  // it has said all it has to say, and SDXL's two are 1.6 GB
  prior.second.reset();
  const auto distiller = distill::make_distiller(options.train.score);
  FileDigests digests;
  const RunInputs inputs{.options = options,
                         .table = table,
                         .prior = prior,
                         .first = first.get(),
                         .weights = all_weights(options, prior, first.get(), digests),
                         .start = identity_of(start)};
  const torch::Device device = device_of(options);
  std::optional<upscale::Network> upscaler = open_upscaler(options);
  const auto control_images = start.figure ? start.figure->control_images(options) : shown_mesh(options);
  draw_learned_start(start, options, device);
  prepare_folder(options);

  // The scene: what a step computes with.
  diffusion::UNetDenoiser denoiser(prior.unet, compute_options(options), open_control(options, prior));
  diffusion::ImageEncoder encoder(prior.vae, compute_options(options));
  std::optional<train::EditScene> edit;
  if (start.edited) edit.emplace(start.edited->scene(*texts.source, device));
  std::optional<train::CloseUp> close_up;
  if (texts.head) close_up.emplace(start.figure->head(*texts.head, options.avatar));
  const train::Scene scene{.options = options.train,
                           .prior = prior,
                           .encoder = encoder,
                           .denoiser = denoiser,
                           .prompts = texts.prompts,
                           .distiller = *distiller,
                           .control_images = control_images,
                           .device = device,
                           .close_up = close_up ? &*close_up : nullptr,
                           .colours = start.learned && start.learned->colours ? &*start.learned->colours : nullptr,
                           .upscaler = upscaler ? &*upscaler : nullptr,
                           .edit = edit ? &*edit : nullptr};

  // The training.
  RunDisplay display(options);
  train::TrainCallbacks callbacks;
  callbacks.on_start = [&](const train::Model& model) {
    write_file(root / "effective_config.yaml", table.dump_yaml());
    if (first) write_file(root / "multi_view_config.yaml", first->bound().table.dump_yaml());
    display.begin(scene, model);
  };
  callbacks.on_step = [&](const train::StepReport& report, const train::Model& model) {
    display.step(scene, report, model);
  };
  if (first) callbacks.on_first_prior_done = [&] { first->release(); };
  callbacks.on_results = [&] { display.results(); };
  callbacks.on_warning = [](const std::string& text) { spdlog::warn("{}", text); };
  callbacks.stop = &stop;
  callbacks.start = start_maker(start, options, device, stop);
  const train::Workspace workspace{root};
  const train::TrainResult result =
      train::train(first ? first->before(scene) : scene, workspace, run_key(inputs), begin_of(options), callbacks);
  const train::Model& model = result.model;
  display.end(model);
  if (result.stopped) {
    spdlog::info("stopped after step {}; go on with --resume", model.iteration);
    return 130;
  }
  if (result.failed) {
    report_failure(options, result);
    return kNumbersFailed;
  }
  forget_failure(options);

  // The record, then further formats, which it lists as well.
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  nlohmann::json manifest =
      manifest_of(inputs, result, {.seconds = seconds, .first_count = gaussians, .commit = commit}, digests);
  if (start.edited) manifest["edit"] = start.edited->write_comparison(workspace, model.cloud, options.train);
  const auto write_manifest = [&] {
    manifest["outputs_sha256"] = outputs_of(root);
    write_file(root / "manifest.json", manifest.dump(2) + "\n");
  };
  write_manifest();
  const fs::path sheet = workspace.test_views(model.iteration) / "sheet.png";
  spdlog::info("{}: {} Gaussians in {:.0f} s, {} MB at most; look at {}", options.text, model.cloud.count(), seconds,
               peak_memory_mb(), (start.edited ? root / "before_after.png" : sheet).string());
  const auto targets = targets_in(root, options.workspace, parse_format_names(options.export_formats, "export"));
  if (targets.empty()) return 0;
  export_asset({.cloud = model.cloud,
                .file = workspace.point_cloud(model.iteration),
                .name = options.workspace,
                .title = options.text},
               targets, {}, display.style());
  write_manifest();
  return 0;
} catch (const pointe::Stopped&) {
  spdlog::info("stopped before the first step");
  return 130;
}

}  // namespace lucid::app
