// SPDX-License-Identifier: Apache-2.0
// Thinning of a series.
#include "lucid/serve/jobs/series.h"

namespace lucid::serve {
namespace {

void resize(Series& series, size_t size) {
  series.step.resize(size);
  series.score.resize(size);
  series.gaussians.resize(size);
}

/// Keeps every second point, the first one among them.
void halve(Series& series) {
  const size_t kept = (series.step.size() + 1) / 2;
  for (size_t i = 0; i < kept; ++i) {
    series.step[i] = series.step[2 * i];
    series.score[i] = series.score[2 * i];
    series.gaussians[i] = series.gaussians[2 * i];
  }
  resize(series, kept);
}

}  // namespace

void cut_after(Series& series, int64_t step) {
  size_t size = series.step.size();
  while (size > 0 && series.step[size - 1] > step) --size;
  resize(series, size);
}

void add_point(Series& series, int64_t step, double score, int64_t gaussians) {
  cut_after(series, step - 1);
  const size_t size = series.step.size();
  // The last point stands for the newest step until it is a whole distance away from the one before.
  const bool provisional = size > 2 && series.step[size - 1] - series.step[size - 2] < series.step[1] - series.step[0];
  if (provisional) {
    resize(series, size - 1);
  } else if (size >= kMostPoints) {
    halve(series);
  }
  series.step.push_back(step);
  series.score.push_back(score);
  series.gaussians.push_back(gaussians);
}

}  // namespace lucid::serve
