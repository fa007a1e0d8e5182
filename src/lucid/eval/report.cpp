// SPDX-License-Identifier: Apache-2.0
// JSON and HTML of an evaluation's results.
#include "lucid/eval/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "lucid/base/html.h"

namespace lucid::eval {
namespace {

using nlohmann::json;

template <class T>
json nullable(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

template <class T>
std::optional<T> read_nullable(const json& object, const char* key) {
  return object.at(key).is_null() ? std::nullopt : std::optional<T>(object.at(key).get<T>());
}

/// The metrics that are averaged and compared; an asset without a metric is left out of its mean.
struct Metric {
  const char* name;
  std::optional<double> (*of)(const AssetResult&);
};
constexpr Metric kMetrics[] = {
    {"r_precision_1", [](const AssetResult& r) { return std::optional<double>(r.rank <= 1); }},
    {"r_precision_5", [](const AssetResult& r) { return std::optional<double>(r.rank <= 5); }},
    {"colour_accuracy",
     [](const AssetResult& r) { return r.colour_right ? std::optional<double>(*r.colour_right) : std::nullopt; }},
    {"view_accuracy", [](const AssetResult& r) { return r.view_accuracy; }},
    {"janus_rate",
     [](const AssetResult& r) { return r.second_front ? std::optional<double>(*r.second_front) : std::nullopt; }},
    {"sharpness", [](const AssetResult& r) { return std::optional<double>(r.sharpness); }},
    {"surface_sharpness", [](const AssetResult& r) { return r.surface_sharpness; }},
    {"sharpness_ratio", [](const AssetResult& r) { return r.sharpness_ratio; }},
    {"saturation_ratio", [](const AssetResult& r) { return r.saturation_ratio; }},
    {"distance_to_nearest", [](const AssetResult& r) { return r.distance_to_nearest; }},
    {"reprojection_error", [](const AssetResult& r) { return r.reprojection_error; }},
    {"fine_energy", [](const AssetResult& r) { return r.close_up.fine_energy; }},
    {"real_fine_energy", [](const AssetResult& r) { return r.real_fine_energy; }},
    {"floater_rate",
     [](const AssetResult& r) { return r.has_floaters ? std::optional<double>(*r.has_floaters) : std::nullopt; }},
    {"floater_share", [](const AssetResult& r) { return std::optional<double>(r.close_up.floater_share); }},
    {"haze", [](const AssetResult& r) { return std::optional<double>(r.close_up.haze); }},
    {"reprojection_error_512", [](const AssetResult& r) { return r.close_up.reprojection_error; }},
    {"detail_agreement", [](const AssetResult& r) { return r.close_up.detail_agreement; }},
    {"clip_score", [](const AssetResult& r) { return r.clip_score; }},
    {"clip_r_precision_1",
     [](const AssetResult& r) { return r.clip_rank ? std::optional<double>(*r.clip_rank <= 1) : std::nullopt; }},
    {"clip_r_precision_5",
     [](const AssetResult& r) { return r.clip_rank ? std::optional<double>(*r.clip_rank <= 5) : std::nullopt; }},
    {"seconds_per_asset", [](const AssetResult& r) { return std::optional<double>(r.seconds); }},
};

std::string shown(const json& value) {
  if (value.is_null()) return "–";
  if (value.is_number_float()) {
    const double number = value.get<double>();
    return number != 0 && std::abs(number) < 0.01 ? fmt::format("{:.3g}", number) : fmt::format("{:.3f}", number);
  }
  return html_escaped(value.is_string() ? value.get<std::string>() : value.dump());
}

/// The fine energy of an asset to that of real renders of its word.
std::optional<double> fine_energy_ratio(const AssetResult& r) {
  if (!r.close_up.fine_energy || !r.real_fine_energy || *r.real_fine_energy <= 0) return std::nullopt;
  return *r.close_up.fine_energy / *r.real_fine_energy;
}

/// Ratio of the means, and median of the ratios. Smooth objects have ratios of ten and more, so a mean of ratios would
/// be theirs alone.
void add_fine_energy_ratios(const std::vector<AssetResult>& results, json& out) {
  double fine = 0, real = 0;
  std::vector<double> ratios;
  for (const AssetResult& result : results) {
    const auto ratio = fine_energy_ratio(result);
    if (!ratio) continue;
    fine += *result.close_up.fine_energy;
    real += *result.real_fine_energy;
    ratios.push_back(*ratio);
  }
  std::ranges::sort(ratios);
  out["fine_energy_ratio"] = ratios.empty() ? json(nullptr) : json(fine / real);
  out["fine_energy_ratio_median"] =
      ratios.empty() ? json(nullptr) : json((ratios[(ratios.size() - 1) / 2] + ratios[ratios.size() / 2]) / 2);
}

/// HTML table with one row per key and one column per object.
std::string table(const std::vector<std::pair<std::string, json>>& columns) {
  std::string out = "<table><tr><th></th>";
  for (const auto& [name, unused] : columns) out += fmt::format("<th>{}</th>", html_escaped(name));
  out += "</tr>\n";
  for (const auto& [key, unused] : columns.front().second.items()) {
    out += fmt::format("<tr><th>{}</th>", html_escaped(key));
    for (const auto& [name, object] : columns) out += fmt::format("<td>{}</td>", shown(object.value(key, json())));
    out += "</tr>\n";
  }
  return out + "</table>\n";
}

}  // namespace

json to_json(const AssetResult& r) {
  return {{"prompt", r.prompt},
          {"word", r.word},
          {"colour", r.colour},
          {"score", r.score},
          {"seed", r.seed},
          {"unseen", r.unseen},
          {"rank", r.rank},
          {"taken_for", r.taken_for},
          {"colour_right", nullable(r.colour_right)},
          {"view_accuracy", nullable(r.view_accuracy)},
          {"second_front", nullable(r.second_front)},
          {"sides_seen", r.sides_seen},
          {"sharpness", r.sharpness},
          {"saturation", r.saturation},
          {"surface_sharpness", nullable(r.surface_sharpness)},
          {"sharpness_ratio", nullable(r.sharpness_ratio)},
          {"saturation_ratio", nullable(r.saturation_ratio)},
          {"distance_to_nearest", nullable(r.distance_to_nearest)},
          {"reprojection_error", nullable(r.reprojection_error)},
          {"fine_energy", nullable(r.close_up.fine_energy)},
          {"real_fine_energy", nullable(r.real_fine_energy)},
          {"fine_energy_ratio", nullable(fine_energy_ratio(r))},
          {"floater_share", r.close_up.floater_share},
          {"largest_floater", r.close_up.largest_floater},
          {"has_floaters", nullable(r.has_floaters)},
          {"haze", r.close_up.haze},
          {"reprojection_error_512", nullable(r.close_up.reprojection_error)},
          {"detail_agreement", nullable(r.close_up.detail_agreement)},
          {"clip_score", nullable(r.clip_score)},
          {"clip_rank", nullable(r.clip_rank)},
          {"seconds", r.seconds},
          {"peak_mb", r.peak_mb},
          {"picture", r.picture},
          {"judge", r.judge}};
}

AssetResult result_from_json(const json& j) {
  return {.prompt = j.at("prompt"),
          .word = j.at("word"),
          .colour = j.at("colour"),
          .score = j.at("score"),
          .seed = j.at("seed"),
          .unseen = j.at("unseen"),
          .rank = j.at("rank"),
          .taken_for = j.at("taken_for"),
          .colour_right = read_nullable<bool>(j, "colour_right"),
          .view_accuracy = read_nullable<double>(j, "view_accuracy"),
          .second_front = read_nullable<bool>(j, "second_front"),
          .sides_seen = j.value("sides_seen", std::vector<int64_t>()),
          .sharpness = j.at("sharpness"),
          .saturation = j.at("saturation"),
          .surface_sharpness = read_nullable<double>(j, "surface_sharpness"),
          .sharpness_ratio = read_nullable<double>(j, "sharpness_ratio"),
          .saturation_ratio = read_nullable<double>(j, "saturation_ratio"),
          .distance_to_nearest = read_nullable<double>(j, "distance_to_nearest"),
          .reprojection_error = read_nullable<double>(j, "reprojection_error"),
          .close_up = {.fine_energy = read_nullable<double>(j, "fine_energy"),
                       .floater_share = j.at("floater_share"),
                       .haze = j.at("haze"),
                       .largest_floater = j.at("largest_floater"),
                       .reprojection_error = read_nullable<double>(j, "reprojection_error_512"),
                       .detail_agreement = read_nullable<double>(j, "detail_agreement")},
          .real_fine_energy = read_nullable<double>(j, "real_fine_energy"),
          .has_floaters = read_nullable<bool>(j, "has_floaters"),
          .clip_score = read_nullable<double>(j, "clip_score"),
          .clip_rank = read_nullable<int64_t>(j, "clip_rank"),
          .seconds = j.at("seconds"),
          .peak_mb = j.at("peak_mb"),
          .picture = j.at("picture"),
          .judge = j.at("judge")};
}

json summary(const std::vector<AssetResult>& results, double judge_accuracy) {
  json out = {{"prompts", results.size()}, {"judge_accuracy", judge_accuracy}};
  for (const Metric& metric : kMetrics) {
    double sum = 0;
    int64_t count = 0;
    for (const AssetResult& result : results) {
      if (const auto value = metric.of(result)) {
        sum += *value;
        ++count;
      }
    }
    out[metric.name] = count == 0 ? json(nullptr) : json(sum / static_cast<double>(count));
    if (count != static_cast<int64_t>(results.size())) out[std::string(metric.name) + "_of"] = count;
  }
  add_fine_energy_ratios(results, out);
  int64_t peak = 0;
  for (const AssetResult& result : results) peak = std::max(peak, result.peak_mb);
  out["peak_mb"] = peak;
  out["unseen_combinations"] = std::ranges::count_if(results, &AssetResult::unseen);
  return out;
}

json comparison(const std::vector<AssetResult>& a, const std::vector<AssetResult>& b) {
  std::map<std::pair<std::string, int64_t>, const AssetResult*> partners;
  for (const AssetResult& result : b) partners[{result.prompt, result.seed}] = &result;
  json out = json::object();
  for (const Metric& metric : kMetrics) {
    std::vector<double> differences;
    double greater = 0;
    for (const AssetResult& result : a) {
      const auto partner = partners.find({result.prompt, result.seed});
      if (partner == partners.end()) continue;
      const auto ours = metric.of(result), theirs = metric.of(*partner->second);
      if (!ours || !theirs) continue;
      differences.push_back(*ours - *theirs);
      greater += *ours > *theirs;
    }
    if (differences.empty()) continue;
    const Interval interval = bootstrap_mean(differences);
    out[metric.name] = {{"mean_difference", interval.mean},
                        {"low", interval.low},
                        {"high", interval.high},
                        {"share_greater", greater / static_cast<double>(differences.size())},
                        {"pairs", differences.size()}};
  }
  return out;
}

std::string html(const json& report) {
  std::string page =
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>lucid eval</title>\n"
      "<style>body{font:14px sans-serif;margin:2em;max-width:70em}table{border-collapse:collapse;margin:1em 0}"
      "th,td{padding:2px 10px;text-align:left;border-bottom:1px solid #ddd}figure{display:inline-block;margin:6px;"
      "width:32em;vertical-align:top}img{width:100%;border:1px solid #eee}figcaption{font-size:12px;color:#333}"
      ".bad{color:#b00}</style>\n<h1>lucid eval</h1>\n";
  std::vector<std::pair<std::string, json>> columns;
  for (const auto& [score, object] : report.at("summary").items()) columns.emplace_back(score, object);
  page += table(columns);
  const auto add_comparison = [&](const std::string& heading, const json& comparison) {
    page += fmt::format("<h2>{}</h2>\n", html_escaped(heading));
    columns.clear();
    for (const auto& [name, object] : comparison.items()) columns.emplace_back(name, object);
    if (!columns.empty()) page += table(columns);
  };
  if (report.contains("comparison")) add_comparison(report.at("compared"), report.at("comparison"));
  if (report.contains("comparisons"))
    for (const auto& [heading, comparison] : report.at("comparisons").items()) add_comparison(heading, comparison);
  page += "<h2>Assets</h2>\n";
  for (const json& asset : report.at("assets")) {
    const bool right = asset.at("rank").get<int64_t>() == 1;
    page += fmt::format(
        "<figure><img src=\"{}\" alt=\"{}\" loading=\"lazy\"><figcaption>{} ({}, seed {}): <span class=\"{}\">rank {}, "
        "taken for {}</span>; sharpness {}, views {}, fine energy {}, floaters {} px, {:.0f} s</figcaption></figure>\n",
        html_escaped(asset.at("picture").get<std::string>()), html_escaped(asset.at("prompt").get<std::string>()),
        html_escaped(asset.at("prompt").get<std::string>()), html_escaped(asset.at("score").get<std::string>()),
        asset.at("seed").get<int64_t>(), right ? "good" : "bad", asset.at("rank").get<int64_t>(),
        html_escaped(asset.at("taken_for").get<std::string>()), shown(asset.at("sharpness_ratio")),
        shown(asset.at("view_accuracy")), shown(asset.at("fine_energy_ratio")),
        asset.at("largest_floater").get<int64_t>(), asset.at("seconds").get<double>());
  }
  return page + "</html>\n";
}

}  // namespace lucid::eval
