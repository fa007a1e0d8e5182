// SPDX-License-Identifier: Apache-2.0
// Puts a run together: prior, prompts, distiller, trainer, manifest.
#include "lucid/app/generate.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>

#include "lucid/app/avatar_figure.h"
#include "lucid/app/edited_asset.h"
#include "lucid/app/export.h"
#include "lucid/app/file_start.h"
#include "lucid/app/learned_start.h"
#include "lucid/app/live_view.h"
#include "lucid/app/memory/memory_limit.h"
#include "lucid/app/mesh_guide.h"
#include "lucid/app/multi_view_phase.h"
#include "lucid/app/pointe_start.h"
#include "lucid/app/prior.h"
#include "lucid/app/provenance/provenance.h"
#include "lucid/app/run_options/start_kinds.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/machine.h"
#include "lucid/base/progress.h"
#include "lucid/base/sha256.h"
#include "lucid/tensor/cuda_cards.h"
#include "lucid/text_to_image/vocabulary/vocabulary.h"
#include "lucid/train/checkpoint.h"
#include "lucid/train/trainer.h"
#include "lucid/upscale/model.h"

namespace lucid::app {
namespace fs = std::filesystem;
namespace {

/// Warns of words the prior never saw; throws when it knows none of them.
void check_words(const text_to_image::Prior& prior, const std::string& text) {
  auto vocabulary = text_to_image::load_vocabulary(prior.folder);
  if (!vocabulary) return;
  vocabulary->names.insert(vocabulary->names.end(), prior.added_words.begin(), prior.added_words.end());
  const text_to_image::PromptCheck check = text_to_image::check_prompt(*vocabulary, text);
  for (size_t i = 0; i < check.unknown.size(); ++i) {
    const auto& near = check.suggestions[i];
    spdlog::warn("the prior does not know the word '{}'{}", check.unknown[i],
                 near.empty() ? "; `lucid info words` lists the words it knows"
                              : fmt::format("; did you mean {}?", fmt::join(near, " or ")));
  }
}

/// `first`: the options of the steps of another prior before; null if there are none.
std::string run_key(const config::OptionTable& table, const config::OptionTable* first, const nlohmann::json& weights,
                    const nlohmann::json& start) {
  nlohmann::json options = table.dump_result_json();
  if (options["device"] != "cpu") options["device"] = "cuda";  // a run may go on on another card
  nlohmann::json key = {{"options", options}, {"weights", weights}};
  if (!start.is_null()) key["start"] = start;
  if (first != nullptr) key["first"] = first->dump_result_json();
  return sha256_of_bytes(key.dump());
}

nlohmann::json weight_hashes(const text_to_image::Prior& prior, FileDigests& digests) {
  nlohmann::json hashes = nlohmann::json::object();
  for (const fs::path& file : prior.weight_files) {
    const fs::path inside = fs::relative(file, prior.folder);  // of the folder; adapters and single files are not
    const bool is_inside = !inside.empty() && inside != "." && *inside.begin() != "..";
    hashes[(is_inside ? inside : file.filename()).string()] = digests.of(file);
  }
  std::error_code none;
  const fs::path views = prior.folder / "views.json";  // its words are as much a part of the prior
  if (fs::exists(views, none)) hashes["views.json"] = digests.of(views);
  return hashes;
}

/// Keys of a reference file that are ignored although they would matter there.
void warn_of_ignored(const config::OptionTable& table) {
  for (const config::ForeignKey* key : table.ignored())
    spdlog::warn("{}:{}: {} = {} is ignored. {}", key->file, key->line, key->shown_name(), key->value, key->about);
}

/// Refuses to mix two runs in one folder.
void check_workspace(const RunOptions& options, const fs::path& root) {
  if (options.resume || options.overwrite) return;
  std::error_code none;
  const bool finished = fs::exists(root / "manifest.json", none);
  if (!finished && train::checkpoints_in(train::Workspace{root}.checkpoints()).empty()) return;
  throw UserError({.what_happened = finished ? "holds a finished run" : "holds a run that has not ended",
                   .file = root.string(),
                   .hint = "--resume to go on, --overwrite to replace it, --workspace NAME for another folder"});
}

/// What the ControlNet is to look at in place of the renders; null where no mesh was given.
std::function<torch::Tensor(const std::vector<Camera>&)> shown_mesh(const RunOptions& options) {
  if (options.controlnet_mesh.empty()) return nullptr;
  const auto& views = options.train.views;
  const auto refuse = [](const std::string& what) {
    throw UserError({.what_happened = what, .key = "controlnet_mesh"});
  };
  if (views.width != views.height) {
    refuse(fmt::format("a mesh wants square pictures; image_w is {}, image_h {}", views.width, views.height));
  }
  const auto guide = std::make_shared<MeshGuide>(options.controlnet_mesh, static_cast<int>(views.width));
  return [guide](const std::vector<Camera>& cameras) { return guide->disparity(cameras); };
}

constexpr const char* kFailureFile = "failure.json";

/// Says why a run ended whose numbers went wrong too often, and writes the report. Returns the exit code.
int say_failed(const fs::path& root, const train::TrainResult& result, const RunOptions& options) {
  nlohmann::json setbacks = nlohmann::json::array();
  for (const train::BadNumbers& bad : result.setbacks) {
    setbacks.push_back({{"step", bad.step},
                        {"tensor", bad.tensor},
                        {"timestep", bad.t},
                        {"view", bad.view},
                        {"nan", bad.nan},
                        {"inf", bad.infinite},
                        {"too_large", bad.large},
                        {"numbers", bad.all}});
  }
  const train::BadNumbers& last = result.setbacks.back();
  const bool is_half = compute_options(options).dtype != torch::kFloat;
  std::string reason;
  if (last.of_prior && is_half) {
    reason = "the prior's networks overflow in bf16, as some finetunes do: --precision fp32";
  } else if (last.of_prior) {
    reason = "the prior's networks overflow in fp32: its weights are damaged or too large; `lucid prior check` looks";
  } else {
    reason = "lower learning rates or --guidance-scale may hold it";
  }
  write_file(
      root / kFailureFile,
      nlohmann::json{{"reason", reason}, {"saved_step", result.model.iteration}, {"setbacks", setbacks}}.dump(2) +
          "\n");
  spdlog::error("{}; that was once too often ({})", last.text(), reason);
  spdlog::error("the last good state, step {}, is saved: --resume --finish writes its results; {} tells more",
                result.model.iteration, (root / kFailureFile).string());
  return kNumbersFailed;
}

nlohmann::json seconds_json(const train::StepReport::Seconds& s) {
  return {{"render", s.render},
          {"encode", s.encode},
          {"score", s.score},
          {"encode_backward", s.encode_backward},
          {"render_backward", s.render_backward},
          {"update", s.update}};
}

}  // namespace

int generate(RunOptions& options, config::OptionTable& table, const std::atomic<bool>& stop,
             const std::string& commit) try {
  const auto begin = std::chrono::steady_clock::now();
  finish_options(options, table);
  if (!options.avatar.preview.empty()) return preview_figure(options);
  const fs::path root = fs::path(options.output) / options.workspace;
  warn_of_ignored(table);
  check_workspace(options, root);
  std::optional<EditedAsset> edited = EditedAsset::open(options);
  const auto from_file = file_start(options);
  const auto figure = AvatarFigure::open(options);
  if (options.low_memory || !options.memory.empty()) return_large_blocks_to_os();
  RunOptions of_prior = options;
  if (has_two_priors(options)) {  // --prior and its config are those of the first
    of_prior.model_key = options.refine_prior;
    of_prior.prior_config.clear();
  }
  const double free_on_card = options.device == "cpu" ? 0 : static_cast<double>(tensor::free_card_bytes());
  text_to_image::Prior prior = open_prior(of_prior);
  const fs::path& folder = prior.folder;
  check_score_suits(options, prior);
  check_sizes(options.train, prior);
  const bool is_limited = !options.memory.empty() || free_on_card > 0;
  const int64_t first_count = edited                    ? edited->count()
                              : from_file && is_limited ? count_of_file_start(*from_file)
                                                        : options.train.start.count;
  keep_within_memory(options, prior, first_count, free_on_card);
  const auto first = MultiViewPhase::open(options, table);
  prior.told_height = options.train.views.height;
  prior.told_width = options.train.views.width;
  check_joint_views(options.train, prior);
  const int64_t tokens = prior.tokenizer.count(options.text + options.prompt_suffix),
                room = prior.encoder->config().positions - 2;
  check_words(prior, options.text);
  if (tokens > room) spdlog::warn("the prompt has {} tokens; the prior reads the first {}", tokens, room);
  text_to_image::ViewPrompts prompts = run_prompts(prior, options);
  std::optional<text_to_image::ViewPrompts> source_prompts;  // of an edit
  if (edited) {
    check_words(prior, edited->from());
    edited->find_word(prior, options);
    source_prompts = text_to_image::view_prompts(prior, edited->from(), options.negative, options.inverse_text);
    text_to_image::ViewPrompts::share_table(prompts, *source_prompts);
  }
  auto head_prompts = figure ? figure->head_prompts(prior, options) : std::nullopt;
  if (head_prompts) text_to_image::ViewPrompts::share_table(prompts, *head_prompts);
  const nlohmann::json start = edited      ? edited->identity()
                               : figure    ? figure->identity()
                               : from_file ? identity_of(*from_file)
                                           : nlohmann::json();
  prior.encoder = nullptr;  // it has said all it has to say, and SDXL's two are 1.6 GB
  prior.second.reset();
  const auto distiller = distill::make_distiller(options.train.score);
  FileDigests digests;
  nlohmann::json weights = weight_hashes(prior, digests);
  if (first) {
    const nlohmann::json before = weight_hashes(first->prior(), digests);
    for (const auto& [name, hash] : before.items()) weights["first/" + name] = hash;
  }
  const bool shows_mesh = !options.controlnet_mesh.empty();
  const auto shown = figure ? figure->control_images(options) : shown_mesh(options);
  if (shows_mesh) weights[fs::path(options.controlnet_mesh).filename().string()] = digests.of(options.controlnet_mesh);

  const bool has_start = from_file || figure;
  const bool from_pointe = !has_start && options.train.start.kind == kPointE;
  if (from_pointe) {
    for (const fs::path& file : pointe::WeightFiles::in_folder(options.pointe).all())
      weights["pointe/" + file.filename().string()] = digests.of(file);
  }
  const bool is_learned = !has_start && options.train.start.kind == kLearnedStart;
  if (is_learned) weights["shape.safetensors"] = digests.of(shape::weights_file(shape_model()));
  std::optional<upscale::Network> upscaler;
  if (uses_upscaler(options)) {
    upscaler = upscale::open_network(upscaler_folder());
    (*upscaler)->to(device_of(options));
    weights["upscale.safetensors"] = digests.of(upscale::weights_file(upscaler_folder()));
  }
  std::optional<LearnedStart> learned;
  if (is_learned) learned = learned_start(options);

  const train::Workspace workspace{root};
  make_folder(root);
  if (options.overwrite && !options.resume) {
    std::error_code none;  // the manifest first: what is half removed is no finished run
    for (const fs::path& old : {root / "manifest.json", root / kFailureFile, workspace.checkpoints(),
                                workspace.process_frames(), workspace.sheets()}) {
      fs::remove_all(old, none);
    }
  }

  std::optional<LiveView> live;
  if (!options.live.empty()) live.emplace(options.live, options.train.all_steps());
  const Progress::Style style = Progress::style_from_name(options.progress);
  std::optional<Progress> progress;
  StageProgress stages(style, options.workspace);
  diffusion::UNetDenoiser denoiser(prior.unet, compute_options(options), open_control(options, prior));
  diffusion::ImageEncoder encoder(prior.vae, compute_options(options));
  const torch::Device device = device_of(options);
  if (learned && learned->colours) {
    for (torch::Tensor* parameter : learned->colours->parameters()) *parameter = parameter->to(device);
  }
  const std::optional<train::EditScene> edit =
      edited ? std::optional(edited->scene(*source_prompts, device)) : std::nullopt;
  const auto close_up = head_prompts ? std::optional(figure->head(*head_prompts, options.avatar)) : std::nullopt;
  const train::Scene scene{.options = options.train,
                           .prior = prior,
                           .encoder = encoder,
                           .denoiser = denoiser,
                           .prompts = prompts,
                           .distiller = *distiller,
                           .control_images = shown,
                           .device = device,
                           .close_up = close_up ? &*close_up : nullptr,
                           .colours = learned && learned->colours ? &*learned->colours : nullptr,
                           .upscaler = upscaler ? &*upscaler : nullptr,
                           .edit = edit ? &*edit : nullptr};
  train::TrainCallbacks callbacks;
  const auto show = [&](const train::Model& model) {
    if (live) live->show([&] { return train::shown_cloud(scene, model.cloud); }, model.iteration);
  };
  callbacks.on_start = [&](const train::Model& model) {
    write_file(root / "effective_config.yaml", table.dump_yaml());
    if (first) write_file(root / "multi_view_config.yaml", first->bound().table.dump_yaml());
    progress.emplace(style, options.workspace, options.train.all_steps(), model.iteration);
    show(model);
  };
  callbacks.on_step = [&](const train::StepReport& report, const train::Model& model) {
    progress->update(model.iteration, "score", report.score_norm,
                     {{"gaussians", static_cast<double>(model.cloud.count())}});
    show(model);
  };
  callbacks.on_results = [&] {
    progress.reset();  // ends the bar's line
    stages.begin("writing results");
  };
  callbacks.on_warning = [](const std::string& text) { spdlog::warn("{}", text); };
  callbacks.stop = &stop;
  if (edited) callbacks.start = [&] { return edited->changing(); };
  if (figure) callbacks.start = [&] { return figure->start(options); };
  if (from_file) callbacks.start = [&] { return make_file_start(*from_file); };
  if (from_pointe) callbacks.start = [&] { return pointe_start(options, scene.device, stop); };
  if (learned) {
    callbacks.start = [&] {
      spdlog::info("starting from {}", learned->about);
      return learned->cloud;
    };
  }
  const train::Begin how = options.finish   ? train::Begin::kWithResults
                           : options.resume ? train::Begin::kFromCheckpoint
                                            : train::Begin::kAnew;
  const std::string key = run_key(table, first ? &first->bound().table : nullptr, weights, start);
  if (first) callbacks.on_first_prior_done = [&] { first->release(); };
  const train::TrainResult result = train::train(first ? first->before(scene) : scene, workspace, key, how, callbacks);
  stages.end();
  if (live) live->keep(result.model.cloud, result.model.iteration);
  if (result.stopped) {
    spdlog::info("stopped after step {}; go on with --resume", result.model.iteration);
    return 130;
  }
  if (result.failed) return say_failed(root, result, options);
  std::error_code none;
  fs::remove(root / kFailureFile, none);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  nlohmann::json inputs = inputs_of(options, prior, digests);
  if (first) inputs.update(inputs_of(options, first->prior(), digests));
  nlohmann::json manifest = {{"program", "lucid " LUCID_VERSION},
                             {"prompt", options.text},
                             {"seed", options.seed},
                             {"score", options.train.score.score},
                             {"iterations", result.model.iteration},
                             {"gaussians", result.model.cloud.count()},
                             {"prior", folder.filename().string()},
                             {"build", build_of(options, commit)},
                             {"weights_sha256", weights},
                             {"inputs_sha256", inputs},
                             {"start", start},
                             {"options", table.dump_json()},
                             {"seconds", seconds},
                             {"steps_of_last_process", result.steps_here},
                             {"setbacks", result.model.setbacks},
                             {"peak_mb", peak_memory_mb()}};
  if (scene.device.is_cpu()) {
    const int64_t most = std::max(first_count, result.model.cloud.count());
    manifest["estimated_mb"] = std::llround(estimated_bytes(options, prior, most) / 1048576);
  }
  // A GPU is not waited for at the end of a stage: bench_step tells its stages apart.
  if (scene.device.is_cpu()) manifest["stage_seconds"] = seconds_json(result.seconds);
  if (first) {
    manifest["first_prior"] = first->prior().folder.filename().string();
    manifest["first_steps"] = first->steps();
    manifest["first_options"] = first->bound().table.dump_json();
  }
  if (edited) manifest["edit"] = edited->write_comparison(workspace, result.model.cloud, options.train);
  const auto write_manifest = [&] {
    manifest["outputs_sha256"] = outputs_of(root);
    write_file(root / "manifest.json", manifest.dump(2) + "\n");
  };
  write_manifest();
  spdlog::info(
      "{}: {} Gaussians in {:.0f} s, {} MB at most; look at {}", options.text, result.model.cloud.count(), seconds,
      peak_memory_mb(),
      (edited ? root / "before_after.png" : workspace.test_views(result.model.iteration) / "sheet.png").string());
  const auto targets = targets_in(root, options.workspace, parse_format_names(options.export_formats, "export"));
  if (targets.empty()) return 0;
  export_asset({.cloud = result.model.cloud,
                .file = workspace.point_cloud(result.model.iteration),
                .name = options.workspace,
                .title = options.text},
               targets, {}, style);
  write_manifest();
  return 0;
} catch (const pointe::Stopped&) {
  spdlog::info("stopped before the first step");
  return 130;
}

}  // namespace lucid::app
