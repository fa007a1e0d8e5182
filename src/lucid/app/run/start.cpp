// SPDX-License-Identifier: Apache-2.0
// Opens, identifies and makes the start of a run.
#include "lucid/app/run/start.h"

#include <spdlog/spdlog.h>

#include "lucid/app/file_start.h"
#include "lucid/app/pointe_start.h"
#include "lucid/app/run_options/start_kinds.h"

namespace lucid::app {

RunStart open_start(RunOptions& options) {
  std::optional<EditedAsset> edited = EditedAsset::open(options);
  return {.edited = std::move(edited), .figure = AvatarFigure::open(options), .file = file_start(options)};
}

int64_t first_count(const RunStart& start, const RunOptions& options, bool reads_file) {
  if (start.edited) return start.edited->count();
  return start.file && reads_file ? count_of_file_start(*start.file) : options.train.start.count;
}

nlohmann::json identity_of(const RunStart& start) {
  if (start.edited) return start.edited->identity();
  if (start.figure) return start.figure->identity();
  return start.file ? identity_of(*start.file) : nlohmann::json();
}

nlohmann::json start_weights(const RunOptions& options, FileDigests& digests) {
  nlohmann::json weights = nlohmann::json::object();
  if (options.train.start.kind == kPointE) {
    for (const auto& file : pointe::WeightFiles::in_folder(options.pointe).all())
      weights["pointe/" + file.filename().string()] = digests.of(file);
  }
  if (options.train.start.kind == kLearnedStart)
    weights["shape.safetensors"] = digests.of(shape::weights_file(shape_model()));
  return weights;
}

void draw_learned_start(RunStart& start, const RunOptions& options, torch::Device device) {
  if (options.train.start.kind != kLearnedStart) return;
  start.learned = learned_start(options);
  if (!start.learned->colours) return;
  for (torch::Tensor* parameter : start.learned->colours->parameters()) *parameter = parameter->to(device);
}

std::function<gaussians::Cloud()> start_maker(const RunStart& start, const RunOptions& options, torch::Device device,
                                              const std::atomic<bool>& stop) {
  if (start.edited) return [&start] { return start.edited->changing(); };
  if (start.figure) return [&start, &options] { return start.figure->start(options); };
  if (start.file) return [&start] { return make_file_start(*start.file); };
  if (options.train.start.kind == kPointE)
    return [&options, device, &stop] { return pointe_start(options, device, stop); };
  if (!start.learned) return nullptr;
  return [&start] {
    spdlog::info("starting from {}", start.learned->about);
    return start.learned->cloud;
  };
}

}  // namespace lucid::app
