// SPDX-License-Identifier: Apache-2.0
// Progress display. The rate counts only steps of this process, so a resumed run does not appear infinitely fast.
#include "lucid/base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "lucid/base/error.h"

namespace lucid {
namespace {

std::string clock_text(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

/// Errors are ignored: whoever read the lines may be gone, and the work goes on.
void print_json(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

}  // namespace

Progress::Style Progress::style_from_name(const std::string& name) {
  if (name == "bar") return Style::kBar;
  if (name == "plain") return Style::kPlain;
  if (name == "json") return Style::kJson;
  if (name == "off") return Style::kOff;
  return ::isatty(STDERR_FILENO) != 0 ? Style::kBar : Style::kPlain;
}

Progress::Progress(Style style, std::string what, int64_t total, int64_t done_before)
    : style_(style), what_(std::move(what)), total_(total), done_before_(done_before), done_(done_before) {}

Progress::~Progress() {
  if (style_ == Style::kBar && done_ > done_before_) std::fputc('\n', stderr);
}

void Progress::update(int64_t done, const std::string& value_name, double value,
                      const std::vector<std::pair<std::string, double>>& more) {
  done_ = done;
  const auto now = Clock::now();
  const double interval = style_ == Style::kBar ? 0.1 : style_ == Style::kPlain ? 5.0 : 0.0;
  const bool last = done >= total_;
  if (style_ == Style::kOff || (!last && std::chrono::duration<double>(now - last_shown_).count() < interval)) return;
  last_shown_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done - done_before_) / seconds : 0;
  const double left = rate > 0 ? static_cast<double>(total_ - done) / rate : 0;
  if (style_ == Style::kJson) {
    std::string line = fmt::format(
        "{{\"event\":\"step\",\"what\":\"{}\",\"step\":{},\"total\":{},\"rate\":{:.3f},\"seconds_left\":{:.1f},"
        "\"{}\":{:.6g}",
        what_, done, total_, rate, left, value_name, value);
    for (const auto& [name, figure] : more) line += fmt::format(",\"{}\":{:.6g}", name, figure);
    return print_json(line + "}\n");
  }
  const std::string figures =
      fmt::format("{}/{}  {:.2f} steps/s  {} left  {} {:.4g}", done, total_, rate, clock_text(left), value_name, value);
  if (style_ == Style::kPlain) {
    fmt::print(stderr, "{} {}\n", what_, figures);
    return;
  }
  constexpr int kWidth = 28;
  const int filled = total_ > 0 ? static_cast<int>(kWidth * done / total_) : kWidth;
  fmt::print(stderr, "\r{} [{}{}] {}\x1b[K", what_, std::string(static_cast<size_t>(filled), '='),
             std::string(static_cast<size_t>(kWidth - filled), ' '), figures);
  std::fflush(stderr);
}

void StageProgress::end() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
  drawn_ = false;
}

void StageProgress::begin(const std::string& stage) {
  switch (style_) {
    case Progress::Style::kOff:
      return;
    case Progress::Style::kJson:
      return print_json(fmt::format("{{\"event\":\"stage\",\"what\":\"{}\",\"stage\":\"{}\"}}\n", what_, stage));
    case Progress::Style::kPlain:
      fmt::print(stderr, "{}: {}\n", what_, stage);
      return;
    case Progress::Style::kBar:
      fmt::print(stderr, "\r{}: {} …\x1b[K", what_, stage);
      std::fflush(stderr);
      drawn_ = true;
  }
}

}  // namespace lucid
