// SPDX-License-Identifier: Apache-2.0
// `lucid-engine`: runs the commands. `lucid` (launcher.cpp) starts it with its own arguments.
#include <c10/util/Exception.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <map>
#include <new>

#include "command_line.h"
#include "commands.h"
#include "lucid/base/error.h"
#include "lucid/base/machine.h"
#include "stop_signal.h"

namespace {

using lucid::cli::Requests;

using Run = int (*)(Requests& requests, const std::atomic<bool>& stop);
const std::map<std::string, Run> kCommands = {
    {"generate", [](Requests& r, const auto& stop) { return lucid::cli::run_generate(r.generate, stop); }},
    {"edit", [](Requests& r, const auto& stop) { return lucid::cli::run_generate(r.edit, stop); }},
    {"avatar", [](Requests& r, const auto& stop) { return lucid::cli::run_generate(r.avatar, stop); }},
    {"render", [](Requests& r, const auto&) { return lucid::cli::run_render(r.render); }},
    {"export", [](Requests& r, const auto&) { return lucid::cli::run_export(r.export_); }},
    {"view", [](Requests& r, const auto& stop) { return lucid::cli::run_view(r.view, stop); }},
    {"points", [](Requests& r, const auto& stop) { return lucid::cli::run_points(r.points, stop); }},
    {"personalise", [](Requests& r, const auto& stop) { return lucid::cli::run_personalise(r.personalise, stop); }},
    {"verify", [](Requests& r, const auto&) { return lucid::cli::run_verify(r.verify); }},
    {"reproduce", [](Requests& r, const auto& stop) { return lucid::cli::run_reproduce(r.reproduce, stop); }},
    {"info", [](Requests& r, const auto&) { return lucid::cli::run_info(r.info); }},
    {"info options", [](Requests& r, const auto&) { return lucid::cli::run_info_options(r.info); }},
    {"info scores", [](Requests& r, const auto&) { return lucid::cli::run_info_scores(r.info); }},
    {"info words", [](Requests& r, const auto&) { return lucid::cli::run_info_words(r.info); }},
    {"eval", [](Requests& r, const auto& stop) { return lucid::cli::run_eval(r.eval, stop); }},
    {"prior corpus", [](Requests& r, const auto& stop) { return lucid::cli::run_prior_corpus(r.corpus, stop); }},
    {"prior train", [](Requests& r, const auto& stop) { return lucid::cli::run_prior_train(r.train, stop); }},
    {"prior check", [](Requests& r, const auto&) { return lucid::cli::run_prior_check(r.check); }},
    {"prior sample", [](Requests& r, const auto&) { return lucid::cli::run_prior_sample(r.sample); }},
    {"prior judge", [](Requests& r, const auto& stop) { return lucid::cli::run_prior_judge(r.judge, stop); }},
    {"prior shape", [](Requests& r, const auto& stop) { return lucid::cli::run_prior_shape(r.shape, stop); }},
    {"prior upscaler", [](Requests& r, const auto& stop) { return lucid::cli::run_prior_upscaler(r.upscaler, stop); }}};

}  // namespace

int main(int argc, char** argv) {
  lucid::set_up_malloc();
  spdlog::set_default_logger(spdlog::stderr_color_mt("lucid"));
  spdlog::set_pattern("lucid: %v");
  const std::atomic<bool>& stop = lucid::cli::install_stop_signal();
  return lucid::cli::guarded([&] {
    lucid::cli::CommandLine line;
    if (const auto code = line.parse(argc, argv)) return *code;
    lucid::let_idle_threads_sleep(argv);  // starts anew, unless the launcher has set the policy
    const auto command = kCommands.find(line.command());
    LUCID_CHECK(command != kCommands.end(), "nothing runs the command '{}'", line.command());
    try {
      return command->second(line.requests, stop);
    } catch (const c10::OutOfMemoryError&) {  // of a card
      throw std::bad_alloc();
    }
  });
}
