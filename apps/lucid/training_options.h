// SPDX-License-Identifier: Apache-2.0
// Options that the trainings of small networks share: `lucid prior shape`, `lucid prior upscaler`.
#pragma once

#include "command_line.h"
#include "shared_options.h"

namespace lucid::cli {

/// Seed, number type, intervals, resume, threads and progress of a pretrain::ShapeRequest or UpscaleRequest.
template <class Request>
void add_training(CLI::App& command, Request& request) {
  const auto add = [&](const char* name, auto& field, const char* help, const char* type) {
    return command.add_option(name, field, help)->capture_default_str()->type_name(type);
  };
  add("--seed", request.seed, "Seed of every random draw.", "N");
  add("--precision", request.precision, "Number type: auto, fp32 or bf16.", "NAME")
      ->check(CLI::IsMember({"auto", "fp32", "bf16"}));
  add("--save-seconds", request.save_seconds, "Seconds between checkpoints.", "X");
  add("--measure-seconds", request.measure_seconds, "Seconds between measurements.", "X");
  command.add_flag("--resume", request.resume, "Continue from the checkpoint in --out.");
  add_threads(command, request.threads);
  add_progress(command, request.progress);
}

}  // namespace lucid::cli
