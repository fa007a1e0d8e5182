// SPDX-License-Identifier: Apache-2.0
// What a corpus will hold: models with their measured colours, the colours each is to take, and what is held out.
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
  ColourShares own;                  // as measured
  std::vector<std::string> targets;  // colour words it will take besides
  double view_share = 1;             // of the asked views: less where many models share the word
};

using Combination = std::pair<std::string, std::string>;  // word, colour

struct Plan {
  std::vector<PlannedModel> models;  // table order
  std::set<Combination> held_out;    // that no model has by itself
};

/// The rows of the table, found in the libraries; without colours or targets. Throws UserError for ids in no library.
Plan find_models(const BuildOptions& options);

/// Fills in targets and held_out from the measured colours.
void plan_colours(const BuildOptions& options, Plan& plan);

}  // namespace lucid::corpus
