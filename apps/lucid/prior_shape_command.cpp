// SPDX-License-Identifier: Apache-2.0
// lucid prior shape: models to the weights of the shapes that runs start from.
#include "commands.h"
#include "lucid/pretrain/shape/trainer.h"
#include "training_run.h"

namespace lucid::cli {

int run_prior_shape(pretrain::ShapeRequest& request, const std::atomic<bool>& stop) {
  if (request.models.table.empty()) request.models.table = app::data_folder() / "models/corpus/sweethome3d.tsv";
  if (request.prior.empty()) request.prior = app::embedded_prior();
  request.models.progress = Progress::style_from_name(request.progress);
  return run_training(request, stop, pretrain::train_shape);
}

}  // namespace lucid::cli
