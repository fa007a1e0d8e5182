// SPDX-License-Identifier: Apache-2.0
// What a user may ask for: one plain struct a subcommand, which parsing fills and the command reads. No libtorch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lucid/app/evaluate.h"
#include "lucid/app/run_options/export_options.h"
#include "lucid/app/run_options/run_options.h"
#include "lucid/asset/formats.h"
#include "lucid/asset/pictures/picture_style.h"
#include "lucid/corpus/build.h"
#include "lucid/eval/judge_options.h"
#include "lucid/pretrain/options.h"
#include "lucid/pretrain/shape/options.h"
#include "lucid/pretrain/upscale/options.h"
#include "personalise_request.h"
#include "points_request.h"
#include "provenance_request.h"

namespace lucid::cli {

struct GenerateRequest {
  app::RunOptions options;
  config::OptionTable table = app::make_table(options);
  std::map<std::string, std::string> given = {};  // by option name, as typed
  std::string prompt, config_file;

  GenerateRequest() = default;
  GenerateRequest(const GenerateRequest&) = delete;  // the table points into `options`
  GenerateRequest& operator=(const GenerateRequest&) = delete;
};

struct BatchRequest {
  std::vector<std::string> files;  // the file of prompts; with `report`: folders of batches
  std::string out, config_file, progress = "auto";
  std::map<std::string, std::string> given = {};  // options of all rows, by name, as typed
  int jobs = 0;                                   // 0 = chosen
  int64_t threads = 0;                            // of a process; 0 = the cores shared by the processes
  bool overwrite = false, retry = true, wait = true, report = false, slurm = false, submit = false;
  int tasks = 0;                           // of the array job; 0 = one a row, at most 100
  std::vector<std::string> slurm_options;  // for sbatch
};

struct RenderRequest {
  std::vector<std::string> assets;
  std::string output = "render.png";
  std::vector<double> camera = {90, 0, 3.5};  // theta, phi (degrees), radius
  std::vector<double> target = {0, 0, 0};     // what the camera looks at, world units
  double fovy = 0.55;
  int width = 512, height = 512;                                  // pixels
  std::vector<asset::Channel> channels = {asset::Channel::kRgb};  // side by side
  asset::Background background;
  int supersample = 1;
  bool turntable = false, fit = false;
  std::vector<double> orbit, polar;                  // degrees; azimuth from and to; one or two polar angles
  std::optional<std::vector<std::string>> captions;  // of a sheet; empty = names of the files
  std::optional<asset::Axes> axes;                   // of the files; without a value: those of their formats
  int fps = 30;
  int64_t frames = 120, threads = 0, bench = 0, sheet = 0, columns = 1;
  std::string progress = "auto";
};

struct ExportRequest {
  std::string asset, title;
  std::vector<std::string> outputs;        // as typed
  std::vector<app::ExportTarget> targets;  // parsed
  app::ExportOptions options;
  int64_t threads = 0;
  std::string progress = "auto";
};

/// Where a page is served.
struct PageRequest {
  std::string address = "127.0.0.1", token;
  uint16_t port = 8042;
  std::vector<std::string> hosts;
};

struct ViewRequest {
  std::vector<std::string> assets;
  std::string html, title;  // empty `html`: served as a page
  PageRequest page;
  std::optional<asset::Axes> input_axes;  // of the file; without a value: those of its format
};

struct ServeRequest {
  std::string output = "output";
  PageRequest page;
};

struct ExplainRequest {
  app::BoundOptions bound;
  std::map<std::string, std::string> given;  // by option name, as typed
  std::string file;
};

struct InfoRequest {
  std::string path;       // a file or a prior's folder; empty = the program and the machine
  std::string prior;      // of `info words`; empty = the embedded one
  bool markdown = false;  // of `info options`
  std::string shell;      // of `info completion`
};

struct EvalRequest {
  app::EvalOptions options;
  std::vector<std::string> compare;
};

struct CorpusRequest {
  corpus::BuildOptions build;
  int64_t threads = 0;
  std::string progress = "auto";
};

struct CheckRequest {
  std::string path;                 // folder or file
  std::string prior, prior_config;  // that an adapter is for; of a single file; empty = none
};

struct SampleRequest {
  std::string folder, output = "sheet.png";
  std::vector<std::string> prompts;
  int64_t views = 8, threads = 0;
  pretrain::SampleOptions options;
};

struct JudgeRequest {
  std::filesystem::path corpus, examine, out = "judge";
  eval::JudgeTraining training;
  bool close_up = false;        // only measure `models`
  corpus::BuildOptions models;  // library and table
  int64_t threads = 0;
  std::string progress = "auto";
};

struct Requests {
  GenerateRequest generate, edit, avatar;
  BatchRequest batch;
  RenderRequest render;
  ExportRequest export_;
  ViewRequest view;
  PointsRequest points;
  PersonaliseRequest personalise;
  ServeRequest serve;
  ExplainRequest explain;
  InfoRequest info;
  EvalRequest eval;
  CorpusRequest corpus;
  pretrain::TrainRequest train;
  CheckRequest check;
  SampleRequest sample;
  JudgeRequest judge;
  pretrain::ShapeRequest shape;
  pretrain::UpscaleRequest upscaler;
  VerifyRequest verify;
  ReproduceRequest reproduce;
};

}  // namespace lucid::cli
