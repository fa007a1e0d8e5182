// SPDX-License-Identifier: Apache-2.0
// The scores: their names, formulas, papers and costs. Help, `lucid info scores`, the documents and `lucid eval` read
// this table. Free of libtorch, for the command line.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace lucid::distill {

/// What a user is told of a score.
struct ScoreInfo {
  std::string_view name, title;
  std::string_view formula;  // of the gradient at the latents, before lambda_guidance
  std::string_view paper;
  std::string_view options;   // names in the option table, separated by spaces, besides those of every score
  double passes;              // predictions of the U-Net for one view in one step, mean over t in [0.02, 0.8]
  bool needs_source = false;  // compares with an untouched asset and its prompt: for `lucid edit` only
  bool instructed = false;    // looks at an untouched asset and obeys an instruction; for `lucid edit` only

  constexpr bool edits() const { return needs_source || instructed; }
};

/// In the formulas: a_t the cumulative product of alphas; w = sqrt((1-a_t)/a_t); e(x,t,y) the U-Net's noise; e^ the
/// same guided by guidance_scale; y the prompt, n the negative prompt, 0 the inverse (empty) prompt; ' = of the source.
inline constexpr std::array kScores = {
    ScoreInfo{.name = "ism",
              .title = "interval score matching",
              .formula = "w (e^(x_t,t,y) - e(x_s,s,0)); x_s, x_t by DDIM inversion",
              .paper = "Liang et al. 2023, LucidDreamer (arXiv 2311.11284)",
              .options = "guidance_scale delta_t delta_t_start xs_delta_t xs_inv_steps xs_eta",
              .passes = 5.4},
    ScoreInfo{.name = "sds",
              .title = "score distillation sampling",
              .formula = "w (e^(x_t,t,y) - noise)",
              .paper = "Poole et al. 2022, DreamFusion (arXiv 2209.14988)",
              .options = "guidance_scale",
              .passes = 2},
    ScoreInfo{.name = "tsm",
              .title = "trajectory score matching",
              .formula = "w (e^(x_t,t,y) - e(x_m,m,0)); m = s + (t-s) sqrt(1-g^2); x_m, x_t from x_s",
              .paper = "Miao et al. 2024, Dreamer XL (arXiv 2405.11252)",
              .options = "tsm_gamma guidance_scale delta_t delta_t_start xs_delta_t xs_inv_steps",
              .passes = 6.4},
    ScoreInfo{.name = "sdi",
              .title = "score distillation via inversion",
              .formula = "x_0 - x_0 predicted at an inverted x_t with e^",
              .paper = "Lukoianov et al. 2024 (arXiv 2405.15891)",
              .options = "guidance_scale sdi_guidance sdi_steps sdi_eta",
              .passes = 13.2},
    ScoreInfo{.name = "csd",
              .title = "classifier score distillation",
              .formula = "(1-a_t) (e(x_t,t,y) - b e(x_t,t,n) - (1-b) e(x_t,t,0)); b rises from 0",
              .paper = "Yu et al. 2023 (arXiv 2310.19415)",
              .options = "csd_negative csd_steps",
              .passes = 3},
    ScoreInfo{.name = "nfsd",
              .title = "noise-free score distillation",
              .formula = "(1-a_t) (s (e(y) - e(0)) + d); d = e(0) below t = 0.2, e(0) - e(n) above",
              .paper = "Katzir et al. 2023 (arXiv 2310.17590)",
              .options = "guidance_scale",
              .passes = 3},
    ScoreInfo{.name = "asd",
              .title = "asynchronous score distillation",
              .formula = "(1-a_t) (e^(x_t,t,y) - e(x_u,u,y)); u >= t, the same noise",
              .paper = "Ma et al. 2024, ScaleDreamer (arXiv 2407.02040)",
              .options = "guidance_scale asd_shift asd_random_shift",
              .passes = 3},
    ScoreInfo{.name = "recon",
              .title = "score distillation with rescaled predictions",
              .formula = "x_0 - (r f + 1 - r) x_0 predicted with e^; f: deviation with e(y) by that with e^",
              .paper = "Shi et al. 2023, MVDream (arXiv 2308.16512)",
              .options = "guidance_scale recon_rescale",
              .passes = 2},
    ScoreInfo{.name = "dds",
              .title = "delta denoising score",
              .formula = "e^(x_t,t,y) - e^(x'_t,t,y') + keep (x_0 - x'_0); the same noise",
              .paper = "Hertz et al. 2023 (arXiv 2304.07090)",
              .options = "guidance_scale keep",
              .passes = 4,
              .needs_source = true},
    ScoreInfo{.name = "pds",
              .title = "posterior distillation sampling",
              .formula = "psi_t (x_0 - x'_0) + chi_t (e^(x_t,t,y) - e^(x'_t,t,y')) + keep (x_0 - x'_0)",
              .paper = "Koo et al. 2023 (arXiv 2311.13831)",
              .options = "guidance_scale keep",
              .passes = 4,
              .needs_source = true},
    ScoreInfo{.name = "delta-ism",
              .title = "difference of two ISM scores",
              .formula = "ism(x_0,y) - ism(x'_0,y') + keep (x_0 - x'_0); the same noise",
              .paper = "none: ISM in the manner of DDS",
              .options = "guidance_scale keep delta_t delta_t_start xs_delta_t xs_inv_steps",
              .passes = 10.8,
              .needs_source = true},
    ScoreInfo{.name = "ip2p",
              .title = "InstructPix2Pix",
              .formula = "(1-a_t) (e(0,0) + s_I (e(c,0) - e(0,0)) + s (e(c,y) - e(c,0)) - noise); c the source's view",
              .paper = "Brooks et al. 2022 (arXiv 2211.09800); Haque et al. 2023 (arXiv 2303.12789)",
              .options = "guidance_scale image_guidance_scale",
              .passes = 3,
              .instructed = true}};

namespace detail {
constexpr auto score_names() {
  std::array<const char*, kScores.size()> names{};
  std::ranges::transform(kScores, names.begin(), [](const ScoreInfo& score) { return score.name.data(); });
  return names;
}
}  // namespace detail
inline constexpr auto kScoreNames = detail::score_names();

/// The row of a score; null if there is none of that name.
constexpr const ScoreInfo* find_score(std::string_view name) {
  const auto at = std::ranges::find(kScores, name, &ScoreInfo::name);
  return at == kScores.end() ? nullptr : &*at;
}
/// Steps of a score that take as long as one step of ISM. A step's other work, rendering and encoding, costs as much as
/// kOtherWork predictions: measured with the embedded prior, where 1.9 steps of SDS take as long as one of ISM.
inline constexpr double kOtherWork = 1.8;
constexpr double steps_for_one_of_ism(const ScoreInfo& score) {
  return (kScores.front().passes + kOtherWork) / (score.passes + kOtherWork);
}

}  // namespace lucid::distill
