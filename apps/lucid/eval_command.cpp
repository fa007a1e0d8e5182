// SPDX-License-Identifier: Apache-2.0
// lucid eval: how good the assets of many prompts are, in numbers and pictures.
#include "commands.h"

namespace lucid::cli {

int run_eval(const EvalRequest& request, const std::atomic<bool>& stop) { return app::evaluate(request.options, stop); }

}  // namespace lucid::cli
