// SPDX-License-Identifier: Apache-2.0
// Reads and writes amounts of memory.
#include "lucid/app/run_options/memory_size.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>

#include "lucid/base/error.h"

namespace lucid::app {
namespace {
constexpr double kMega = 1 << 20, kGiga = 1 << 30;
}  // namespace

double bytes_of(const std::string& text) {
  if (text.empty()) return 0;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string unit(end, text.data() + text.size());
  for (char& c : unit) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (unit.ends_with("IB")) unit.resize(unit.size() - 2);
  if (unit.size() > 1 && unit.ends_with('B')) unit.pop_back();
  const double factor = unit == "G" ? kGiga : unit == "M" ? kMega : 0;
  if (error != std::errc() || factor == 0 || !(number > 0) || number > 1e9) {
    throw UserError({.what_happened = fmt::format("'{}' is no amount of memory", text),
                     .key = "memory",
                     .hint = "for example 3G or 800M"});
  }
  return number * factor;
}

std::string size_text(double bytes) {
  return bytes >= kGiga ? fmt::format("{:.1f}G", bytes / kGiga) : fmt::format("{:.0f}M", bytes / kMega);
}

}  // namespace lucid::app
