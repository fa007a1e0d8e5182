// SPDX-License-Identifier: Apache-2.0
// Plan of a corpus: the models with their measured colours, the colours each will be rendered in, and the (word,
// colour) combinations held out from training.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lucid/corpus/archive.h"
#include "lucid/corpus/build.h"
#include "lucid/corpus/catalogue.h"
#include "lucid/corpus/colours.h"
#include "lucid/corpus/table.h"

namespace lucid::corpus {

struct PlannedModel {
  TableRow row;
  CatalogueEntry entry;
  std::shared_ptr<const Archive> archive;
  ColourShares own;                  // its own colours, measured
  std::vector<std::string> targets;  // colour words it is recoloured to
  double view_share = 1;             // factor of the number of views, below 1 if many models share the word
};

using Combination = std::pair<std::string, std::string>;  // word, colour

struct Plan {
  std::vector<PlannedModel> models;  // table order
  std::set<Combination> held_out;    // none that a model has in its own colours
};

/// Looks up the table's rows in the libraries; colours and targets stay empty. Throws UserError for ids in no library.
Plan find_models(const BuildOptions& options);

/// Sets targets and held_out; needs the measured colours.
void plan_colours(const BuildOptions& options, Plan& plan);

}  // namespace lucid::corpus
