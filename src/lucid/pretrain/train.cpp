// SPDX-License-Identifier: Apache-2.0
// Runs the three stages, and exports after each.
#include "lucid/pretrain/train.h"

#include <spdlog/spdlog.h>

#include <optional>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/sha256.h"
#include "lucid/pretrain/card.h"
#include "lucid/pretrain/data.h"
#include "lucid/pretrain/export.h"
#include "lucid/pretrain/multi_view/first_unet.h"
#include "lucid/pretrain/text_trainer.h"
#include "lucid/pretrain/tokenizer_files.h"
#include "lucid/pretrain/unet_trainer.h"
#include "lucid/pretrain/vae_trainer.h"
#include "lucid/tensor/freeze.h"
#include "lucid/text_to_image/prior.h"

namespace lucid::pretrain {
namespace fs = std::filesystem;
namespace {

/// Learning rate of a U-Net that is trained further, to that of a new one. At the full rate 1600 steps did not win back
/// what their first hundred had lost (docs/research/prior-training.md).
constexpr double kFurtherRate = 0.2;

Sizes asked_sizes(const TrainOptions& options) {
  Sizes sizes = sizes_of(options.preset);
  if (options.text_steps > 0) sizes.text_stage.steps = options.text_steps;
  if (options.vae_steps > 0) sizes.vae_stage.steps = options.vae_steps;
  if (options.unet_steps > 0) sizes.unet_stage.steps = options.unet_steps;
  if (options.batch > 0) sizes.unet_stage.batch = options.batch;
  if (options.unet_rate > 0) sizes.unet_stage.optimiser.rate = options.unet_rate;
  if (options.multi_view) make_multi_view(sizes.unet);
  return sizes;
}

void check(const TrainOptions& options) {
  if (options.stage != "all" && options.stage != "text" && options.stage != "vae" && options.stage != "unet") {
    throw UserError(UserMistake{
        .what_happened = "no such stage: " + options.stage, .key = "--stage", .hint = "all, text, vae or unet"});
  }
  if (!options.resume) refuse_second_run(options.run.folder);
  if (!options.from.empty() && (options.stage == "text" || options.stage == "vae")) {
    throw UserError(UserMistake{.what_happened = "with --from only the U-Net is trained", .key = "--stage"});
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

/// What the U-Net is trained on: frozen networks, and a U-Net with its first weights.
struct Networks {
  text::Encoder encoder;
  diffusion::Vae vae;
  diffusion::UNet unet;
};

/// One training, with what its steps share.
struct Training {
  const TrainOptions& options;
  const corpus::Corpus& corpus;
  const Split& split;
  const Words& words;
  RunOptions run;
  Sizes sizes;

  bool wants(const char* stage) const { return options.stage == "all" || options.stage == stage; }
  void write_configs() const { write_prior_configs(run.folder, sizes, words, corpus.picture_size()); }
};

/// A stage that was not requested trains no further; its weights come from its checkpoint. Throws UserError if there is
/// none.
void skip_unless_wanted(const Training& training, const char* stage, StageSizes& sizes) {
  if (training.wants(stage)) return;
  if (!fs::exists(training.run.checkpoint(stage))) {
    throw UserError(UserMistake{.what_happened = fmt::format("the stage {} was not trained yet", stage),
                                .file = training.run.checkpoint(stage).string(),
                                .key = "--stage"});
  }
  sizes.steps = 0;
}

/// Trains the text encoder, freezes and exports it. nullopt if stopped.
std::optional<text::Encoder> text_stage(Training& training, const text::Tokenizer& tokenizer,
                                        const text_to_image::ViewAnchors& anchors) {
  text::Encoder encoder(training.sizes.text);
  skip_unless_wanted(training, "text", training.sizes.text_stage);
  if (!train_text(encoder, tokenizer, training.sizes.text_stage, training.corpus, anchors, training.run)) {
    return std::nullopt;
  }
  tensor::freeze(encoder);
  write_text_encoder(training.run.folder, named_weights(*encoder));
  return encoder;
}

/// Trains the VAE, measures its scaling factor, freezes and exports it. nullopt if stopped.
std::optional<diffusion::Vae> vae_stage(Training& training) {
  Sizes& sizes = training.sizes;
  sizes.vae.scaling_factor = 1;
  diffusion::Vae learning(sizes.vae);
  skip_unless_wanted(training, "vae", sizes.vae_stage);
  if (!train_vae(learning, sizes, training.corpus, training.split, training.run)) return std::nullopt;
  sizes.vae.scaling_factor = measured_scaling_factor(learning, training.corpus, training.split);
  diffusion::Vae vae(sizes.vae);
  for (auto& item : vae->named_parameters()) item.value().data().copy_(learning->named_parameters()[item.key()].data());
  vae->to(training.run.device);
  tensor::freeze(vae);
  write_vae(training.run.folder, named_weights(*vae));
  training.write_configs();
  spdlog::info("vae: scaling factor {:.5f}", sizes.vae.scaling_factor);
  return vae;
}

/// The presets that suit a prior suit one that was trained from it.
void copy_presets(const fs::path& from, const fs::path& folder) {
  if (!fs::exists(from / "presets")) return;
  make_folder(folder / "presets");
  for (const auto& entry : fs::recursive_directory_iterator(from / "presets")) {
    const fs::path copy = folder / fs::relative(entry.path(), from);
    if (entry.is_directory()) {
      make_folder(copy);
    } else {
      write_file(copy, read_file(entry.path()));
    }
  }
}

/// The networks of options.from; exports text encoder, VAE and presets as they are. Throws UserError if its tokenizer
/// is not that of the corpus.
Networks networks_of_prior(Training& training) {
  const fs::path &from = training.options.from, &folder = training.run.folder;
  text_to_image::Prior prior = text_to_image::load_prior(from);
  for (const char* file : {"tokenizer/vocab.json", "tokenizer/merges.txt"}) {
    if (read_file(from / file) == read_file(folder / file)) continue;
    throw UserError(UserMistake{.what_happened = "the corpus has other words than the prior's tokenizer",
                                .file = (from / file).string(),
                                .key = "--from",
                                .hint = "the text encoder would have to be trained anew: leave --from out"});
  }
  Sizes& sizes = training.sizes;
  sizes.text = prior.encoder->config();
  sizes.vae = prior.vae->config();
  sizes.unet_stage.rests.clear();
  if (training.options.unet_rate == 0) sizes.unet_stage.optimiser.rate *= kFurtherRate;
  training.run.corpus_key += " from " + sha256_of_file(from / "unet/diffusion_pytorch_model.safetensors").substr(0, 16);
  torch::manual_seed(training.run.seed + 2);
  const diffusion::UNet unet = further_unet(prior.unet, training.options.multi_view);
  sizes.unet = unet->config();
  prior.vae->to(training.run.device);
  write_text_encoder(folder, named_weights(*prior.encoder));
  write_vae(folder, named_weights(*prior.vae));
  copy_presets(from, folder);
  training.write_configs();
  return {.encoder = prior.encoder, .vae = prior.vae, .unet = unet};
}

}  // namespace

bool train_prior(const TrainOptions& options) {
  check(options);
  const corpus::Corpus corpus(options.corpus);
  const text_to_image::ViewAnchors anchors = view_anchors();
  const Split split = split_of(corpus);
  const Words words = words_of_corpus(corpus, anchors);
  Training training{.options = options,
                    .corpus = corpus,
                    .split = split,
                    .words = words,
                    .run = options.run,
                    .sizes = asked_sizes(options)};
  Sizes& sizes = training.sizes;
  training.run.corpus_key = sha256_of_file(options.corpus / "corpus.json").substr(0, 16);
  if (options.multi_view) training.run.corpus_key += " multi-view";
  const fs::path& folder = training.run.folder;
  if (options.from.empty()) check_pictures(options, corpus, sizes);
  spdlog::info("corpus: {} items of {} words, {} views ({} for training, {} unseen, {} of held-out items)",
               corpus.items().size(), words.names.size(), corpus.view_count(), split.train.size(),
               split.unseen_views.size(), split.unseen_items.size());

  write_tokenizer(folder / "tokenizer", words.tokens);
  const auto tokenizer = text::Tokenizer::from_folder(folder / "tokenizer");
  sizes.text.vocab_size = tokenizer.eos() + 1;
  copy_notice(options.corpus, folder);
  Networks networks{.encoder = nullptr, .vae = nullptr, .unet = nullptr};
  if (options.from.empty()) {
    // An existing config.json holds the scaling factor that a finished VAE stage measured.
    if (!fs::exists(folder / "vae/config.json")) training.write_configs();
    // Each stage has its own seed, so that it does not depend on the stages before it.
    const uint64_t seed = options.run.seed;
    torch::manual_seed(seed);
    if (options.stage != "vae") {
      const auto encoder = text_stage(training, tokenizer, anchors);
      if (!encoder || options.stage == "text") return encoder.has_value();
      networks.encoder = *encoder;
    }
    torch::manual_seed(seed + 1);
    const auto vae = vae_stage(training);
    if (!vae || options.stage == "vae") return vae.has_value();
    networks.vae = *vae;
    torch::manual_seed(seed + 2);
    networks.unet = new_unet(sizes.unet);
  } else {
    networks = networks_of_prior(training);
    check_pictures(options, corpus, sizes);
  }

  auto latents = encode_corpus(networks.vae, corpus, training.run);
  if (!latents) return false;
  latents->to(training.run.device);
  Embeddings embeddings(networks.encoder, tokenizer, anchors, {.workers = training.run.workers()});
  const UNetData data{
      .corpus = corpus, .split = split, .latents = *latents, .embeddings = embeddings, .vae = networks.vae};
  const auto saved = [&](const NamedTensors& averaged) {
    write_unet(folder, averaged);
    write_model_card(options, sizes, words, corpus, split);
  };
  return train_unet(networks.unet, sizes.unet_stage, data, training.run, saved);
}

}  // namespace lucid::pretrain
