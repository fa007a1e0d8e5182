#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `lucid batch --slurm` against a real Slurm: a controller and two nodes of one core on this machine, in a folder of their
# own. Six rows by an array job of three tasks; one is told that its time ends, one is killed and requeued, and a node goes down:
# every row must be made, none twice. Takes about four minutes. Needs root, and Debian's slurm-wlm and munge, which it
# installs. Exit code 77 where they cannot be had.
# Usage: tools/check_slurm.sh [PROGRAM]
set -euo pipefail
cd "$(dirname "$0")/.."
lucid=$(realpath "${1:-build/release/bin/lucid}")

skip() { echo "skipped: $1"; exit 77; }
[ "$(id -u)" = 0 ] || skip "slurmd with several nodes on a machine wants root"
for program in slurmctld slurmd munged sbatch unshare; do
  command -v $program >/dev/null && continue
  apt-get install -y --no-install-recommends slurm-wlm munge >/dev/null 2>&1 || skip "slurm-wlm and munge cannot be installed"
done

work=$(mktemp -d)
host=$(hostname -s)
export SLURM_CONF=$work/slurm.conf
pids=()
cleanup() {
  code=$?
  set +e
  [ $code = 0 ] || { tail -n 20 "$work"/log/* "$work"/out/slurm-*.log; squeue; } 2>/dev/null
  scancel --me >/dev/null 2>&1
  kill "${pids[@]}" 2>/dev/null
  sleep 1
  kill -KILL "${pids[@]}" 2>/dev/null
  rm -rf "$work"
  exit $code
}
trap cleanup EXIT

mkdir -p "$work"/{log,state,spool,out}
chmod 755 "$work"
head -c 1024 /dev/urandom >"$work/munge.key"
chmod 400 "$work/munge.key"
port=$((20000 + RANDOM % 20000))
cat >"$SLURM_CONF" <<CONF
ClusterName=check
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
AuthInfo=socket=$work/munge.socket
SlurmUser=root
StateSaveLocation=$work/state
SlurmctldPidFile=$work/slurmctld.pid
SlurmctldLogFile=$work/log/slurmctld
SlurmdPidFile=$work/slurmd.%n.pid
SlurmdSpoolDir=$work/spool/%n
SlurmdLogFile=$work/log/slurmd.%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=10
KillWait=10
SchedulerParameters=batch_sched_delay=1,sched_interval=5
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName=one NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=1
NodeName=two NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=1
PartitionName=all Nodes=one,two Default=YES MaxTime=INFINITE State=UP
CONF
touch "$work/cgroup.conf"

munged --force --foreground --key-file="$work/munge.key" --socket="$work/munge.socket" --log-file="$work/log/munged" \
  --pid-file="$work/munged.pid" --seed-file="$work/munge.seed" >"$work/log/munged.out" 2>&1 &
pids+=($!)
for _ in $(seq 50); do [ -S "$work/munge.socket" ] && break; sleep 0.1; done
slurmctld -D -c >"$work/log/slurmctld.out" 2>&1 &
pids+=($!)
declare -A node
start_node() {  # a process namespace of its own: like a machine of its own, it dies as a whole, and no other sees its processes
  unshare --pid --fork --mount-proc --kill-child slurmd -D -N "$1" >>"$work/log/slurmd.$1.out" 2>&1 &
  node[$1]=$!
  pids+=($!)
  disown $!  # bash would tell of its end
}
start_node one
start_node two
until_true() {  # SECONDS COMMAND...
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || { echo "not in time: $*"; return 1; }
    sleep 0.5
  done
}
nodes_idle() { [ "$(sinfo -h -o '%T %D' 2>/dev/null)" = "idle 2" ]; }
until_true 60 nodes_idle
echo "a Slurm of two nodes: $(sinfo --version)"

for thing in chair mug "red car" lamp table sofa; do echo "a $thing"; done >"$work/prompts.txt"
"$lucid" batch "$work/prompts.txt" --out "$work/out" --preset draft --iterations 30 --checkpoint-interval 3 --no-save-video \
  --slurm --tasks 3 --submit --slurm-option=--cpus-per-task=1 >"$work/submitted.txt"
job=$(grep -o '[0-9]*$' "$work/submitted.txt")
echo "job $job is submitted: three tasks, six rows"

claim_of_node() {  # the row that a node works on has a checkpoint
  local task
  task=$(squeue -h -t R -w "$1" -o '%i')
  [ -n "$task" ] && grep -q "rows in" "$work/out/slurm-$task.log" 2>/dev/null &&
    [ "$(find "$work/out" -path '*/checkpoints/step_*' | wc -l)" -ge "$2" ]
}

# A task is told that its time ends: it saves, ends, and queues itself again.
until_true 180 claim_of_node two 2
task=$(squeue -h -t R -w two -o '%i')
scancel --signal=USR1 --batch "$task"
has_said() { grep -q "$1" "$work/out/slurm-$task.log"; }
until_true 60 has_said 'interrupted; the same command goes on'
queued_again() { [ "$(scontrol show job "$task" -o | grep -o 'Restarts=[0-9]*')" = Restarts=1 ]; }
until_true 60 queued_again
echo "task $task was told that its time ends, and has queued itself again"

# All of a task is killed, as a crash would; then it is queued again.
until_true 180 claim_of_node one 2
task=$(squeue -h -t R -w one -o '%i')
scancel --signal=KILL --full "$task"
gone() { [ -z "$(squeue -h -t R -o '%i' | grep -x "$task")" ]; }
until_true 60 gone
scontrol requeue "$task"
echo "task $task was killed and is queued again"

# A node goes down while it works; Slurm notices, and queues its task again.
until_true 180 claim_of_node two 3
task=$(squeue -h -t R -w two -o '%i')
kill -KILL "${node[two]}"
down() { [ -n "$(sinfo -h -n two -o '%T' | grep down)" ]; }
until_true 120 down
echo "node two went down with task $task"
start_node two

all_over() { [ -z "$(squeue -h -o '%i')" ]; }
until_true 900 all_over
"$lucid" batch --report "$work/out"
finished=$(cat "$work"/out/slurm-*.log | grep -oE '^lucid: [0-9]{4}_[a-z_]+: (finished in|had finished)' | sort)
echo "$finished"
twice=$(echo "$finished" | cut -d: -f2 | uniq -d)
results=$(find "$work/out" -name manifest.json | wc -l)
taken_over=$(find "$work/out/.batch" -name '*.[2-9]' | wc -l)
echo "$results of 6 results; rows that were made twice: ${twice:-none}; claims after an earlier one: $taken_over"
[ "$results" = 6 ] && [ -z "$twice" ] && [ "$taken_over" -ge 3 ]
