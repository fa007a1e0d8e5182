// SPDX-License-Identifier: Apache-2.0
// Properties of the noise schedule that need no golden file.
#include "lucid/diffusion/schedule.h"

#include <gtest/gtest.h>

namespace lucid::diffusion {
namespace {

TEST(ScheduleTable, AlphaBarIsTheProductOfOneMinusBeta) {
  for (const char* kind : {"linear", "scaled_linear"}) {
    ScheduleConfig config;
    config.beta_schedule = kind;
    const Schedule schedule(config);
    double product = 1;
    for (int64_t t = 0; t < config.num_train_timesteps; ++t) {
      product *= 1 - schedule.beta(t);
      ASSERT_NEAR(schedule.alpha_bar(t) / product, 1, 1e-4) << kind << " at " << t;
    }
  }
}

}  // namespace
}  // namespace lucid::diffusion
