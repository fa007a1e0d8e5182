// SPDX-License-Identifier: Apache-2.0
// Rows of the option table: how often a run is saved, and the memory that it may take. None is in the reference system.
#include "lucid/app/run_options/option_rows.h"

namespace lucid::app {

void add_keeping(config::OptionTable& table, RunOptions& o) {
  const auto add = adder(table, "");
  add({.name = "checkpoint_minutes",
       .group = "Result",
       .help = "Longest time between two checkpoints, in minutes, beside checkpoint_interval; 0 is no limit.",
       .range = {0, 1e6},
       .affects_result = false,
       .field = &o.train.checkpoint_minutes});
  add({.name = "keep_checkpoints",
       .group = "Result",
       .help = "How many checkpoints stay: should the newest be damaged, the run goes on from the one before.",
       .range = {1, 1000},
       .affects_result = false,
       .field = &o.train.keep_checkpoints});
  add({.name = "memory",
       .group = "Training",
       .help = "Most memory to take, 3G or 800M, of the process or of the card (there by default what is free). A run "
               "works in smaller parts if need be.",
       .value_name = "SIZE",
       .affects_result = false,
       .field = &o.memory});
}

}  // namespace lucid::app
