// SPDX-License-Identifier: Apache-2.0
// Registry of scores, and validation of their options. A new score needs a class in its own file and one line here.
#include "lucid/distill/distiller.h"

#include <algorithm>
#include <functional>
#include <string_view>

#include "lucid/base/error.h"
#include "lucid/distill/guidance.h"

namespace lucid::distill {
namespace {

struct Entry {
  const char* name;
  std::unique_ptr<Distiller> (*make)(const ScoreOptions&);
};
constexpr Entry kScores[] = {{"ism", make_ism}, {"sds", make_sds}};
static_assert(std::ranges::equal(kScores, kScoreNames, std::equal_to<std::string_view>(), &Entry::name),
              "options.h names the same scores in the same order");

void check_options(const ScoreOptions& options) {
  const auto refuse = [](bool bad, const char* key, const char* what) {
    if (bad) throw UserError(UserMistake{.what_happened = what, .key = key});
  };
  refuse(!is_valid_t_range(options), "t_range", kTRangeRule);
  refuse(options.delta_t < 0, "delta_t", "must not be negative");
  refuse(options.annealing_intervals && options.delta_t_start < 0, "delta_t_start", "must not be negative");
  refuse(!(options.xs_eta >= 0), "xs_eta", "must not be negative");
  refuse(!(options.view_guidance >= 0), "view_guidance", "must not be negative");
}

}  // namespace

const std::vector<std::string>& score_names() {
  static const std::vector<std::string> names(kScoreNames.begin(), kScoreNames.end());
  return names;
}

std::unique_ptr<Distiller> make_distiller(const ScoreOptions& options) {
  check_options(options);
  for (const Entry& entry : kScores) {
    if (options.score == entry.name) return entry.make(options);
  }
  throw UserError(UserMistake{.what_happened = fmt::format("unknown score '{}'", options.score),
                              .key = "score",
                              .hint = fmt::format("one of {}", fmt::join(score_names(), ", "))});
}

}  // namespace lucid::distill
