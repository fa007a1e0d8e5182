// SPDX-License-Identifier: Apache-2.0
// The text of batch.sbatch.
#include "lucid/batch/slurm.h"

#include <fmt/format.h>

#include "lucid/serve/jobs/command.h"

namespace lucid::batch {
namespace fs = std::filesystem;

std::string sbatch_script(const Folder& folder, const SlurmOptions& options) {
  const fs::path root = fs::absolute(folder.root).lexically_normal();
  std::string text =
      "#!/bin/bash\n"
      "# Written by `lucid batch --slurm`. Submit it with sbatch, as often as wanted: tasks take the rows that are "
      "left.\n"
      "#SBATCH --job-name=lucid\n";
  text += fmt::format("#SBATCH --array=1-{}\n", options.tasks);
  text += "#SBATCH --requeue\n#SBATCH --open-mode=append\n";
  text += fmt::format("#SBATCH --signal=B:USR1@{}\n", options.seconds_before_end);
  text += fmt::format("#SBATCH --output={}\n", serve::shell_line({(root / "slurm-%A_%a.log").string()}));
  for (const std::string& option : options.options) text += "#SBATCH " + option + "\n";
  const std::string command =
      serve::shell_line({options.program, "batch", "--out", root.string(), "--no-wait", "--no-retry", "--progress",
                         "plain", "--jobs", std::to_string(options.jobs)});
  text += fmt::format(R"sh(
# Threads of a process: what the task was given, shared by its processes.
threads=$(( ${{SLURM_CPUS_PER_TASK:-1}} / {0} ))
[ "$threads" -ge 1 ] || threads=1

# Slurm sends USR1 to this script {1} s before the task's time ends, and TERM if the task is cancelled or preempted. lucid
# saves its rows on TERM and ends with 130. After USR1 the task is put back into the queue to go on.
again=
{2} --threads "$threads" &
lucid=$!
trap 'again=1; kill -TERM $lucid' USR1
trap 'kill -TERM $lucid' TERM
for try in 1 2 3; do  # a signal ends `wait` with 138 or 143
  wait $lucid
  code=$?
  case $code in 138 | 143) ;; *) break ;; esac
done
if [ -n "$again" ] && [ "$code" = 130 ]; then
  scontrol requeue "${{SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}}${{SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}}"
fi
exit $code
)sh",
                      options.jobs, options.seconds_before_end, command);
  return text;
}

}  // namespace lucid::batch
