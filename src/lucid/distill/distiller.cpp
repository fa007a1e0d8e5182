// SPDX-License-Identifier: Apache-2.0
// Registry of scores, and validation of their options. A new score needs a class in its own file and one line here.
#include "lucid/distill/distiller.h"

#include <algorithm>
#include <functional>
#include <string_view>

#include "lucid/base/error.h"
#include "lucid/distill/guidance.h"
#include "lucid/distill/score_table.h"

namespace lucid::distill {
namespace {

struct Entry {
  const char* name;
  std::unique_ptr<Distiller> (*make)(const ScoreOptions&);
};
constexpr Entry kMakers[] = {{"ism", make_ism},
                             {"sds", make_sds},
                             {"tsm", make_tsm},
                             {"sdi", make_sdi},
                             {"csd", make_csd},
                             {"nfsd", make_nfsd},
                             {"asd", make_asd},
                             {"recon", make_recon},
                             {"dds", make_dds},
                             {"pds", make_pds},
                             {"delta-ism", make_delta_ism},
                             {"ip2p", make_instruct_pix2pix}};
static_assert(std::ranges::equal(kMakers, kScores, std::equal_to<std::string_view>(), &Entry::name, &ScoreInfo::name),
              "score_table.h names the same scores in the same order");

void check_options(const ScoreOptions& options) {
  const auto refuse = [](bool bad, const char* key, const char* what) {
    if (bad) throw UserError(UserMistake{.what_happened = what, .key = key});
  };
  refuse(!is_valid_t_range(options), "t_range", kTRangeRule);
  refuse(options.delta_t < 0, "delta_t", "must not be negative");
  refuse(options.annealing_intervals && options.delta_t_start < 0, "delta_t_start", "must not be negative");
  refuse(!(options.xs_eta >= 0), "xs_eta", "must not be negative");
  refuse(!(options.view_guidance >= 0), "view_guidance", "must not be negative");
  refuse(!(options.tsm_gamma >= 0 && options.tsm_gamma <= 1), "tsm_gamma", "is not in [0, 1]");
  refuse(options.sdi_steps < 1, "sdi_steps", "must be at least 1");
  refuse(!(options.sdi_eta >= 0), "sdi_eta", "must not be negative");
  refuse(options.csd_steps < 0, "csd_steps", "must not be negative");
  refuse(!(options.asd_shift >= 0), "asd_shift", "must not be negative");
  refuse(!(options.recon_rescale >= 0 && options.recon_rescale <= 1), "recon_rescale", "is not in [0, 1]");
  refuse(!(options.keep >= 0), "keep", "must not be negative");
  refuse(!(options.image_guidance_scale >= 0), "image_guidance_scale", "must not be negative");
  if (!options.instructed()) return;
  refuse(options.perpneg, "perpneg", "does not act with ip2p, whose guidance has rows of its own");
  refuse(options.view_guidance > 0, "view_guidance", "does not act with ip2p");
  refuse(options.apg_eta != 1, "apg_eta", "does not act with ip2p");
}

}  // namespace

const std::vector<std::string>& score_names() {
  static const std::vector<std::string> names(kScoreNames.begin(), kScoreNames.end());
  return names;
}

std::unique_ptr<Distiller> make_distiller(const ScoreOptions& options) {
  check_options(options);
  for (const Entry& entry : kMakers) {
    if (options.score == entry.name) return entry.make(options);
  }
  throw UserError(UserMistake{.what_happened = fmt::format("unknown score '{}'", options.score),
                              .key = "score",
                              .hint = fmt::format("one of {}", fmt::join(score_names(), ", "))});
}

}  // namespace lucid::distill
