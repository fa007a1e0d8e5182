// SPDX-License-Identifier: Apache-2.0
// Command lines of `lucid verify` and `lucid reproduce`.
#include "command_line.h"
#include "shared_options.h"

namespace lucid::cli {

Command define_verify(CLI::App& app, VerifyRequest& request) {
  CLI::App* command = app.add_subcommand(
      "verify", "Check that the files of a finished run, and those it was made from, are unchanged.");
  command->add_option("run", request.run, "Folder of the run.")->required()->type_name("RUN");
  return {.app = command};
}

Command define_reproduce(CLI::App& app, ReproduceRequest& request) {
  CLI::App* command =
      app.add_subcommand("reproduce", "Make a finished run again, from the options on record, and compare the files.");
  command->add_option("run", request.run, "Folder of the run.")->required()->type_name("RUN");
  command->add_option("-o,--out", request.out, "Folder for the new run; RUN.again if not given.")->type_name("DIR");
  command->add_option("--device", request.device, "Where to compute; that of the run if not given.")->type_name("NAME");
  command->add_option("--threads", request.threads, "CPU threads; 0 uses as many as the run did.")
      ->capture_default_str()
      ->type_name("N");
  add_progress(*command, request.progress);
  return {.app = command};
}

}  // namespace lucid::cli
