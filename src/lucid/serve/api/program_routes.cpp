// SPDX-License-Identifier: Apache-2.0
// Routes that tell of the program: its options from the one option table, the prior's words, formats, tickets.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <variant>

#include "lucid/app/run_options/edits.h"
#include "lucid/app/run_options/run_options.h"
#include "lucid/asset/formats.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/serve/api/api.h"
#include "lucid/serve/api/fields.h"
#include "lucid/serve/jobs/command.h"
#include "lucid/text_to_image/vocabulary/vocabulary.h"

namespace lucid::serve {
namespace {
using http::Method;
using http::Request;

const char* name_of(Mode mode) {
  switch (mode) {
    case Mode::kStudio:
      return "studio";
    case Mode::kRun:
      return "run";
    case Mode::kView:
      return "view";
  }
  return "";
}

/// Whether the API gives the option for runs of the preset. Options of edits are given for the presets of edits alone.
bool is_offered(const config::Option& option, bool edits) {
  if (is_set_by_server(option.name)) return false;
  return edits ? !app::is_no_option_of_edits(option) : option.group != "Editing";
}

/// The options under a preset of the embedded prior.
struct Preset : app::BoundOptions {
  explicit Preset(const std::string& name) { app::apply_preset(table, app::embedded_prior(), name); }
};

nlohmann::json about_of(const ApiOptions& options) {
  nlohmann::json presets = nlohmann::json::array();
  const app::BoundOptions unset;
  for (const std::string& name : unset.table.at("preset").choices)
    presets.push_back({{"name", name}, {"steps", Preset(name).options.train.iterations}});
  return {{"program", options.program},        {"mode", name_of(options.mode)},    {"output", options.output.string()},
          {"devices", options.devices},        {"on_network", options.on_network}, {"presets", std::move(presets)},
          {"queue_limit", options.queue_limit}};
}

const char* kind_of(const config::Option& option) {
  struct Kind {
    const config::Option& option;
    const char* operator()(bool*) const { return "flag"; }
    const char* operator()(int*) const { return "integer"; }
    const char* operator()(int64_t*) const { return "integer"; }
    const char* operator()(double*) const { return "number"; }
    const char* operator()(config::PairField) const { return "pair"; }
    const char* operator()(std::string*) const { return option.choices.empty() ? "text" : "choice"; }
  };
  return std::visit(Kind{option}, option.field);
}

bool is_of_edits(const std::string& preset) { return preset == "edit" || preset == "edit_shape"; }

nlohmann::json bound(double value) { return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(); }

nlohmann::json options_of(const std::string& preset) {
  const Preset defaults(preset);
  nlohmann::json all = nlohmann::json::array();
  for (const config::Option& option : defaults.table.options()) {
    if (!is_offered(option, is_of_edits(preset))) continue;
    all.push_back({{"name", option.name},
                   {"flag", config::flag_of(option)},
                   {"group", option.group},
                   {"help", option.help},
                   {"kind", kind_of(option)},
                   {"value", config::value_text(option)},
                   {"low", bound(option.range.low)},
                   {"high", bound(option.range.high)},
                   {"choices", option.choices},
                   {"value_name", option.value_name},
                   {"common", option.common},
                   {"path", config::names_a_file(option)}});
  }
  return {{"preset", preset}, {"options", std::move(all)}};
}

/// Prompts of things from all over the list, each with a colour that the prior has seen it in, where that is known.
std::vector<std::string> examples_of(const text_to_image::Vocabulary& vocabulary) {
  constexpr size_t kExamples = 9;
  const size_t count = std::min(kExamples, vocabulary.names.size());
  std::vector<std::string> prompts;
  for (size_t i = 0; i < count; ++i) {
    const std::string& name = vocabulary.names[(2 * i + 1) * vocabulary.names.size() / (2 * count)];
    const auto seen = vocabulary.seen.find(name);
    const std::string colour =
        seen == vocabulary.seen.end() || seen->second.empty() ? "" : seen->second[i % seen->second.size()];
    const std::string thing = colour.empty() ? name : colour + " " + name;
    const bool vowel = std::string("aeiou").find(thing[0]) != std::string::npos;
    prompts.push_back((vowel ? "an " : "a ") + thing);
  }
  return prompts;
}

nlohmann::json check_of(const text_to_image::Vocabulary& vocabulary, const std::string& prompt) {
  const text_to_image::PromptCheck check = text_to_image::examine_prompt(vocabulary, prompt);
  nlohmann::json unknown = nlohmann::json::array();
  for (size_t i = 0; i < check.unknown.size(); ++i)
    unknown.push_back({{"word", check.unknown[i]}, {"near", check.suggestions[i]}});
  return {{"unknown", std::move(unknown)}, {"nothing_known", check.nothing_known}};
}

void add_words(http::Server& server) {
  const auto vocabulary = std::make_shared<text_to_image::Vocabulary>(
      text_to_image::load_vocabulary(app::embedded_prior()).value_or(text_to_image::Vocabulary{}));
  const nlohmann::json words = {
      {"names", vocabulary->names}, {"colours", vocabulary->colours}, {"examples", examples_of(*vocabulary)}};
  server.on(Method::kGet, "/api/v1/vocabulary", [words](const Request&) { return http::json_response(words); });
  server.on(Method::kGet, "/api/v1/vocabulary/check", [vocabulary](const Request& request) {
    const auto prompt = request.query.find("prompt");
    if (prompt == request.query.end() || prompt->second.size() > kMostPrompt)
      refuse_field("prompt", fmt::format("a text of at most {} bytes is needed", kMostPrompt));
    return http::json_response(check_of(*vocabulary, prompt->second));
  });
}

const char* name_of(asset::Holds holds) {
  return holds == asset::Holds::kMesh ? "mesh" : holds == asset::Holds::kSplats ? "splats" : "points";
}

nlohmann::json formats() {
  nlohmann::json all = nlohmann::json::array();
  for (const asset::FormatRow& row : asset::kFormats) {
    all.push_back(
        {{"name", row.name}, {"extension", row.extension}, {"holds", name_of(row.holds)}, {"about", row.about}});
  }
  return {{"formats", std::move(all)}};
}

void add_tickets(http::Server& server) {
  server.on(Method::kPost, "/api/v1/tickets", [&server](const Request& request) {
    constexpr size_t kMostPath = 256;
    constexpr double kSeconds = 30;
    const std::string path = text_field(object_of(request, {"path"}), "path", kMostPath);
    const bool plain = path.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-") ==
                       std::string::npos;
    if (!path.starts_with("/api/v1/") || !plain) refuse_field("path", "it must be a path of this API, without a query");
    const std::string ticket = server.make_ticket(path);
    return http::json_response({{"ticket", ticket}, {"url", path + "?ticket=" + ticket}, {"seconds", kSeconds}}, 201);
  });
}

}  // namespace

void add_about(http::Server& server, const ApiOptions& options) {
  const nlohmann::json about = about_of(options);
  server.on(Method::kGet, "/api/v1/about", [about](const Request&) { return http::json_response(about); });
}

void add_program_routes(http::Server& server, const ApiOptions& options) {
  add_about(server, options);
  const auto file = std::make_shared<const std::string>(read_file(options.openapi_file));
  server.on(Method::kGet, "/api/v1/openapi.json",
            [file](const Request&) { return http::Response{.content_type = "application/json", .shared_body = file}; });
  server.on(Method::kGet, "/api/v1/options", [](const Request& request) {
    app::BoundOptions chosen;
    const auto preset = request.query.find("preset");
    if (preset != request.query.end() && is_of_edits(preset->second))
      return http::json_response(options_of(preset->second));
    if (preset != request.query.end()) chosen.table.set("preset", preset->second, "query");  // one of its choices
    return http::json_response(options_of(chosen.options.preset));
  });
  server.on(Method::kGet, "/api/v1/formats", [](const Request&) { return http::json_response(formats()); });
  add_words(server);
  add_tickets(server);
}

}  // namespace lucid::serve
