// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10 and the draws built on it.
#include "lucid/base/rng.h"

#include <cmath>
#include <numbers>
#include <utility>

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

/// [0, 1), 53 bits.
double uniform_of(uint32_t first, uint32_t second) {
  return static_cast<double>(static_cast<uint64_t>(first >> 5) << 26 | second >> 6) * 0x1p-53;
}

std::pair<double, double> box_muller(double first, double second) {
  const double radius = std::sqrt(-2 * std::log(1 - first)), angle = 2 * std::numbers::pi * second;
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace

Rng::Rng(uint64_t seed, std::string_view stream, uint64_t step) {
  // The key mixes seed and name; the counter's upper half is the step, its lower half counts blocks.
  const uint64_t key = seed * 0x9E3779B97F4A7C15ull ^ hash_name(stream);
  key_ = {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)};
  counter_ = {0, 0, static_cast<uint32_t>(step), static_cast<uint32_t>(step >> 32)};
}

std::array<uint32_t, 4> Rng::counter_at(uint64_t block) const {
  return {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), counter_[2], counter_[3]};
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
  const uint32_t first = next_u32(), second = next_u32();
  return uniform_of(first, second);
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
  const double first = uniform(), second = uniform();
  const auto [normal, spare] = box_muller(first, second);
  spare_ = spare;
  has_spare_ = true;
  return normal;
}

bool Rng::chance(double probability) { return uniform() < probability; }

void Rng::fill_uniform(float* out, size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<float>(next_u32() >> 8) * 0x1p-24f;
}

void Rng::fill_normal(float* out, size_t count) {
  size_t i = 0;
  // A block of four numbers makes two normals, so that many blocks can be drawn at once.
  if (!has_spare_ && used_ == 4) {
    constexpr int64_t kWorthThreads = 1 << 13;
    const uint64_t first = counter_[0] | static_cast<uint64_t>(counter_[1]) << 32;
    const auto blocks = static_cast<int64_t>(count / 2);
#pragma omp parallel for schedule(static) if (blocks >= kWorthThreads)
    for (int64_t b = 0; b < blocks; ++b) {
      const auto block = philox(counter_at(first + static_cast<uint64_t>(b)), key_);
      const auto [normal, other] = box_muller(uniform_of(block[0], block[1]), uniform_of(block[2], block[3]));
      out[2 * b] = static_cast<float>(normal);
      out[2 * b + 1] = static_cast<float>(other);
    }
    counter_ = counter_at(first + static_cast<uint64_t>(blocks));
    i = 2 * static_cast<size_t>(blocks);
  }
  for (; i < count; ++i) out[i] = static_cast<float>(normal());
}

}  // namespace lucid
