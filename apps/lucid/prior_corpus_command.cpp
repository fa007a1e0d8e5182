// SPDX-License-Identifier: Apache-2.0
// lucid prior corpus: 3D models to captioned pictures.
#include <fmt/format.h>

#include "commands.h"
#include "lucid/app/threads.h"
#include "lucid/corpus/build.h"

namespace lucid::cli {

int run_prior_corpus(CorpusRequest& request, const std::atomic<bool>& stop) {
  if (request.build.table.empty()) request.build.table = app::data_folder() / "models/corpus/sweethome3d.tsv";
  request.build.progress = Progress::style_from_name(request.progress);
  app::set_threads(request.threads);
  const corpus::BuildReport report = corpus::build_corpus(request.build, stop);
  if (stop) return 130;
  if (request.build.out.empty()) return 0;
  fmt::print(
      "{} words, {} models, {} items ({} held out, {} unseen combinations), {} views ({} groups of four) in {:.1f} s; "
      "rendering alone {:.0f} views/s\n",
      report.words, report.models, report.items, report.held_out_items, report.held_out_combinations, report.views,
      report.groups, report.seconds, static_cast<double>(report.views) / report.render_seconds);
  return 0;
}

}  // namespace lucid::cli
