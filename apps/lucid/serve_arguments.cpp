// SPDX-License-Identifier: Apache-2.0
// Command line of `lucid serve`.
#include "command_line.h"
#include "shared_options.h"

namespace lucid::cli {

Command define_serve(CLI::App& app, ServeRequest& request) {
  CLI::App* command =
      app.add_subcommand("serve", "Serve a page on this machine: make assets, and watch them while they are made.");
  command->add_option("--output", request.output, "Folder of the runs. Those that are there already are shown too.")
      ->capture_default_str()
      ->type_name("DIR");
  add_page_options(*command, request.page);
  return {.app = command};
}

}  // namespace lucid::cli
