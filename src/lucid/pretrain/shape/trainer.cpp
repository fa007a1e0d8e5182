// SPDX-License-Identifier: Apache-2.0
// Training, measurement and files of the shape model.
#include "lucid/pretrain/shape/trainer.h"

#include <spdlog/spdlog.h>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/sha256.h"
#include "lucid/pretrain/export.h"
#include "lucid/pretrain/low_precision.h"
#include "lucid/pretrain/replicas.h"
#include "lucid/pretrain/shape/card.h"
#include "lucid/pretrain/shape/measure.h"

namespace lucid::pretrain {
namespace fs = std::filesystem;
namespace {

constexpr const char* kStage = "shape";

StageSizes stage_sizes(const ShapeRequest& request) {
  return {.steps = request.steps,
          .batch = request.batch,
          .optimiser = {.rate = request.rate,
                        .weight_decay = 0.01,
                        .adamw_names = {"code_embedding.", "plane.", "conv_out."}},
          .ema_decay = 0.99};
}

void check(const ShapeRequest& request) {
  const auto refuse = [](const char* key, const std::string& what) {
    throw UserError(UserMistake{.what_happened = what, .key = key});
  };
  if (request.steps < 1) refuse("--steps", "must be at least 1");
  if (request.batch < 1) refuse("--batch", "must be at least 1");
  if (request.width < 1 || request.width % (2 * shape::kNormGroups) != 0)
    refuse("--width", fmt::format("{} is not a multiple of {}", request.width, 2 * shape::kNormGroups));
  if (!request.resume) refuse_second_run(request.out);
}

/// All that the examples depend on.
std::string data_key(const ShapeRequest& request, const shape::TextReader& reader) {
  const shape::DecoderConfig sizes{.code_width = request.code_width, .hidden = request.hidden, .width = request.width};
  return sha256_of_bytes(fmt::format("{} {} {} {} {} {} {} {}", read_file(request.models.table), request.models.only,
                                     request.models.seed, request.leave_out, reader.sha256, sizes.code_width,
                                     sizes.hidden, sizes.width))
      .substr(0, 16);
}

}  // namespace

bool train_shape(const ShapeRequest& request, const RunOptions& run_options) {
  check(request);
  RunOptions run = run_options;
  const std::atomic<bool> never{false};
  shape::TextReader reader = shape::TextReader::open(request.prior);
  run.corpus_key = data_key(request, reader);
  make_folder(request.out / "cache");
  const ShapeSources sources{
      .models = request.models, .leave_out = request.leave_out, .cache = request.out / "cache/targets.safetensors"};
  const auto data = shape_data(sources, reader, run.stop != nullptr ? *run.stop : never);
  if (!data) return false;
  const shape::Description description{.decoder = {.text_width = reader.encoder->config().hidden_size,
                                                   .variants = data->variants,
                                                   .code_width = request.code_width,
                                                   .hidden = request.hidden,
                                                   .width = request.width},
                                       .names = data->names(),
                                       .colours = corpus::colour_words(),
                                       .text_sha256 = reader.sha256};
  torch::manual_seed(run.seed);
  shape::Decoder decoder(description.decoder), averaged(description.decoder);
  int64_t parameters = 0;
  for (const torch::Tensor& p : decoder->parameters()) parameters += p.numel();
  spdlog::info("{} models of {} words, {} parameters", data->items.size(), data->by_word.size(), parameters);
  auto replicas = make_replicas(decoder, run.threads);
  const tensor::Workers workers = run.workers();
  Stage stage{.name = kStage, .sizes = stage_sizes(request)};
  TrainingState training(*decoder, stage.sizes);
  stage.gradients = [&](int64_t step) {
    const auto rows = draw_shapes(*data, Rng(run.seed, "shapes", static_cast<uint64_t>(step)), stage.sizes.batch);
    const auto count = static_cast<int64_t>(rows.size());
    return parallel_backward(workers, replicas, count, [&](shape::Decoder& replica, const tensor::Share& share) {
      const ShapeBatch mine = shape_batch(*data, {rows.begin() + share.begin, rows.begin() + share.end});
      torch::Tensor raw;
      {
        const LowPrecision low(run.low_precision, run.device.type());
        raw = replica->forward(mine.text, mine.variant);
      }
      return shape_loss(raw, mine) * (static_cast<double>(share.size()) / static_cast<double>(count));
    });
  };
  stage.measure = [&](int64_t) {
    training.ema.copy_to(*averaged);
    return measure_shapes(averaged, *data);
  };
  stage.saved = [&] {
    training.ema.copy_to(*averaged);
    shape::save_model(request.out, description, named_weights(*averaged));
    write_shape_card(request, *data);
    write_file(request.out / "NOTICE.md", corpus::notice_text(data->credits));
  };
  return run_stage(stage, training, run);
}

}  // namespace lucid::pretrain
