// SPDX-License-Identifier: Apache-2.0
// Command line of `lucid batch`: its own options, and those of `lucid generate` for all rows.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <memory>

#include "command_line.h"
#include "refuse.h"
#include "shared_options.h"

namespace lucid::cli {
namespace {

/// Whether rows take the option. `lucid batch` has threads of its own.
bool is_of_rows(const config::Option& option) { return !app::is_of_process(option.name) && option.name != "threads"; }

void define_slurm(CLI::App& command, BatchRequest& request) {
  command
      .add_flag("--slurm", request.slurm,
                "Write OUT/batch.sbatch, an array job of Slurm whose tasks claim rows, and start nothing here.")
      ->group("Slurm");
  command.add_flag("--submit", request.submit, "With --slurm: submit it by sbatch.")->group("Slurm");
  command.add_option("--tasks", request.tasks, "Tasks of the array job; 0 is one a row, at most 100.")
      ->capture_default_str()
      ->type_name("N")
      ->group("Slurm");
  command
      .add_option("--slurm-option", request.slurm_options,
                  "An option for sbatch, for example --slurm-option=--partition=gpu. May be repeated.")
      ->type_name("OPTION")
      ->allow_extra_args(false)
      ->group("Slurm");
}

void check(BatchRequest& request) {
  const auto check_range = [](const char* flag, int64_t value, int64_t most) {
    if (value < 0 || value > most) refuse(flag, fmt::format("{} is not in [0, {}]", value, most));
  };
  check_range("--jobs", request.jobs, 1024);
  check_range("--threads", request.threads, 1024);
  check_range("--tasks", request.tasks, 100'000);
  if (request.report) {
    if (!request.given.empty()) refuse("--report", "starts nothing, so it takes no options of rows");
    if (request.files.empty() && request.out.empty()) refuse("--report", "names no folder");
    if (request.out.empty()) request.out = request.files.front();
    return;
  }
  if (request.files.size() > 1) refuse("FILE", "is given twice", "put all rows into one file");
  if (request.files.empty() && request.out.empty())
    refuse("FILE", "is missing: the prompts", "lucid batch prompts.txt; a .txt file has one prompt a line");
  if (request.files.empty() && (!request.given.empty() || !request.config_file.empty()))
    refuse("FILE", "is missing, but options of its rows are given", "without it the batch in --out goes on as it is");
  if (request.out.empty())
    request.out = (std::filesystem::path("output") / std::filesystem::path(request.files.front()).stem()).string();
  for (const std::string& option : request.slurm_options) {
    if (!option.starts_with('-') || option.find('\n') != std::string::npos)
      refuse("--slurm-option", fmt::format("'{}' is no option of sbatch", option), "--slurm-option=--partition=gpu");
  }
  if (request.submit && !request.slurm) refuse("--submit", "belongs to --slurm");
}

}  // namespace

Command define_batch(CLI::App& app, BatchRequest& request) {
  CLI::App* command = app.add_subcommand("batch", "Make the assets of many prompts; killed, it goes on where it was.");
  command
      ->add_option("file", request.files,
                   "Rows: .txt (a prompt a line), .csv (columns prompt, seed, ...) or .jsonl. Without it the batch in "
                   "--out goes on.")
      ->type_name("FILE");
  command->add_option("--out,--output", request.out, "Folder of the batch. [output/NAME, after FILE]")
      ->type_name("DIR");
  command
      ->add_option("--jobs", request.jobs,
                   "Processes at a time; 0 is one a core with the embedded prior, one in all with another.")
      ->capture_default_str()
      ->type_name("N");
  command->add_option("--threads", request.threads, "CPU threads of a process; 0 shares the cores among them.")
      ->capture_default_str()
      ->type_name("N");
  command->add_flag("--overwrite", request.overwrite, "Make rows anew whose prompt or options have changed.");
  command->add_flag_callback(
      "--resume", [] {}, "Go on where an earlier batch was. It is always so.");
  command->add_flag_callback(
      "--no-retry", [&request] { request.retry = false; }, "Leave rows alone that had failed before.");
  command->add_flag_callback(
      "--no-wait", [&request] { request.wait = false; }, "End when others work on all rows that are left.");
  command->add_flag("--report", request.report,
                    "Only write report.html and summary.json. FILE is then a folder of a batch, or several to merge.");
  add_progress(*command, request.progress);
  define_slurm(*command, request);
  command->add_option("-c,--config", request.config_file, "YAML file of options of all rows.")->type_name("FILE");
  const auto rows = std::make_shared<app::BoundOptions>();
  for (const config::Option& option : rows->table.options()) {
    if (is_of_rows(option)) add_run_option(*command, request.given, option)->group("");
  }
  return {.app = command,
          .check = [&request] { check(request); },
          .page =
              [command](bool) {
                HelpPage page = page_of(*command);
                page.sections.push_back(
                    {"Options of rows",
                     {{"--preset, --seed, ...",
                       "Every other option of `lucid generate` is the default of all rows; a row's own wins."}}});
                page.sections.push_back({"Exit codes",
                                         {{"0", "All rows are there."},
                                          {"1", "Some failed."},
                                          {"2", "A mistake; nothing was started."},
                                          {"130", "Interrupted; the same command goes on."}}});
                page.footer =
                    "Examples:\n"
                    "  lucid batch prompts.txt --preset draft\n"
                    "  lucid batch prompts.csv --out assets --jobs 2\n"
                    "  lucid batch prompts.jsonl --out /shared/assets --slurm --submit";
                return page;
              },
          .hides_options = false,
          .describe = [rows](const std::string& name, size_t width) -> std::optional<std::string> {
            const config::Option* option = rows->table.find_flag(name);
            if (option == nullptr || !is_of_rows(*option)) return std::nullopt;
            return format_option(*option, "that of `lucid generate`", width);
          }};
}

}  // namespace lucid::cli
