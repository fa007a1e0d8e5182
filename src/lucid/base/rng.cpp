// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10 and the draws built on it.
#include "lucid/base/rng.h"

#include <cmath>
#include <numbers>

namespace lucid {
namespace {

// FNV-1a: names the stream; the same on every machine, unlike std::hash.
uint64_t hash_name(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (unsigned char c : name) hash = (hash ^ c) * 0x100000001b3ull;
  return hash;
}

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = 0xD2511F53ull * counter[0];
    const uint64_t b = 0xCD9E8D57ull * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

}  // namespace

Rng::Rng(uint64_t seed, std::string_view stream, uint64_t step) {
  // The key mixes seed and name; the counter's upper half is the step, its lower half counts blocks.
  const uint64_t key = seed * 0x9E3779B97F4A7C15ull ^ hash_name(stream);
  key_ = {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)};
  counter_ = {0, 0, static_cast<uint32_t>(step), static_cast<uint32_t>(step >> 32)};
}

uint32_t Rng::next_u32() {
  if (used_ == 4) {
    block_ = philox(counter_, key_);
    if (++counter_[0] == 0) ++counter_[1];
    used_ = 0;
  }
  return block_[used_++];
}

double Rng::uniform() {
  const uint64_t high = next_u32() >> 5, low = next_u32() >> 6;
  return static_cast<double>(high << 26 | low) * 0x1p-53;
}

double Rng::uniform(double low, double high) { return low + (high - low) * uniform(); }

int64_t Rng::integer(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(uniform() * static_cast<double>(high - low));
}

double Rng::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  const double angle = 2 * std::numbers::pi * uniform();
  spare_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

bool Rng::chance(double probability) { return uniform() < probability; }

void Rng::fill_uniform(float* out, size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<float>(next_u32() >> 8) * 0x1p-24f;
}

void Rng::fill_normal(float* out, size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<float>(normal());
}

}  // namespace lucid
