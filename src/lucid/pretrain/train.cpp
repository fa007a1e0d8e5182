// SPDX-License-Identifier: Apache-2.0
// Runs the three stages, and exports after each.
#include "lucid/pretrain/train.h"

#include <spdlog/spdlog.h>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/sha256.h"
#include "lucid/pretrain/card.h"
#include "lucid/pretrain/data.h"
#include "lucid/pretrain/export.h"
#include "lucid/pretrain/text_trainer.h"
#include "lucid/pretrain/tokenizer_files.h"
#include "lucid/pretrain/unet_trainer.h"
#include "lucid/pretrain/vae_trainer.h"
#include "lucid/tensor/freeze.h"

namespace lucid::pretrain {
namespace fs = std::filesystem;
namespace {

Sizes asked_sizes(const TrainOptions& options) {
  Sizes sizes = sizes_of(options.preset);
  if (options.text_steps > 0) sizes.text_stage.steps = options.text_steps;
  if (options.vae_steps > 0) sizes.vae_stage.steps = options.vae_steps;
  if (options.unet_steps > 0) sizes.unet_stage.steps = options.unet_steps;
  if (options.batch > 0) sizes.unet_stage.batch = options.batch;
  return sizes;
}

void check(const TrainOptions& options) {
  if (options.stage != "all" && options.stage != "text" && options.stage != "vae" && options.stage != "unet") {
    throw UserError(UserMistake{
        .what_happened = "no such stage: " + options.stage, .key = "--stage", .hint = "all, text, vae or unet"});
  }
  if (!options.resume && fs::exists(options.run.folder / "checkpoints")) {
    throw UserError(UserMistake{.what_happened = "holds a training run already",
                                .file = options.run.folder.string(),
                                .hint = "--resume goes on with it"});
  }
}

/// Throws UserError unless the picture size is a multiple of the VAE's and the U-Net's downscale factors together.
void check_pictures(const TrainOptions& options, const corpus::Corpus& corpus, const Sizes& sizes) {
  const int64_t step = sizes.vae.downscale() << (sizes.unet.block_out_channels.size() - 1);
  if (corpus.picture_size() % step == 0) return;
  throw UserError(
      UserMistake{.what_happened = fmt::format("pictures of {} pixels do not fit the preset {}: a multiple of {} would",
                                               corpus.picture_size(), options.preset, step),
                  .file = options.corpus.string()});
}

void copy_notice(const fs::path& corpus, const fs::path& folder) {
  if (fs::exists(corpus / "NOTICE.md")) write_file(folder / "NOTICE.md", read_file(corpus / "NOTICE.md"));
}

}  // namespace

bool train_prior(const TrainOptions& options) {
  check(options);
  Sizes sizes = asked_sizes(options);
  const corpus::Corpus corpus(options.corpus);
  check_pictures(options, corpus, sizes);
  const text_to_image::ViewAnchors anchors = view_anchors();
  const Split split = split_of(corpus);
  const Words words = words_of_corpus(corpus, anchors);
  RunOptions run = options.run;
  run.corpus_key = sha256_of_file(options.corpus / "corpus.json").substr(0, 16);
  const fs::path& folder = run.folder;
  spdlog::info("corpus: {} items of {} words, {} views ({} for training, {} unseen, {} of held-out items)",
               corpus.items().size(), words.names.size(), corpus.view_count(), split.train.size(),
               split.unseen_views.size(), split.unseen_items.size());

  write_tokenizer(folder / "tokenizer", words.tokens);
  const auto tokenizer = text::Tokenizer::from_folder(folder / "tokenizer");
  sizes.text.vocab_size = tokenizer.eos() + 1;
  copy_notice(options.corpus, folder);
  const auto write_configs = [&] { write_prior_configs(folder, sizes, words, corpus.picture_size()); };
  // An existing config.json holds the scaling factor that a finished VAE stage measured.
  if (!fs::exists(folder / "vae/config.json")) write_configs();
  // A stage that was not requested trains no further; its weights come from its checkpoint.
  const auto wanted = [&](const char* stage) { return options.stage == "all" || options.stage == stage; };
  const auto stages = [&](const char* stage, StageSizes& of) {
    if (wanted(stage)) return;
    if (!fs::exists(run.checkpoint(stage))) {
      throw UserError(UserMistake{.what_happened = fmt::format("the stage {} was not trained yet", stage),
                                  .file = run.checkpoint(stage).string(),
                                  .key = "--stage"});
    }
    of.steps = 0;
  };

  // Each stage has its own seed, so that it does not depend on the stages before it.
  torch::manual_seed(run.seed);
  text::Encoder encoder(sizes.text);
  if (options.stage != "vae") {
    stages("text", sizes.text_stage);
    if (!train_text(encoder, tokenizer, sizes.text_stage, corpus, anchors, run)) return false;
    tensor::freeze(encoder);
    write_text_encoder(folder, named_weights(*encoder));
    if (options.stage == "text") return true;
  }

  torch::manual_seed(run.seed + 1);
  sizes.vae.scaling_factor = 1;
  diffusion::Vae learning(sizes.vae);
  stages("vae", sizes.vae_stage);
  if (!train_vae(learning, sizes, corpus, split, run)) return false;
  sizes.vae.scaling_factor = measured_scaling_factor(learning, corpus, split);
  diffusion::Vae vae(sizes.vae);
  for (auto& item : vae->named_parameters()) item.value().data().copy_(learning->named_parameters()[item.key()].data());
  vae->to(run.device);
  tensor::freeze(vae);
  write_vae(folder, named_weights(*vae));
  write_configs();
  spdlog::info("vae: scaling factor {:.5f}", sizes.vae.scaling_factor);
  if (options.stage == "vae") return true;

  auto latents = encode_corpus(vae, corpus, run);
  if (!latents) return false;
  latents->to(run.device);
  torch::manual_seed(run.seed + 2);
  diffusion::UNet unet(sizes.unet);
  for (auto& item : unet->named_parameters()) {
    if (item.key().starts_with("conv_out.")) torch::nn::init::zeros_(item.value());  // the initial prediction is 0
  }
  Embeddings embeddings(encoder, tokenizer, anchors, {.workers = run.workers()});
  const UNetData data{.corpus = corpus, .split = split, .latents = *latents, .embeddings = embeddings, .vae = vae};
  const auto saved = [&](const NamedTensors& averaged) {
    write_unet(folder, averaged);
    write_model_card(options, sizes, words, corpus, split);
  };
  return train_unet(unet, sizes.unet_stage, data, run, saved);
}

}  // namespace lucid::pretrain
