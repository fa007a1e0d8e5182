// SPDX-License-Identifier: Apache-2.0
// The page and the JSON file.
#include "lucid/batch/report.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "lucid/base/atomic_file.h"
#include "lucid/base/html.h"
#include "lucid/json/utf8.h"

namespace lucid::batch {
namespace fs = std::filesystem;
namespace {
using nlohmann::json;

std::string escaped(const std::string& text) { return html_escaped(valid_utf8(text)); }

/// A relative path as a URL.
std::string url(const fs::path& path) {
  std::string out;
  for (const char c : path.generic_string()) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        (byte < 128 && std::isalnum(byte) != 0) || std::string_view("/._-~").find(c) != std::string::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return out.starts_with('/') ? "file://" + out : out;  // on another drive there is no relative path
}

fs::path from(const fs::path& root, const fs::path& path) {
  const fs::path base = fs::absolute(root).lexically_normal(), to = fs::absolute(path).lexically_normal();
  const fs::path relative = to.lexically_relative(base);
  return relative.empty() ? to : relative;
}

std::string duration(double seconds) {
  const auto whole = static_cast<int64_t>(std::lround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole / 60 % 60);
}

constexpr const char* kStyle = R"css(
:root{color-scheme:light dark;--ground:#fff;--card:#f6f6f4;--text:#1c1c1a;--soft:#66665f;--line:#dddcd6;--bad:#b3261e;
--good:#2f6f3e}
@media(prefers-color-scheme:dark){:root{--ground:#161614;--card:#20201d;--text:#ecebe6;--soft:#a3a299;--line:#383731;
--bad:#ff8a80;--good:#86d197}}
body{margin:0 auto;padding:2rem 1.5rem 4rem;max-width:90rem;background:var(--ground);color:var(--text);
font:1rem/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:0 0 .25rem}
p{margin:.25rem 0 1.5rem;color:var(--soft)}
ul{list-style:none;margin:0;padding:0;display:grid;gap:1.5rem;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr))}
li{background:var(--card);border:1px solid var(--line);border-radius:.5rem;overflow:hidden;padding-bottom:1rem}
.picture{display:flex;aspect-ratio:1;align-items:center;justify-content:center;background:#fff;color:#66665f}
.picture img{width:100%;height:100%;object-fit:contain}
.none{background:var(--ground);color:var(--soft)}
h2{font-size:1rem;margin:1rem 1rem .25rem;overflow-wrap:anywhere}
li p,details{margin:0 1rem;font-size:.875rem;overflow-wrap:anywhere}
.finished b{color:var(--good)}.failed b,.error{color:var(--bad)}
summary{cursor:pointer;color:var(--soft)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:0 .75rem;margin:.25rem 0 0}
dt{color:var(--soft)}dd{margin:0}
a{color:inherit}a:focus-visible,summary:focus-visible{outline:2px solid;outline-offset:2px}
)css";

/// `place`: in the page, from 1; numbers of rows repeat where folders are merged.
std::string card(const RowView& view, size_t place, const fs::path& root) {
  const std::string state = name_of(view.state), prompt = escaped(view.row.prompt);
  std::string out = fmt::format("<li class=\"{}\" id=\"row-{}\">\n", state, place);
  const fs::path& small = view.picture.empty() ? view.sheet : view.picture;
  const fs::path& large = view.sheet.empty() ? view.picture : view.sheet;
  if (small.empty()) {
    out += fmt::format("<div class=\"picture none\">{}</div>\n",
                       view.state == State::kWaiting ? "not started" : "no picture yet");
  } else {
    out += fmt::format("<a class=\"picture\" href=\"{}\"><img src=\"{}\" alt=\"{}\" loading=\"lazy\"></a>\n",
                       url(from(root, view.folder / large)), url(from(root, view.folder / small)), prompt);
  }
  out += fmt::format("<h2>{}. {}</h2>\n<p><b>{}</b>", view.row.number, prompt, state);
  if (view.state == State::kWorking || view.state == State::kInterrupted)
    out += fmt::format(" at step {} of {}", view.step, view.row.steps);
  if (view.seconds > 0) out += ", " + duration(view.seconds);
  if (view.gaussians > 0) out += fmt::format(", {} Gaussians", view.gaussians);
  if (view.state != State::kWaiting) out += fmt::format(", <a href=\"{}/\">files</a>", url(from(root, view.folder)));
  out += "</p>\n";
  if (!view.error.empty()) out += fmt::format("<p class=\"error\">{}</p>\n", escaped(view.error));
  if (!view.row.options.empty()) {
    out += "<details><summary>Options</summary><dl>";
    for (const auto& [name, value] : view.row.options)
      out += fmt::format("<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value));
    out += "</dl></details>\n";
  }
  return out + "</li>\n";
}

double seconds_of(const std::vector<RowView>& rows) {
  double sum = 0;
  for (const RowView& view : rows) sum += view.seconds;
  return sum;
}

}  // namespace

Counts count(const std::vector<RowView>& rows) {
  Counts counts;
  for (const RowView& view : rows) {
    switch (view.state) {
      case State::kWaiting:
        ++counts.waiting;
        break;
      case State::kWorking:
        ++counts.working;
        break;
      case State::kInterrupted:
        ++counts.interrupted;
        break;
      case State::kFinished:
        ++counts.finished;
        break;
      case State::kFailed:
        ++counts.failed;
        break;
    }
  }
  return counts;
}

std::string words_of(const Counts& counts) {
  std::string text = fmt::format("{} finished, {} failed", counts.finished, counts.failed);
  if (counts.interrupted > 0) text += fmt::format(", {} interrupted", counts.interrupted);
  if (counts.working > 0) text += fmt::format(", {} working", counts.working);
  if (counts.waiting > 0) text += fmt::format(", {} waiting", counts.waiting);
  return text;
}

std::string report_html(const std::vector<RowView>& rows, const fs::path& root) {
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{} assets – lucid</title>\n"
      "<style>{}</style>\n</head>\n<body>\n<h1>{} assets</h1>\n<p>{}; {} of computing.</p>\n",
      rows.size(), kStyle, rows.size(), words_of(count(rows)), duration(seconds_of(rows)));
  std::string failed;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].state == State::kFailed)
      failed += fmt::format("{}<a href=\"#row-{}\">{}</a>", failed.empty() ? "" : ", ", i + 1, rows[i].row.number);
  }
  if (!failed.empty()) out += fmt::format("<p>Failed: {}</p>\n", failed);
  out += "<ul>\n";
  for (size_t i = 0; i < rows.size(); ++i) out += card(rows[i], i + 1, root);
  return out + "</ul>\n</body>\n</html>\n";
}

std::string summary_json(const std::vector<RowView>& rows, const fs::path& root) {
  json list = json::array();
  for (const RowView& view : rows) {
    json row = {{"number", view.row.number},
                {"prompt", view.row.prompt},
                {"options", view.row.options},
                {"folder", from(root, view.folder).generic_string()},
                {"state", name_of(view.state)},
                {"seconds", view.seconds},
                {"step", view.step},
                {"steps", view.row.steps}};
    if (view.gaussians > 0) row["gaussians"] = view.gaussians;
    if (!view.error.empty()) row["error"] = view.error;
    if (!view.host.empty()) row["host"] = view.host;
    if (!view.picture.empty()) row["picture"] = from(root, view.folder / view.picture).generic_string();
    if (!view.sheet.empty()) row["sheet"] = from(root, view.folder / view.sheet).generic_string();
    list.push_back(std::move(row));
  }
  const Counts counts = count(rows);
  return json{{"finished", counts.finished},
              {"failed", counts.failed},
              {"interrupted", counts.interrupted},
              {"working", counts.working},
              {"waiting", counts.waiting},
              {"seconds", seconds_of(rows)},
              {"rows", list}}
             .dump(1, ' ', false, json::error_handler_t::replace) +
         "\n";
}

void write_report(const std::vector<RowView>& rows, const fs::path& root) {
  write_file(root / "report.html", report_html(rows, root));
  write_file(root / "summary.json", summary_json(rows, root));
}

}  // namespace lucid::batch
