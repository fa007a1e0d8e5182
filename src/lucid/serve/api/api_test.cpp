// SPDX-License-Identifier: Apache-2.0
// The API against configs/openapi.json: the same routes, answers of the promised shape, and the life of a run over
// HTTP, server-sent events and the WebSocket. The shell script of jobs/fixture_test.h stands for `lucid`.
#include "lucid/serve/api/api.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <thread>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/serve/api/schema_test.h"
#include "lucid/serve/http/raw_client_test.h"
#include "lucid/serve/jobs/fixture_test.h"

namespace lucid::serve::test {
namespace {
using nlohmann::json;

struct Answer {
  int status = 0;
  std::string head, body;
  json value() const { return json::parse(body, nullptr, false); }
};

class ApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const fs::path program = folder_.path / "lucid";
    write_file(program, kFakeProgram);
    fs::permissions(program, fs::perms::owner_all);
    const fs::path openapi = lucid::test::source_dir() / "configs/openapi.json";
    document_ = json::parse(read_file(openapi));
    server_.emplace(http::Options{});
    const Loop loop{.post = [this](auto task) { server_->post(std::move(task)); },
                    .after = [this](auto delay, auto task) { server_->after(delay, std::move(task)); }};
    studio_.emplace(StudioOptions{.output = folder_.path / "out", .program = program}, loop, changes_.callbacks());
    add_program_routes(*server_, {.program = "lucid test", .openapi_file = openapi, .output = folder_.path / "out"});
    add_run_routes(*server_, *studio_, changes_);
    add_asset_routes(*server_, *studio_);
    add_live_socket(*server_, *studio_, changes_);
    server_->start();
  }
  void TearDown() override {
    server_->stop([this] { studio_.reset(); });
  }

  std::string head(const std::string& line) const {
    return fmt::format("{} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\n", line, server_->port(),
                       server_->token());
  }
  Answer ask(const std::string& line, const std::optional<json>& body = std::nullopt,
             const std::string& key = "") const {
    std::string request = head(line) + "Connection: close\r\n";
    if (!key.empty()) request += "Idempotency-Key: " + key + "\r\n";
    const std::string bytes = body ? body->dump() : "";
    if (body) request += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", bytes.size());
    http::test::RawClient client(server_->port());
    client.send(request + "\r\n" + bytes);
    const std::string& text = client.read_to_end(10'000);
    const size_t gap = text.find("\r\n\r\n");
    if (gap == std::string::npos) return {};
    return {.status = std::atoi(text.c_str() + 9), .head = text.substr(0, gap), .body = text.substr(gap + 4)};
  }
  /// Checks the answer against the file: the status is listed, and the body has the promised shape.
  Answer checked(const std::string& method, const std::string& pattern, const std::string& target,
                 const std::optional<json>& body = std::nullopt, const std::string& key = "") const {
    Answer answer = ask(method + " " + target, body, key);
    std::string lower = method;
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    const json& responses = document_.at("paths").at(pattern).at(lower).at("responses");
    const std::string status = std::to_string(answer.status);
    EXPECT_TRUE(responses.contains(status)) << method << " " << target << ": " << status << " " << answer.body;
    if (!responses.contains(status)) return answer;
    json response = responses.at(status);
    if (response.contains("$ref"))
      response = document_.at(json::json_pointer(response.at("$ref").get<std::string>().substr(1)));
    const json contents = response.value("content", json::object());
    for (const auto& [type, content] : contents.items()) {
      EXPECT_NE(answer.head.find("Content-Type: " + type), std::string::npos) << target << "\n" << answer.head;
      if (!type.ends_with("json")) continue;
      EXPECT_EQ(SchemaCheck(document_).fault(content.at("schema"), answer.value()), "") << target;
    }
    return answer;
  }
  /// A run that goes on until it is stopped.
  std::string made(const std::string& prompt) const {
    const json wanted = {{"prompt", prompt}, {"options", {{"iterations", 100000}}}};
    const Answer answer = checked("POST", "/api/v1/runs", "/api/v1/runs", wanted);
    EXPECT_EQ(answer.status, 201) << answer.body;
    return answer.value().value("id", "");
  }
  json run(const std::string& id) const { return checked("GET", "/api/v1/runs/{id}", "/api/v1/runs/" + id).value(); }
  Answer act(const std::string& id, const std::string& action, const std::optional<json>& body = std::nullopt) const {
    return checked("POST", "/api/v1/runs/{id}/" + action, "/api/v1/runs/" + id + "/" + action, body);
  }
  /// Long polls until the run is in a state.
  json wait_for(const std::string& id, const std::string& state) const {
    json now = run(id);
    for (int i = 0; i < 200 && now.value("state", "") != state; ++i) {
      const int64_t revision = now.value("revision", int64_t{0});
      now = checked("GET", "/api/v1/runs/{id}", fmt::format("/api/v1/runs/{}?after={}&wait=5", id, revision)).value();
      if (!now.contains("state")) break;
    }
    EXPECT_EQ(now.value("state", ""), state) << now.dump();
    return now;
  }

  lucid::test::TemporaryFolder folder_;
  json document_;
  Changes changes_;
  std::optional<http::Server> server_;
  std::optional<Studio> studio_;
};

std::string type_of(const Answer& answer) {
  constexpr std::string_view kBefore = "urn:lucid:problem:";
  const std::string type = answer.value().value("type", "");
  return type.starts_with(kBefore) ? type.substr(kBefore.size()) : "no problem: " + answer.body;
}

using Api = ApiTest;

TEST_F(Api, HasTheRoutesOfItsFile) {
  std::set<std::string> promised, served;
  for (const auto& [path, methods] : document_.at("paths").items()) {
    if (path.starts_with("/api/v1/scenes")) continue;  // of `lucid view`
    for (const auto& [method, unused] : methods.items()) {
      std::string upper = method;
      std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
      promised.insert(upper + " " + path);
    }
  }
  for (const std::string& route : server_->routes()) served.insert(route);
  served.erase("GET /api/v1/live");  // a WebSocket, which OpenAPI does not describe
  EXPECT_EQ(served, promised);
}

TEST_F(Api, TellsOfTheProgram) {
  const json about = checked("GET", "/api/v1/about", "/api/v1/about").value();
  EXPECT_EQ(about.at("presets").size(), 3u);
  EXPECT_GT(about.at("presets")[0].at("steps").get<int>(), 0);
  const json options = checked("GET", "/api/v1/options", "/api/v1/options?preset=draft").value();
  std::set<std::string> names;
  for (const json& option : options.at("options")) names.insert(option.at("name").get<std::string>());
  EXPECT_TRUE(names.contains("guidance_scale"));
  for (const char* own : {"output", "workspace", "live", "resume", "overwrite", "text"})
    EXPECT_FALSE(names.contains(own)) << own;
  EXPECT_FALSE(names.contains("mask_word"));
  EXPECT_EQ(ask("GET /api/v1/options?preset=best").status, 400);
  std::map<std::string, std::string> of_edits;
  const json edit = checked("GET", "/api/v1/options", "/api/v1/options?preset=edit_shape").value();
  for (const json& option : edit.at("options")) of_edits[option.at("name")] = option.at("value");
  EXPECT_EQ(of_edits.at("keep"), "0");
  EXPECT_TRUE(of_edits.contains("mask_word"));
  for (const char* own : {"asset", "preset", "init_shape", "avatar"}) EXPECT_FALSE(of_edits.contains(own)) << own;
  const json words = checked("GET", "/api/v1/vocabulary", "/api/v1/vocabulary").value();
  EXPECT_GT(words.at("names").size(), 100u);
  const std::string check = "/api/v1/vocabulary/check";
  EXPECT_EQ(checked("GET", check, check + "?prompt=a+red+hamburgre").value().at("unknown")[0].at("near")[0],
            "hamburger");
  for (const json& example : words.at("examples")) {
    std::string query = example.get<std::string>();
    std::ranges::replace(query, ' ', '+');
    EXPECT_TRUE(checked("GET", check, check + "?prompt=" + query).value().at("unknown").empty()) << query;
  }
  checked("GET", "/api/v1/formats", "/api/v1/formats");
  EXPECT_EQ(ask("GET /api/v1/openapi.json").value(), document_);
}

TEST_F(Api, AFinishedRunIsEdited) {
  const std::string runs = "/api/v1/runs";
  const std::string source =
      checked("POST", runs, runs, json{{"prompt", "a red car"}, {"options", {{"iterations", 3}}}}).value().at("id");
  const json finished = wait_for(source, "finished");
  EXPECT_EQ(std::ranges::count(finished.at("actions"), json("edit")), 1);

  const json wanted = {{"prompt", "a blue car"}, {"edit_of", source}, {"options", {{"iterations", 3}}}};
  const Answer answer = checked("POST", runs, runs, wanted);
  ASSERT_EQ(answer.status, 201) << answer.body;
  const std::string id = answer.value().at("id");
  const json edited = wait_for(id, "finished");
  EXPECT_EQ(edited.at("edit_of"), (json{{"id", source}, {"prompt", "a red car"}}));
  const Answer both = checked("GET", "/api/v1/runs/{id}/pictures/{name}", runs + "/" + id + "/pictures/before_after");
  EXPECT_EQ(both.body, "before: points a red car\n");

  const auto refused = [&](const json& changes) {
    json other = wanted;
    other.update(changes);
    const Answer problem = checked("POST", runs, runs, other);
    return fmt::format("{} {}", problem.status, type_of(problem));
  };
  EXPECT_EQ(refused({{"edit_of", "none"}}), "404 run-not-found");
  EXPECT_EQ(refused({{"edit_of", "../a_red_car"}}), "400 bad-field");
  EXPECT_EQ(refused({{"edit_of", 3}}), "400 bad-field");
  EXPECT_EQ(refused({{"options", {{"asset", "/etc/passwd"}}}}), "400 bad-field");
  EXPECT_EQ(refused({{"prompt", "a red car"}}), "400 bad-option");
  EXPECT_EQ(refused({{"prompt", "hamburger"}}), "400 bad-option");
  const std::string begun = made("a green mug");
  EXPECT_EQ(refused({{"edit_of", begun}, {"prompt", "a red mug"}}), "409 no-asset");
}

TEST_F(Api, ARunLivesItsLife) {
  const json wanted = {{"prompt", "a hamburger"},
                       {"options", {{"preset", "draft"}, {"seed", 3}, {"iterations", 100000}}}};
  const Answer first = checked("POST", "/api/v1/runs", "/api/v1/runs", wanted, "key-1");
  ASSERT_EQ(first.status, 201) << first.body;
  const std::string id = first.value().at("id");
  const Answer again = checked("POST", "/api/v1/runs", "/api/v1/runs", wanted, "key-1");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.value().at("id"), id);
  EXPECT_EQ(checked("POST", "/api/v1/runs", "/api/v1/runs", json{{"prompt", "a mug"}}, "key-1").status, 422);
  EXPECT_EQ(first.value().at("command"), "lucid generate --preset draft --seed 3 --iterations 100000 'a hamburger'");

  wait_for(id, "running");
  EXPECT_EQ(act(id, "continue", json{{"steps", 5}}).status, 409);
  act(id, "pause");
  const json paused = wait_for(id, "paused");
  EXPECT_GT(paused.at("step"), 0);
  EXPECT_EQ(act(id, "pause").status, 409);
  act(id, "resume");
  wait_for(id, "running");
  act(id, "stop");
  const json stopped = wait_for(id, "stopped");
  EXPECT_LT(stopped.at("step"), 100000);
  EXPECT_TRUE(stopped.at("has_asset"));

  const std::string exports = "/api/v1/runs/" + id + "/exports";
  checked("GET", "/api/v1/runs/{id}/exports", exports);
  EXPECT_EQ(checked("POST", "/api/v1/runs/{id}/exports", exports, json{{"format", "glb"}}).status, 202);
  json made = json::object();
  for (int i = 0; i < 100 && made.value("state", "") != "done"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    made = checked("GET", "/api/v1/runs/{id}/exports/{name}", exports + "/glb").value();
  }
  ASSERT_EQ(made.value("state", ""), "done") << made.dump();
  const std::string file = "/api/v1/runs/" + id + "/files/" + made.at("file").get<std::string>();
  const Answer download = checked("GET", "/api/v1/runs/{id}/files/{name}", file);
  EXPECT_EQ(download.body, "points a hamburger\n");
  EXPECT_NE(download.head.find("attachment"), std::string::npos);
  const json ticket = checked("POST", "/api/v1/tickets", "/api/v1/tickets", json{{"path", file}}).value();
  EXPECT_EQ(ask("GET " + ticket.at("url").get<std::string>()).status, 200);
  EXPECT_EQ(checked("GET", "/api/v1/runs/{id}/files/{name}", "/api/v1/runs/" + id + "/files/job.json").status, 404);
  EXPECT_EQ(checked("GET", "/api/v1/runs/{id}/splats", "/api/v1/runs/" + id + "/splats").status, 404);
  const std::string pictures = "/api/v1/runs/{id}/pictures/{name}", here = "/api/v1/runs/" + id + "/pictures/";
  EXPECT_EQ(checked("GET", pictures, here + "result").body, "sheet\n");
  EXPECT_EQ(checked("GET", pictures, here + "sheet").status, 404);
  const Answer picture =
      act(id, "render", json{{"theta", 80}, {"phi", 10}, {"radius", 3}, {"width", 64}, {"height", 64}});
  EXPECT_EQ(picture.body, "PNG\npoints a hamburger\n");

  const Answer other = act(id, "again", json{{"seed", 9}});
  EXPECT_EQ(other.status, 201);
  EXPECT_EQ(other.value().at("parent"), id);
  const std::string target = "/api/v1/runs/" + id;
  EXPECT_EQ(checked("DELETE", "/api/v1/runs/{id}", target).status, 204);
  EXPECT_EQ(checked("GET", "/api/v1/runs/{id}", target).status, 404);
}

TEST_F(Api, TheQueueKeepsItsOrder) {
  const std::string first = made("a mug"), second = made("a car"), third = made("a cat");
  const std::string path = "/api/v1/queue";
  const json order = checked("POST", path, path, json{{"ids", {third}}}).value();
  EXPECT_EQ(order.at("ids"), (json{third, second}));
  EXPECT_EQ(run(third).at("place"), 1);
  const json list = checked("GET", "/api/v1/runs", "/api/v1/runs").value();
  EXPECT_EQ(list.at("runs").size(), 3u);
  EXPECT_EQ(list.at("runs")[2].at("id"), first);
}

TEST_F(Api, BadRequestsAreProblemsThatNameTheField) {
  const std::string runs = "/api/v1/runs";
  for (const auto& [body, word] : std::vector<std::pair<json, std::string>>{
           {json::array(), "object"},
           {{{"prompt", ""}}, "prompt"},
           {{{"prompt", 7}}, "prompt"},
           {{{"prompt", std::string(501, 'a')}}, "prompt"},
           {{{"prompt", std::string("a\0b", 3)}}, "prompt"},
           {{{"prompt", "xylophonist"}}, "knows no word"},
           {{{"prompt", "a mug"}, {"seed", 1}}, "seed"},
           {{{"prompt", "a mug"}, {"options", {{"seed", json::array()}}}}, "seed"},
           {{{"prompt", "a mug"}, {"options", {{"seed", "x"}}}}, "seed"},
           {{{"prompt", "a mug"}, {"options", {{"guidance_scal", 3}}}}, "guidance_scal"},
           {{{"prompt", "a mug"}, {"options", {{"output", "/tmp"}}}}, "output"},
           {{{"prompt", "a mug"}, {"options", {{"iterations", 0}}}}, "iterations"}}) {
    const Answer answer = checked("POST", runs, runs, body);
    EXPECT_EQ(answer.status, 400) << body.dump();
    EXPECT_NE(answer.value().value("detail", "").find(word), std::string::npos) << answer.body;
  }
  EXPECT_EQ(type_of(ask("GET /api/v1/runs/none")), "run-not-found");
  EXPECT_EQ(type_of(ask("GET /api/v1/runs?after=x")), "bad-field");
  EXPECT_EQ(checked("GET", runs, runs).value().at("runs").size(), 0u);
  EXPECT_EQ(checked("POST", "/api/v1/tickets", "/api/v1/tickets", json{{"path", "/etc/passwd"}}).status, 400);
}

TEST_F(Api, EventsFollowARunUntilItIsDeleted) {
  const std::string id = made("a mug");
  http::test::RawClient client(server_->port());
  client.send(head("GET /api/v1/runs/" + id + "/events") + "\r\n");
  EXPECT_NE(client.read_until("\"state\":\"running\"").find("event: run"), std::string::npos);
  ask("DELETE /api/v1/runs/" + id);
  EXPECT_NE(client.read_until("event: removed").find("event: removed"), std::string::npos);
}

/// A masked text frame.
std::string text_frame(const std::string& text) {
  std::string bytes = {'\x81', static_cast<char>(0x80 | text.size())};
  return bytes + std::string(4, '\0') + text;
}

TEST_F(Api, TheSocketSendsRunsAndTheFramesOfWatchedOnes) {
  const std::string id = made("a mug");
  wait_for(id, "running");
  http::test::RawClient client(server_->port());
  client.send(head("GET /api/v1/live") +
              "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  client.read_until("\r\n\r\n");
  client.send(text_frame(json{{"token", server_->token()}}.dump()));
  EXPECT_NE(client.read_until("\"event\":\"runs\"").find("\"event\":\"runs\""), std::string::npos);
  EXPECT_EQ(client.text.find("LSPL"), std::string::npos);
  const fs::path watched = folder_.path / "out" / id / "live.frame.watched";
  EXPECT_FALSE(fs::exists(watched));
  client.send(text_frame(json{{"watch", {"none", id}}, {"serial", 7}}.dump()));
  const size_t at = client.read_until("LSPL").find("LSPL");
  ASSERT_NE(at, std::string::npos);
  ASSERT_TRUE(client.read_bytes(at + 32));
  EXPECT_TRUE(fs::exists(watched));
  uint32_t index = 0, serial = 0;
  std::memcpy(&index, client.text.data() + at + 24, 4);
  std::memcpy(&serial, client.text.data() + at + 28, 4);
  EXPECT_EQ(index, 1u);
  EXPECT_EQ(serial, 7u);
  EXPECT_NE(client.read_until("\"event\":\"run\"").find("\"event\":\"run\""), std::string::npos);
  EXPECT_EQ(checked("GET", "/api/v1/runs/{id}/splats", "/api/v1/runs/" + id + "/splats").body.substr(0, 4), "LSPL");
  client.send(text_frame(json{{"watch", json::array()}, {"serial", 8}}.dump()));
  for (int i = 0; i < 100 && fs::exists(watched); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(fs::exists(watched));
  client.send(text_frame(R"({"watch":7})"));
  const std::string normal_closure = {'\x88', '\x02', '\x03', '\xE8'};
  EXPECT_NE(client.read_until(normal_closure).find(normal_closure), std::string::npos);
}

}  // namespace
}  // namespace lucid::serve::test
