// SPDX-License-Identifier: Apache-2.0
// What the subcommands do, in lucid-engine. Each returns the exit code and throws UserError.
#pragma once

#include <atomic>

#include "requests.h"

namespace lucid::cli {

int run_generate(GenerateRequest& request, const std::atomic<bool>& stop);
int run_render(const RenderRequest& request);
int run_export(const ExportRequest& request);
int run_view(const ViewRequest& request, const std::atomic<bool>& stop);
int run_points(const PointsRequest& request, const std::atomic<bool>& stop);
int run_personalise(const PersonaliseRequest& request, const std::atomic<bool>& stop);
int run_verify(const VerifyRequest& request);
int run_reproduce(const ReproduceRequest& request, const std::atomic<bool>& stop);
int run_info(const InfoRequest& request);
int run_info_options(const InfoRequest& request);
int run_info_scores(const InfoRequest& request);
int run_info_words(const InfoRequest& request);
int run_eval(const EvalRequest& request, const std::atomic<bool>& stop);
int run_prior_corpus(CorpusRequest& request, const std::atomic<bool>& stop);
int run_prior_train(const pretrain::TrainRequest& request, const std::atomic<bool>& stop);
int run_prior_check(const CheckRequest& request);
int run_prior_sample(const SampleRequest& request);
int run_prior_judge(const JudgeRequest& request, const std::atomic<bool>& stop);
int run_prior_shape(pretrain::ShapeRequest& request, const std::atomic<bool>& stop);
int run_prior_upscaler(pretrain::UpscaleRequest& request, const std::atomic<bool>& stop);

}  // namespace lucid::cli
