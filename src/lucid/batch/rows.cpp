// SPDX-License-Identifier: Apache-2.0
// Readers of the three formats.
#include "lucid/batch/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "lucid/asset/formats.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/json_depth.h"

namespace lucid::batch {
namespace fs = std::filesystem;
namespace {
using nlohmann::json;

constexpr size_t kMostBytes = 256 << 20;

std::string trimmed(const std::string& text) {
  constexpr const char* kSpace = " \t\r\n\v\f";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

bool is_prompt(const std::string& name) { return name == "prompt" || name == "text"; }

/// Calls `line` with each line that is not blank, trimmed, and its number.
template <class F>
void for_each_line(const std::string& text, const F& line) {
  int number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    ++number;
    if (const std::string content = trimmed(text.substr(begin, end - begin)); !content.empty()) line(content, number);
    begin = end + 1;
  }
}

void read_text(const std::string& text, TextRows& result) {
  for_each_line(text, [&](const std::string& line, int number) {
    if (line.front() != '#') result.rows.push_back({.line = number, .prompt = line});
  });
}

/// One record of a CSV file.
struct Record {
  int line = 0;
  std::vector<std::string> fields;
  bool is_blank() const { return fields.size() == 1 && trimmed(fields.front()).empty(); }
};

/// Cuts RFC 4180 into records.
class CsvReader {
 public:
  CsvReader(const std::string& text, std::string file) : text_(text), file_(std::move(file)) {}

  std::optional<Record> next() {
    if (at_ >= text_.size()) return std::nullopt;
    Record record{.line = line_, .fields = {}};
    for (;;) {
      record.fields.push_back(field());
      if (at_ >= text_.size()) return record;
      const char separator = text_[at_++];
      if (separator == ',') continue;
      ++line_;
      return record;
    }
  }

 private:
  std::string field() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    if (at_ < text_.size() && text_[at_] == '"') return quoted();
    const size_t end = std::min(text_.find_first_of(",\n", at_), text_.size());
    std::string value = trimmed(text_.substr(at_, end - at_));
    at_ = end;
    return value;
  }

  std::string quoted() {
    const int begin = line_;
    std::string value;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] != '"') {
        value += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        value += text_[at_++];
      } else {
        ++at_;
        const size_t end = std::min(text_.find_first_of(",\n", at_), text_.size());
        if (trimmed(text_.substr(at_, end - at_)).empty()) {
          at_ = end;
          return value;
        }
        fail(begin, "text follows a closing quotation mark", "write \"\" for a quotation mark inside a field");
      }
    }
    fail(begin, "a quotation mark is not closed", "");
  }

  [[noreturn]] void fail(int line, const std::string& what, const std::string& hint) const {
    throw UserError({.what_happened = what, .file = file_, .line = line, .hint = hint});
  }

  const std::string& text_;
  std::string file_;
  size_t at_ = 0;
  int line_ = 1;
};

void read_csv(const std::string& text, const std::string& file, TextRows& result) {
  CsvReader reader(text, file);
  std::optional<Record> header = reader.next();
  while (header && header->is_blank()) header = reader.next();
  if (!header || std::ranges::none_of(header->fields, is_prompt)) {
    throw UserError({.what_happened = "the first line names no column 'prompt'",
                     .file = file,
                     .line = header ? header->line : 1,
                     .hint = "for example: prompt,seed"});
  }
  while (const std::optional<Record> record = reader.next()) {
    if (record->is_blank()) continue;
    if (record->fields.size() != header->fields.size()) {
      result.mistakes.push_back({.what_happened = fmt::format("has {} fields; the first line names {}",
                                                              record->fields.size(), header->fields.size()),
                                 .file = file,
                                 .line = record->line,
                                 .hint = "a prompt with a comma stands in double quotes"});
      continue;
    }
    TextRow row{.line = record->line};
    for (size_t i = 0; i < record->fields.size(); ++i) {
      const std::string &name = header->fields[i], &value = record->fields[i];
      if (is_prompt(name)) {
        row.prompt = value;
      } else if (!value.empty()) {
        row.options.emplace_back(name, value);
      }
    }
    result.rows.push_back(std::move(row));
  }
}

/// An option's value as the command line spells it. None: it is an object, or a list in a list.
std::optional<std::string> text_of_value(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean() || value.is_number()) return value.dump();
  if (!value.is_array()) return std::nullopt;
  std::string text;
  for (const json& part : value) {
    if (part.is_structured()) return std::nullopt;
    text.append(text.empty() ? "" : " ").append(part.is_string() ? part.get<std::string>() : part.dump());
  }
  return text;
}

TextRow row_of_json(const json& object, const std::string& file, int line) {
  const auto refuse = [&](const std::string& key, const std::string& what, const std::string& hint = "") {
    throw UserError({.what_happened = what, .file = file, .key = key, .line = line, .hint = hint});
  };
  TextRow row{.line = line};
  const auto add = [&](const std::string& key, const json& value) {
    if (value.is_null()) return;
    const std::optional<std::string> text = text_of_value(value);
    if (!text) refuse(key, "is neither text, a number, true, false nor a list of numbers");
    row.options.emplace_back(key, *text);
  };
  for (const auto& [key, value] : object.items()) {
    if (is_prompt(key)) {
      if (!value.is_string()) refuse(key, "is not a text");
      row.prompt = value.get<std::string>();
    } else if (key == "options") {
      if (!value.is_object()) refuse(key, "is not an object", R"(for example {"seed": 3})");
      for (const auto& [name, inner] : value.items()) add(name, inner);
    } else {
      add(key, value);
    }
  }
  return row;
}

void read_json_lines(const std::string& text, const std::string& file, TextRows& result) {
  for_each_line(text, [&](const std::string& line, int number) {
    try {
      const json object = nests_deeper(line, kMostJsonFileLevels) ? json() : json::parse(line, nullptr, false);
      if (!object.is_object()) {
        throw UserError({.what_happened = "is not a JSON object on one line",
                         .file = file,
                         .line = number,
                         .hint = R"(for example {"prompt": "a hamburger", "seed": 3})"});
      }
      result.rows.push_back(row_of_json(object, file, number));
    } catch (const UserError& error) {
      result.mistakes.push_back(error.mistake());
    }
  });
}

}  // namespace

TextRows read_rows(const fs::path& file) {
  const std::string extension = asset::lower_extension(file.string());
  if (extension != ".txt" && extension != ".csv" && extension != ".jsonl") {
    throw UserError({.what_happened = "is neither .txt, .csv nor .jsonl",
                     .file = file.string(),
                     .hint = "a .txt file has one prompt a line"});
  }
  std::string text = read_file(file, kMostBytes);
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  TextRows result;
  if (extension == ".txt") read_text(text, result);
  if (extension == ".csv") read_csv(text, file.string(), result);
  if (extension == ".jsonl") read_json_lines(text, file.string(), result);
  if (result.rows.empty() && result.mistakes.empty())
    throw UserError({.what_happened = "holds no prompt", .file = file.string()});
  return result;
}

}  // namespace lucid::batch
