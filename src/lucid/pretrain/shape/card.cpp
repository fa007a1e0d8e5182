// SPDX-License-Identifier: Apache-2.0
// Text of the shape model's card.
#include "lucid/pretrain/shape/card.h"

#include <fmt/ranges.h>

#include "lucid/base/atomic_file.h"
#include "lucid/pretrain/measured.h"

namespace lucid::pretrain {
namespace {

/// Names of the measured numbers, and what they mean.
const std::vector<std::pair<const char*, const char*>>& meanings() {
  static const std::vector<std::pair<const char*, const char*>> table = {
      {"step", "steps"},
      {"seconds", "seconds since the run began or was resumed"},
      {"overlap", "occupied cells of learned models, intersection over union"},
      {"colour_error", "mean difference of their colours (0 to 1)"},
      {"unseen_colour_error", "the same for combinations of name and colour that it did not learn"},
      {"unseen_colour_before", "the same if these had the model's own colours"},
      {"other_outline", "outlines of a model and of its shape of another model of the word"},
      {"mean_outline", "the same with the mean of the word's other models"},
      {"sphere_outline", "the same with a sphere of radius 0.7"}};
  return table;
}

}  // namespace

void write_shape_card(const ShapeRequest& request, const ShapeData& data) {
  const auto names = data.names();
  std::vector<std::string> list;
  for (const auto& [name, variants] : names)
    list.push_back(variants.size() == 1 ? name : fmt::format("{} ({})", name, variants.size()));
  std::string text = fmt::format(
      "# A small text-to-shape model\n\n"
      "From a name and a colour to a coarse coloured shape of {0} x {0} x {0} cells: what a run starts from with "
      "`init_shape: auto`. Trained by\n\n    {1}\n\n"
      "It learned {2} models of {3} names. Where a name has several (their number stands behind it), the run's seed "
      "chooses one.\n"
      "It recalls these models: for a name with one model the start is that model, coarsely.\n\n"
      "Files: shape.json (sizes, names), shape.safetensors (float16), progress/log.jsonl (every loss and measurement). "
      "The prompt is read by the text encoder of the embedded prior, whose hash shape.json holds.\n\n"
      "## Numbers\n\n| what | value |\n|---|---|\n{4}\n## Names\n\n{5}\n\n"
      "Authors and licences of the models: NOTICE.md.\n",
      shape::kSide, request.command, std::ranges::count_if(data.items, &ShapeItem::learned), names.size(),
      measured_rows(request.out, "overlap", meanings()), fmt::join(list, ", "));
  write_file(request.out / "README.md", text);
}

}  // namespace lucid::pretrain
