// SPDX-License-Identifier: Apache-2.0
// Routes of runs: lists with long polling, events, and what can be done with a run.
#include <fmt/format.h>

#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "lucid/app/run_options/run_options.h"
#include "lucid/serve/api/api.h"
#include "lucid/serve/api/fields.h"
#include "lucid/serve/api/rate_limit.h"
#include "lucid/serve/jobs/files/scan.h"
#include "lucid/text_to_image/vocabulary/vocabulary.h"

namespace lucid::serve {
namespace {
using http::Method;
using http::ProblemError;
using http::Request;
using http::Response;

constexpr size_t kMostValue = 1000, kMostOptions = 200;  // bytes; options of a run
constexpr double kLongestWait = 60;                      // seconds
constexpr int64_t kLargestRevision = 9007199254740991;   // 2^53 - 1
constexpr int kMostWaiting = 128;                        // long polls
constexpr size_t kMostIds = 1000, kMostId = 64;
constexpr int64_t kMostSteps = 1'000'000'000, kMostSeed = 9'000'000'000'000'000;

std::string id_of(const Request& request) { return request.parameters.at("id"); }

/// A value of NewRun.options as the option table reads it.
std::string option_text(const std::string& name, const nlohmann::json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number()) return value.dump();
  if (!value.is_string()) refuse_field(name, "a text, a number or true or false is needed");
  std::string text = value.get<std::string>();
  if (text.size() > kMostValue) refuse_field(name, fmt::format("it has more than {} bytes", kMostValue));
  return text;
}

NewRun new_run_of(const Request& request) {
  const nlohmann::json body = object_of(request, {"prompt", "options", "edit_of"});
  NewRun wanted{.prompt = text_field(body, "prompt", kMostPrompt), .options = {}};
  const nlohmann::json options = body.value("options", nlohmann::json::object());
  if (!options.is_object() || options.size() > kMostOptions)
    refuse_field("options", fmt::format("it must be an object with at most {} values", kMostOptions));
  for (const auto& [name, value] : options.items()) wanted.options[name] = option_text(name, value);
  if (wanted.options.contains("asset")) refuse_field("asset", "the field edit_of names the run whose asset is edited");
  if (body.contains("edit_of")) {
    wanted.edit_of = text_field(body, "edit_of", kMostId);
    if (!is_id(*wanted.edit_of)) refuse_field("edit_of", "it must be the name of a run's folder");
  }
  return wanted;
}

std::vector<std::string> ids_of(const Request& request) {
  const nlohmann::json body = object_of(request, {"ids"});
  const nlohmann::json ids = body.value("ids", nlohmann::json());
  if (!ids.is_array() || ids.size() > kMostIds) refuse_field("ids", "a list of ids is needed");
  std::vector<std::string> texts;
  for (const nlohmann::json& id : ids) {
    if (!id.is_string() || !is_id(id.get<std::string>())) refuse_field("ids", "every id is the name of a run's folder");
    texts.push_back(id.get<std::string>());
  }
  return texts;
}

/// A run whose prompt has no known word would end before its first step. Throws UserError.
void check_words(const NewRun& wanted, const text_to_image::Vocabulary& words) {
  const auto prior = wanted.options.find("model_key");
  const bool is_embedded = prior == wanted.options.end() || prior->second.empty();
  if (is_embedded) text_to_image::check_prompt(words, wanted.prompt);
}

Response made_response(const Studio::Made& made) {
  return http::json_response(to_json(made.run), made.is_new ? 201 : 200);
}

/// Requests that wait for a revision.
class LongPolls {
 public:
  LongPolls(http::Server& server, Changes& changes) : server_(server), changes_(changes) {}

  /// Sends `answer()` once `revision()` is above `after`, or after `wait` seconds; now if nothing is to be waited for.
  void answer(const Request& request, const std::shared_ptr<http::Reply>& reply, std::function<int64_t()> revision,
              std::function<Response()> answer) {
    const int64_t after = query_integer(request, "after", 0, kLargestRevision).value_or(-1);
    const double wait = query_number(request, "wait", 0, kLongestWait).value_or(0);
    if (revision() > after || wait <= 0) return reply->send(answer());
    if (waiting_ >= kMostWaiting) {
      throw ProblemError({.status = 429,
                          .type = "too-many-waiting",
                          .title = "Too many requests wait",
                          .detail = "Ask without wait=, or use the event stream."});
    }
    ++waiting_;
    auto poll = std::make_shared<Poll>(Poll{reply, std::move(revision), std::move(answer)});
    changes_.listen([this, poll, after](const Change&) {
      if (poll->reply != nullptr && poll->revision() > after) finish(*poll);
      return poll->reply != nullptr;
    });
    server_.after(std::chrono::milliseconds(static_cast<int64_t>(1000 * wait)), [this, poll] {
      if (poll->reply != nullptr) finish(*poll);
    });
  }

 private:
  struct Poll {
    std::shared_ptr<http::Reply> reply;  // null after the answer
    std::function<int64_t()> revision;
    std::function<Response()> answer;
  };
  void finish(Poll& poll) {
    --waiting_;
    const auto reply = std::exchange(poll.reply, nullptr);
    if (!reply->open()) return;
    try {
      reply->send(poll.answer());
    } catch (const std::exception& error) {  // the run is gone
      reply->send(http::problem_response(http::problem_of(error)));
    }
  }
  http::Server& server_;
  Changes& changes_;
  int waiting_ = 0;
};

void add_lists(http::Server& server, Studio& studio, Changes& changes) {
  const auto polls = std::make_shared<LongPolls>(server, changes);
  server.on_later(Method::kGet, "/api/v1/runs", [polls, &studio](const Request& request, auto reply) {
    polls->answer(
        request, reply, [&studio] { return studio.revision(); },
        [&studio] { return http::json_response(to_json(studio)); });
  });
  server.on_later(Method::kGet, "/api/v1/runs/{id}", [polls, &studio](const Request& request, auto reply) {
    const std::string id = id_of(request);
    // A run that is deleted answers at once, with its problem.
    const auto revision = [&studio, id] {
      const Run* run = studio.find(id);
      return run != nullptr ? run->revision : std::numeric_limits<int64_t>::max();
    };
    polls->answer(request, reply, revision, [&studio, id] { return http::json_response(to_json(studio.run(id))); });
  });
  server.on_events("/api/v1/runs/{id}/events", [&](const Request& request, auto stream) {
    const std::string id = id_of(request);
    stream->send("run", to_json(studio.run(id)).dump());
    changes.listen([id, stream](const Change& change) {
      if (!stream->open()) return false;
      if (change.id != id || change.exported != nullptr) return true;
      if (change.run != nullptr) {
        stream->send("run", to_json(*change.run).dump());
        return true;
      }
      stream->send("removed", nlohmann::json{{"id", id}}.dump());
      stream->close();
      return false;
    });
  });
}

void add_making(http::Server& server, Studio& studio) {
  const auto rate = std::make_shared<RateLimit>();
  const auto words = text_to_image::load_vocabulary(app::embedded_prior());
  server.on(Method::kPost, "/api/v1/runs", [rate, words, &studio](const Request& request) {
    rate->take();
    const NewRun wanted = new_run_of(request);
    if (words) check_words(wanted, *words);
    return made_response(studio.make(wanted, idempotency_key(request)));
  });
  server.on(Method::kPost, "/api/v1/runs/{id}/again", [rate, &studio](const Request& request) {
    rate->take();
    const auto seed = integer_field(object_of(request, {"seed"}), "seed", 0, kMostSeed);
    return made_response(studio.again(id_of(request), seed, idempotency_key(request)));
  });
  server.on(Method::kPost, "/api/v1/queue", [&studio](const Request& request) {
    return http::json_response({{"ids", studio.order(ids_of(request))}});
  });
}

void add_actions(http::Server& server, Studio& studio) {
  using Action = const Run& (Studio::*)(const std::string&);
  for (const auto& [name, action] : {std::pair<const char*, Action>{"pause", &Studio::pause},
                                     {"resume", &Studio::resume},
                                     {"stop", &Studio::stop}}) {
    server.on(Method::kPost, fmt::format("/api/v1/runs/{{id}}/{}", name),
              [&studio, action = action](const Request& request) {
                object_of(request, {});
                return http::json_response(to_json((studio.*action)(id_of(request))));
              });
  }
  server.on(Method::kPost, "/api/v1/runs/{id}/continue", [&studio](const Request& request) {
    const int64_t steps = required_integer(object_of(request, {"steps"}), "steps", 1, kMostSteps);
    return http::json_response(to_json(studio.more(id_of(request), steps)));
  });
  server.on(Method::kDelete, "/api/v1/runs/{id}", [&studio](const Request& request) {
    studio.remove(id_of(request));
    return Response{.status = 204, .content_type = {}};
  });
}

}  // namespace

void add_run_routes(http::Server& server, Studio& studio, Changes& changes) {
  add_lists(server, studio, changes);
  add_making(server, studio);
  add_actions(server, studio);
}

}  // namespace lucid::serve
