// SPDX-License-Identifier: Apache-2.0
// Pictures, form and key of a blind evaluation, and the comparison of answers with the key.
#include "lucid/eval/blind.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>
#include <sstream>

#include "lucid/asset/pictures/image.h"
#include "lucid/asset/splats/splats.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/rng.h"
#include "lucid/eval/asset_views.h"
#include "lucid/eval/close_up.h"

namespace lucid::eval {
namespace fs = std::filesystem;
namespace {

constexpr int kSides = 4;
constexpr size_t kMaxForm = size_t{1} << 20;  // bytes
constexpr double kBestLooks = 5;

std::string csv_field(const std::string& field) {
  std::string text = "\"";
  for (const char c : field) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + "\"";
}

std::string picture_name(size_t number) { return fmt::format("{:02}.png", number); }

/// Four sides, two by two: they fill a printed page better than a row.
torch::Tensor sheet_of(const fs::path& file) {
  const gaussians::Cloud cloud = lucid::asset::read_splats(file);
  const auto sides = render_asset(cloud, kSides, {.size = kCloseUpSize}).rgb.unbind(0);
  return lucid::asset::contact_sheet({{sides[0], sides[1]}, {sides[2], sides[3]}});
}

std::string form_page(size_t count) {
  std::string page =
      R"(<!doctype html><html lang="en"><meta charset="utf-8"><title>What do you see?</title>
<style>body{font:16px sans-serif;margin:2em auto;max-width:60em}figure{margin:0 0 2em;page-break-inside:avoid}
img{width:100%;max-width:36em;border:1px solid #ddd}figcaption{margin-top:.4em}input[type=text]{border:0;
border-bottom:1px solid #555;font:inherit;width:18em}label{margin-right:.6em}@media print{button{display:none}}</style>
<h1>What do you see?</h1>
<p>Each picture shows one object from four sides. Write what it is, and how good it looks: 1 is broken, 5 is as from a
shop. The button saves the answers as form.csv.</p>
)";
  for (size_t number = 1; number <= count; ++number) {
    std::string looks;
    for (int mark = 1; mark <= static_cast<int>(kBestLooks); ++mark)
      looks += fmt::format(R"(<label><input type="radio" name="looks{0}" value="{1}"> {1}</label>)", number, mark);
    page += fmt::format(
        R"(<figure><img src="{0}" alt="Number {1}"><figcaption><b>{1}</b>. It is <input type="text" name="name{1}">
looks {2} remarks <input type="text" name="remarks{1}"></figcaption></figure>
)",
        picture_name(number), number, looks);
  }
  page += fmt::format(R"(<button>Save the answers</button>
<script>
const field = (text) => '"' + text.replaceAll('"', '""') + '"';
document.querySelector("button").onclick = () => {{
  let csv = "number,name,looks,remarks\n";
  for (let i = 1; i <= {}; ++i) {{
    const text = (name) => document.querySelector(`[name=${{name}}${{i}}]`).value;
    const looks = document.querySelector(`[name=looks${{i}}]:checked`);
    csv += `${{i}},${{field(text("name"))}},${{looks ? looks.value : ""}},${{field(text("remarks"))}}\n`;
  }}
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv], {{type: "text/csv"}}));
  link.download = "form.csv";
  link.click();
}};
</script></html>
)",
                      count);
  return page;
}

/// Lower-case words without punctuation, articles and a plural's "s".
std::vector<std::string> words_of(const std::string& text) {
  std::string plain;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    plain += byte >= 0x80 || std::isalnum(byte) != 0 ? static_cast<char>(std::tolower(byte)) : ' ';
  }
  std::istringstream stream(plain);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) {
    if (word == "a" || word == "an" || word == "the") continue;
    if (word.size() > 3 && word.ends_with("s") && !word.ends_with("ss")) word.pop_back();
    words.push_back(word);
  }
  return words;
}

/// A CSV file with a header. Throws UserError if a column is missing.
struct Table {
  fs::path file;
  std::vector<std::vector<std::string>> rows;  // without the header
  std::map<std::string, size_t> column;

  Table(const fs::path& file, const std::vector<std::string>& columns) : file(file) {
    rows = parse_csv(read_file(file, kMaxForm));
    if (!rows.empty()) {
      for (size_t i = 0; i < rows[0].size(); ++i) column[rows[0][i]] = i;
      rows.erase(rows.begin());
    }
    for (const std::string& name : columns) {
      if (column.contains(name)) continue;
      throw UserError({.what_happened = "has no such column",
                       .file = file.string(),
                       .key = name,
                       .hint = fmt::format("the first line must be {}", fmt::join(columns, ","))});
    }
  }
  std::string at(const std::vector<std::string>& row, const std::string& name) const {
    const size_t i = column.at(name);
    return i < row.size() ? row[i] : "";
  }
  [[noreturn]] void refuse(const std::string& name, const std::string& value, const char* what) const {
    throw UserError({.what_happened = fmt::format("'{}' {}", value, what), .file = file.string(), .key = name});
  }
  /// A number, or 0 if the field is blank.
  double number_at(const std::vector<std::string>& row, const std::string& name) const {
    const std::string text = at(row, name);
    if (text.find_first_not_of(" \t") == std::string::npos) return 0;
    std::istringstream stream(text);
    double value = 0;
    std::string rest;
    if (!(stream >> value) || stream >> rest) refuse(name, text, "is no number");
    return value;
  }
};

}  // namespace

fs::path key_of(const fs::path& folder) {
  const fs::path named = folder.has_filename() ? folder : folder.parent_path();  // "blind/" as well
  return named.string() + ".key.csv";
}

void write_blind(const fs::path& folder, const std::vector<BlindAsset>& assets, const Synonyms& synonyms) {
  const torch::NoGradGuard no_grad;
  std::vector<const BlindAsset*> order;
  for (const BlindAsset& asset : assets) order.push_back(&asset);
  Rng rng(0, "blind evaluation");
  for (size_t i = 0; i < order.size(); ++i)
    std::swap(order[i],
              order[static_cast<size_t>(rng.integer(static_cast<int64_t>(i), static_cast<int64_t>(order.size())))]);
  std::string key = "number,prompt,accepted,file\n", form = "number,name,looks,remarks\n";
  for (size_t i = 0; i < order.size(); ++i) {
    const BlindAsset& asset = *order[i];
    lucid::asset::write_png(folder / picture_name(i + 1), sheet_of(asset.found.file));
    std::string accepted = asset.prompt.word;
    const auto others = synonyms.find(asset.prompt.word);
    if (others != synonyms.end() && !others->second.empty())
      accepted += fmt::format("|{}", fmt::join(others->second, "|"));
    key += fmt::format("{},{},{},{}\n", i + 1, csv_field(asset.prompt.text), csv_field(accepted),
                       csv_field(asset.found.file.string()));
    form += fmt::format("{},,,\n", i + 1);
  }
  write_file(folder / "form.csv", form);
  write_file(folder / "form.html", form_page(order.size()));
  write_file(key_of(folder), key);
}

BlindScore score_form(const fs::path& folder, const fs::path& form) {
  const Table key(key_of(folder), {"number", "prompt", "accepted"}), filled(form, {"number", "name", "looks"});
  std::map<int64_t, BlindAnswer> answers;
  std::map<int64_t, std::vector<std::string>> accepted;
  for (const auto& row : key.rows) {
    const auto number = static_cast<int64_t>(key.number_at(row, "number"));
    answers[number] = {.number = number, .name = "", .prompt = key.at(row, "prompt")};
    std::istringstream names(key.at(row, "accepted"));
    for (std::string name; std::getline(names, name, '|');) accepted[number].push_back(name);
  }
  std::set<int64_t> answered;
  for (const auto& row : filled.rows) {
    const auto number = static_cast<int64_t>(filled.number_at(row, "number"));
    const auto answer = answers.find(number);
    if (answer == answers.end()) filled.refuse("number", filled.at(row, "number"), "is not in the key");
    if (!answered.insert(number).second) filled.refuse("number", filled.at(row, "number"), "stands twice");
    answer->second.name = filled.at(row, "name");
    answer->second.looks = filled.number_at(row, "looks");
    const double looks = answer->second.looks;
    if (looks != 0 && !(looks >= 1 && looks <= kBestLooks))
      filled.refuse("looks", filled.at(row, "looks"), "is not in [1, 5]");
    answer->second.right = names_rightly(answer->second.name, accepted[number]);
  }
  BlindScore score;
  for (const auto& [number, answer] : answers) {
    score.answers.push_back(answer);
    score.right += answer.right;
    score.rated += answer.looks > 0;
    score.looks += answer.looks;
  }
  if (score.rated > 0) score.looks /= static_cast<double>(score.rated);
  return score;
}

bool names_rightly(const std::string& answer, const std::vector<std::string>& accepted) {
  const std::vector<std::string> given = words_of(answer);
  return !given.empty() && std::ranges::any_of(accepted, [&](const std::string& name) {
    const std::vector<std::string> wanted = words_of(name);
    if (wanted.empty()) return false;
    return !std::ranges::search(given, wanted).empty() || (given.size() == 1 && given[0] == wanted.back());
  });
}

std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  const std::string header = text.substr(0, text.find('\n'));
  const char separator = header.find(',') == std::string::npos && header.find(';') != std::string::npos ? ';' : ',';
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> row;
  std::string field;
  bool in_quotes = false, blank = true;
  const auto end_row = [&] {
    row.push_back(field);
    if (!blank) rows.push_back(row);
    row.clear();
    field.clear();
    blank = true;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_quotes) {
      if (c != '"') {
        field += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += text[++i];
      } else {
        in_quotes = false;
      }
    } else if (c == '"') {
      in_quotes = true;
    } else if (c == separator) {
      row.push_back(field);
      field.clear();
      blank = false;
    } else if (c == '\n') {
      end_row();
    } else if (c != '\r') {
      field += c;
      blank = blank && c == ' ';
    }
  }
  end_row();
  return rows;
}

}  // namespace lucid::eval
