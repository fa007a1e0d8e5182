// SPDX-License-Identifier: Apache-2.0
// Rng: stream keys, and the uniform, integer and normal draws built on Philox4x32-10.
#include "lucid/base/rng.h"

#include <utility>

namespace lucid {
namespace {

// FNV-1a hash of the stream's name. Unlike std::hash it is the same on every machine.
uint64_t hash_name(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (unsigned char c : name) hash = (hash ^ c) * 0x100000001b3ull;
  return hash;
}

}  // namespace

Rng::Rng(uint64_t seed, std::string_view stream, uint64_t step) : step_(step) {
  const uint64_t key = seed * 0x9E3779B97F4A7C15ull ^ hash_name(stream);
  key_ = {{static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)}};
}

uint32_t Rng::next_u32() {
  if (word_ % 4 == 0) block_ = philox(key_, step_, word_ / 4);
  return block_.words[word_++ % 4];
}

double Rng::uniform() {
  const uint32_t first = next_u32(), second = next_u32();
  return uniform_of(first, second);
}

double Rng::uniform(double low, double high) { return low + (high - low) * uniform(); }

int64_t Rng::integer(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(uniform() * static_cast<double>(high - low));
}

double Rng::normal() {
  if (std::exchange(has_spare_, false)) return spare_;
  const double first = uniform(), second = uniform();
  const NormalPair pair = box_muller(first, second);
  spare_ = pair.second;
  has_spare_ = true;
  return pair.first;
}

bool Rng::chance(double probability) { return uniform() < probability; }

void Rng::fill_uniform(float* out, size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<float>(next_u32() >> 8) * 0x1p-24f;
}

NormalRun Rng::skip_normals(size_t count) {
  const NormalRun run{.key = key_, .step = step_, .word = word_, .has_spare = has_spare_, .spare = spare_};
  if (count == 0) return run;
  const uint64_t of_pairs = count - (has_spare_ ? 1 : 0);
  has_spare_ = false;
  word_ += of_pairs / 2 * 4;
  if (word_ % 4 != 0) block_ = philox(key_, step_, word_ / 4);
  if (of_pairs % 2 == 1) normal();  // the second half of this pair becomes the spare
  return run;
}

void Rng::fill_normal(float* out, size_t count) {
  constexpr int64_t kWorthThreads = 1 << 13;  // pairs; below this number one thread is faster
  const NormalRun run = skip_normals(count);
  if (run.has_spare && count > 0) *out++ = static_cast<float>(run.spare), --count;
  const auto pairs = static_cast<int64_t>((count + 1) / 2);
#pragma omp parallel for schedule(static) if (pairs >= kWorthThreads)
  for (int64_t p = 0; p < pairs; ++p) {
    const NormalPair pair = run.pair(static_cast<uint64_t>(p));
    out[2 * p] = static_cast<float>(pair.first);
    if (2 * static_cast<size_t>(p) + 1 < count) out[2 * p + 1] = static_cast<float>(pair.second);
  }
}

}  // namespace lucid
