// SPDX-License-Identifier: Apache-2.0
// lucid personalise: pictures of an object to a word for prompts.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <filesystem>

#include "command_line.h"
#include "commands.h"
#include "lucid/app/prior.h"
#include "lucid/app/threads.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/personalise/learn_word.h"
#include "lucid/tensor/device.h"
#include "lucid/text_to_image/vocabulary/vocabulary.h"

namespace lucid::cli {
namespace {

constexpr int64_t kRowsOfAName = 8, kRowsOfAFinalist = 64, kRowsOfAComparison = 256;
constexpr size_t kFinalists = 8;

/// What the word begins as: --like, or the best fitting name. The few names that fit best on few draws are compared on
/// more.
std::string first_word(const PersonaliseRequest& request, const text_to_image::Prior& prior,
                       personalise::DenoisingLoss& loss) {
  if (!request.like.empty()) return request.like;
  const auto vocabulary = text_to_image::load_vocabulary(prior.folder);
  if (!vocabulary) return "object";
  const auto seed = static_cast<uint64_t>(request.seed);
  const auto finalists = personalise::best_words(loss, vocabulary->names, kFinalists, kRowsOfAName, seed);
  return personalise::best_words(loss, finalists, 1, kRowsOfAFinalist, seed).front();
}

}  // namespace

int run_personalise(const PersonaliseRequest& request, const std::atomic<bool>& stop) {
  app::set_threads(request.threads);
  if (const auto folder = std::filesystem::path(request.output).parent_path(); !folder.empty())
    make_folder(folder);  // a mistake is told before the work begins
  app::RunOptions options;
  options.model_key = request.prior;
  options.prior_config = request.prior_config;
  options.device = request.device;
  tensor::make_current(tensor::device_from_name(request.device));
  text_to_image::Prior prior = app::open_prior(options);
  app::check_score_suits(options, prior);
  const auto pictures = personalise::read_pictures(request.folder, prior.picture_size);
  std::vector<personalise::Picture> others;
  if (!request.measure.empty()) others = personalise::read_pictures(request.measure, prior.picture_size);

  const auto begin = std::chrono::steady_clock::now();
  personalise::DenoisingLoss loss(prior, pictures);
  const std::string like = first_word(request, prior, loss);
  const personalise::WordOptions how{.word = request.word,
                                     .like = like,
                                     .vectors = request.vectors,
                                     .steps = request.steps,
                                     .batch = request.batch,
                                     .rate = request.rate,
                                     .seed = static_cast<uint64_t>(request.seed),
                                     .progress = Progress::style_from_name(request.progress),
                                     .stop = &stop};
  personalise::write_inversion(request.output, personalise::learn_word(prior, loss, how));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  fmt::print("{}: {} of {} pictures, begun as \"{}\", {:.0f} s\n", request.output, request.word, pictures.size(), like,
             seconds);
  if (!others.empty()) {
    personalise::DenoisingLoss unseen(prior, others);
    const personalise::Comparison result =
        personalise::compare_words(unseen, request.word, like, kRowsOfAComparison, how.seed);
    fmt::print("denoising loss on {}: {} {:.5f}, \"{}\" {:.5f}; difference {:.5f} +- {:.5f}\n", request.measure,
               request.word, result.first, like, result.second, result.difference, result.half_width);
  }
  if (stop.load()) return kInterrupted;
  fmt::print("use it: lucid generate {}--textual-inversion {} \"a {}\"\n",
             request.prior.empty() ? "" : "--prior " + request.prior + " ", request.output, request.word);
  return 0;
}

}  // namespace lucid::cli
