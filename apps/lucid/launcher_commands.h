// SPDX-License-Identifier: Apache-2.0
// What the launcher does itself, since it needs no libtorch. Each returns the exit code and throws UserError.
#pragma once

#include <atomic>

#include "requests.h"

namespace lucid::cli {

int run_serve(const ServeRequest& request, const std::atomic<bool>& stop);

int run_batch(const BatchRequest& request, const std::atomic<bool>& stop);

/// `lucid generate --watch`.
int run_watch(const GenerateRequest& request, const std::atomic<bool>& stop);

}  // namespace lucid::cli
