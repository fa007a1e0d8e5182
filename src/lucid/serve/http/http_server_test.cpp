// SPDX-License-Identifier: Apache-2.0
// The server against a plain socket: refusals, limits, streams, WebSockets, malformed requests, a clean end.
#include "lucid/serve/http/http_server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/rng.h"
#include "lucid/serve/http/raw_client_test.h"
#include "lucid/serve/http/token.h"
#include "mistakes.h"

namespace lucid::serve::http::test {
namespace {
using std::chrono::milliseconds;

#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kKeptBySanitizer = 300 << 20;  // freed memory, 256 MB at most
#else
constexpr size_t kKeptBySanitizer = 0;
#endif

size_t threads_of_process() {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) count += entry.exists() ? 1 : 0;
  return count;
}

size_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  size_t total = 0, resident = 0;
  in >> total >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

/// A server with a route of each kind.
struct Fixture {
  lucid::test::TemporaryFolder folder;
  Server server;
  std::shared_ptr<EventStream> stream;                // I/O thread
  std::vector<std::shared_ptr<EventStream>> streams;  // I/O thread
  std::shared_ptr<WebSocket> socket;                  // I/O thread
  std::shared_ptr<Reply> reply;                       // I/O thread
  std::atomic<int> opened{0}, closed{0}, writes{0};

  explicit Fixture(Options options = {}, bool page = true) : server(with_page(std::move(options), page)) {
    server.on(Method::kGet, "/api/v1/about", [](const Request&) { return json_response({{"name", "lucid"}}); });
    server.on(Method::kGet, "/api/v1/runs/{id}", [](const Request& request) {
      return json_response({{"id", request.parameters.at("id")}, {"query", request.query}});
    });
    server.on(Method::kPost, "/api/v1/runs", [this](const Request& request) {
      ++writes;
      return json_response({{"got", request.json()}}, 201);
    });
    server.on(Method::kDelete, "/api/v1/runs/{id}", [](const Request&) { return Response{.status = 204}; });
    server.on(Method::kGet, "/api/v1/fails", [](const Request&) -> Response { throw std::runtime_error("secret"); });
    server.on(Method::kGet, "/api/v1/mistake", [](const Request&) -> Response {
      throw UserError(UserMistake{.what_happened = "no such preset", .hint = "see lucid presets"});
    });
    server.on(Method::kGet, "/api/v1/files/{name}", [this](const Request& request) {
      return Response{.content_type = "application/octet-stream",
                      .file = FileBeneath{folder.path, request.parameters.at("name")},
                      .headers = {{"Content-Disposition", attachment("a \"b\r\n.ply")}}};
    });
    server.on_slow(Method::kGet, "/api/v1/slow", [](const Request&) {
      std::this_thread::sleep_for(milliseconds(100));
      return json_response("slow");
    });
    server.on_later(Method::kGet, "/api/v1/later",
                    [this](const Request&, std::shared_ptr<Reply> to) { reply = std::move(to); });
    server.on_later(Method::kGet, "/api/v1/dropped", [](const Request&, const std::shared_ptr<Reply>&) {});
    server.on_events("/api/v1/events", [this](const Request&, std::shared_ptr<EventStream> to) {
      stream = to;
      streams.push_back(std::move(to));
      ++opened;
    });
    server.on_web_socket("/api/v1/live",
                         {.opened =
                              [this](std::shared_ptr<WebSocket> to) {
                                socket = std::move(to);
                                ++opened;
                              },
                          .text = [](const std::shared_ptr<WebSocket>& to,
                                     std::string_view text) { to->send_text("echo", std::string(text)); },
                          .closed = [this](const std::shared_ptr<WebSocket>&) { ++closed; }});
    server.start();
  }

  ~Fixture() { server.stop(); }  // before the handles go: until then they belong to the I/O thread

  Options with_page(Options options, bool page) const {
    if (!page) return options;
    write_file(folder.path / "web/index.html", "<!doctype html>");
    write_file(folder.path / "web/app-1A2B3C4D.js", "plain");
    write_file(folder.path / "web/app-1A2B3C4D.js.br", "brotli");
    write_file(folder.path / "web/app-1A2B3C4D.js.gz", "gzip");
    write_file(folder.path / "web/notes.sh", "not a page's file");
    options.web_folder = folder.path / "web";
    return options;
  }

  std::string host() const { return "Host: 127.0.0.1:" + std::to_string(server.port()) + "\r\n"; }
  std::string bearer() const { return "Authorization: Bearer " + server.token() + "\r\n"; }
  std::string origin() const { return "Origin: http://127.0.0.1:" + std::to_string(server.port()) + "\r\n"; }

  std::string exchange(const std::string& request) const {
    RawClient client(server.port());
    client.send(request);
    return client.read_to_end();
  }
  /// With our Host, `headers` and "Connection: close".
  std::string ask(const std::string& line, const std::string& headers, const std::string& body = "") const {
    const std::string length = body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return exchange(line + " HTTP/1.1\r\n" + host() + headers + length + "Connection: close\r\n\r\n" + body);
  }
  std::string get(const std::string& path, const std::string& headers = "") const {
    return ask("GET " + path, bearer() + headers);
  }
  /// Runs on the I/O thread and waits for it.
  template <class Task>
  auto on_io(Task task) {
    std::promise<decltype(task())> done;
    server.post([&] { done.set_value(task()); });
    return done.get_future().get();
  }
  bool wait_for(const std::function<bool()>& condition) {
    for (int i = 0; i < 500; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds(10));
    }
    return false;
  }
};

int status(const std::string& answer) { return answer.size() < 12 ? 0 : std::atoi(answer.c_str() + 9); }
bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
std::string body_of(const std::string& answer) {
  const size_t at = answer.find("\r\n\r\n");
  return at == std::string::npos ? "" : answer.substr(at + 4);
}
/// The problem's type, if the answer is a whole problem.
std::string problem(const std::string& answer) {
  if (!has(answer, "Content-Type: application/problem+json")) return "no problem: " + answer.substr(0, 200);
  const auto json = nlohmann::json::parse(body_of(answer), nullptr, false);
  if (json.is_discarded() || json["status"] != status(answer) || json["detail"].empty() || json["title"].empty()) {
    return "bad problem: " + body_of(answer);
  }
  return json["type"].get<std::string>().substr(std::strlen("urn:lucid:problem:"));
}

TEST(HttpServer, AnswersWithItsHeaders) {
  Fixture fix;
  const std::string answer = fix.get("/api/v1/about");
  EXPECT_EQ(status(answer), 200) << answer;
  EXPECT_EQ(body_of(answer), R"({"name":"lucid"})");
  for (const char* header :
       {"Content-Security-Policy: default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; "
        "style-src 'self'; img-src 'self' blob: data:; font-src 'self'; connect-src 'self' blob:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'\r\n",
        "X-Content-Type-Options: nosniff\r\n", "Referrer-Policy: no-referrer\r\n",
        "Cross-Origin-Resource-Policy: same-origin\r\n", "Cross-Origin-Opener-Policy: same-origin\r\n",
        "Cache-Control: no-store\r\n", "Content-Type: application/json\r\n"}) {
    EXPECT_TRUE(has(answer, header)) << header;
  }
  EXPECT_FALSE(has(answer, "Access-Control"));
  EXPECT_FALSE(has(answer, "Server:"));
  EXPECT_EQ(body_of(fix.get("/api/v1/runs/a-1?x=%41+b&y")), R"({"id":"a-1","query":{"x":"A b","y":""}})");
  const std::string head = fix.ask("HEAD /api/v1/about", fix.bearer());
  EXPECT_TRUE(has(head, "Content-Length: 16\r\n")) << head;
  EXPECT_EQ(body_of(head), "");
  EXPECT_EQ(status(fix.ask("DELETE /api/v1/runs/a", fix.bearer())), 204);
}

TEST(HttpServer, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
  Fixture fix;
  RawClient client(fix.server.port());
  const auto request = [&](const std::string& id) {
    return "GET /api/v1/runs/" + id + " HTTP/1.1\r\n" + fix.host() + fix.bearer() + "\r\n";
  };
  client.send(request("one") + request("two") + request("three"));
  client.read_until("three");
  EXPECT_LT(client.text.find("\"one\""), client.text.find("\"two\""));
  EXPECT_LT(client.text.find("\"two\""), client.text.find("\"three\""));
  EXPECT_FALSE(client.ended);
}

TEST(HttpServer, RefusesForeignHosts) {
  Fixture fix;
  const std::string port = std::to_string(fix.server.port());
  const auto with_host = [&](const std::string& path, const std::string& host) {
    return fix.exchange("GET " + path + " HTTP/1.1\r\n" + host + fix.bearer() + "Connection: close\r\n\r\n");
  };
  for (const char* path : {"/", "/app-1A2B3C4D.js", "/api/v1/about", "/nothing"}) {
    EXPECT_EQ(problem(with_host(path, "")), "host-missing") << path;
    EXPECT_EQ(problem(with_host(path, "Host: evil.example:" + port + "\r\n")), "foreign-host") << path;
    EXPECT_EQ(problem(with_host(path, "Host: 127.0.0.1\r\n")), "foreign-host") << path;
    EXPECT_EQ(problem(with_host(path, "Host: localhost:1\r\n")), "foreign-host") << path;
    EXPECT_EQ(problem(with_host(path, "Host: localhost:" + port + ".evil.example\r\n")), "foreign-host") << path;
    EXPECT_EQ(problem(with_host(path, fix.host() + "Host: evil.example\r\n")), "malformed-request") << path;
  }
  for (const char* host : {"127.0.0.1:", "LocalHost:", "[::1]:"}) {
    EXPECT_EQ(status(with_host("/api/v1/about", "Host: " + (host + port) + "\r\n")), 200) << host;
  }
}

TEST(HttpServer, RefusesWritesOfOtherOrigins) {
  Fixture fix;
  const std::string json = fix.bearer() + "Content-Type: application/json\r\n";
  const auto post = [&](const std::string& headers) { return fix.ask("POST /api/v1/runs", json + headers, "{}"); };
  EXPECT_EQ(status(post("")), 201);
  EXPECT_EQ(status(post(fix.origin())), 201);
  EXPECT_EQ(status(post(fix.origin() + "Sec-Fetch-Site: same-origin\r\n")), 201);
  EXPECT_EQ(fix.writes, 3);
  EXPECT_EQ(problem(post("Origin: null\r\n")), "foreign-origin");
  EXPECT_EQ(problem(post("Origin: http://evil.example\r\n")), "foreign-origin");
  EXPECT_EQ(problem(post("Origin: http://127.0.0.1\r\n")), "foreign-origin");
  EXPECT_EQ(problem(post(fix.origin().substr(0, fix.origin().size() - 2) + ".evil.example\r\n")), "foreign-origin");
  for (const char* site : {"cross-site", "same-site", "none"}) {
    EXPECT_EQ(problem(post(std::string("Sec-Fetch-Site: ") + site + "\r\n")), "foreign-origin") << site;
  }
  EXPECT_EQ(problem(fix.ask("DELETE /api/v1/runs/a", fix.bearer() + "Origin: null\r\n")), "foreign-origin");
  EXPECT_EQ(fix.writes, 3);
  EXPECT_EQ(problem(fix.get("/api/v1/about", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n")),
            "foreign-origin");
  EXPECT_EQ(problem(fix.get("/", "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: no-cors\r\n")), "foreign-origin");
  EXPECT_EQ(status(fix.get("/", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n")), 200);
}

TEST(HttpServer, NeedsTheTokenOnEveryApiPath) {
  Fixture fix;
  EXPECT_EQ(fix.server.token().size(), 32U);
  for (const char* line : {"GET /api/v1/about", "POST /api/v1/runs", "GET /api/v1/events", "GET /api/v1/nothing",
                           "DELETE /api/v1/runs/a", "GET /api/v1/slow", "HEAD /api/v1/about"}) {
    EXPECT_EQ(status(fix.ask(line, "")), 401) << line;
    EXPECT_EQ(status(fix.ask(line, "Authorization: Bearer " + std::string(32, '0') + "\r\n")), 401) << line;
    EXPECT_EQ(status(fix.ask(line, "Authorization: " + fix.server.token() + "\r\n")), 401) << line;
    EXPECT_EQ(status(fix.ask(line, "Cookie: token=" + fix.server.token() + "\r\n")), 401) << line;
  }
  EXPECT_EQ(problem(fix.ask("GET /api/v1/about", "")), "token-missing");
  EXPECT_EQ(status(fix.ask("GET /", "")), 200);
  EXPECT_NE(Fixture().server.token(), fix.server.token());
}

TEST(HttpServer, ATicketOpensOnePathOnce) {
  Fixture fix;
  const std::string ticket = fix.on_io([&] { return fix.server.make_ticket("/api/v1/about"); });
  EXPECT_EQ(status(fix.ask("GET /api/v1/runs/a?ticket=" + ticket, "")), 401);
  EXPECT_EQ(status(fix.ask("GET /api/v1/about?ticket=" + ticket, "")), 200);
  EXPECT_EQ(status(fix.ask("GET /api/v1/about?ticket=" + ticket, "")), 401);
  const std::string other = fix.on_io([&] { return fix.server.make_ticket("/api/v1/runs"); });
  EXPECT_EQ(status(fix.ask("POST /api/v1/runs?ticket=" + other, "Content-Type: application/json\r\n", "{}")), 401);
  Tickets tickets(milliseconds(30'000));
  const auto now = Tickets::Clock::now();
  const std::string late = tickets.make("/a", now);
  EXPECT_FALSE(tickets.redeem(late, "/a", now + milliseconds(30'000)));
  const std::string in_time = tickets.make("/a", now);
  EXPECT_TRUE(tickets.redeem(in_time, "/a", now + milliseconds(29'999)));
}

TEST(HttpServer, AcceptsOnlyJson) {
  Fixture fix;
  const auto post = [&](const std::string& headers, const std::string& body) {
    return fix.ask("POST /api/v1/runs", fix.bearer() + headers, body);
  };
  const std::string json = "Content-Type: application/json\r\n";
  EXPECT_EQ(body_of(post("Content-Type: Application/JSON; charset=utf-8\r\n", "[1]")), R"({"got":[1]})");
  for (const char* type :
       {"", "Content-Type: text/plain\r\n", "Content-Type: multipart/form-data\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n", "Content-Type: application/jsonx\r\n"}) {
    EXPECT_EQ(problem(post(type, "{}")), "json-required") << type;
  }
  EXPECT_EQ(problem(post(json + "Content-Encoding: gzip\r\n", "{}")), "json-required");
  EXPECT_EQ(problem(post(json, "{")), "invalid-json");
  EXPECT_EQ(problem(post(json, std::string(60'000, '['))), "invalid-json");
  EXPECT_EQ(problem(post(json, std::string(17, '[') + std::string(17, ']'))), "invalid-json");
  EXPECT_EQ(status(post(json, std::string(16, '[') + std::string(16, ']'))), 201);
  EXPECT_EQ(problem(fix.ask("GET /api/v1/about", fix.bearer() + json, "{}")), "unexpected-body");
}

TEST(HttpServer, LimitsHeadersAndBodies) {
  Fixture fix;
  const std::string post =
      "POST /api/v1/runs HTTP/1.1\r\n" + fix.host() + fix.bearer() + "Content-Type: application/json\r\n";
  const std::string full = "\"" + std::string((64 << 10) - 2, 'x') + "\"";
  EXPECT_EQ(status(fix.exchange(post + "Connection: close\r\nContent-Length: 65536\r\n\r\n" + full)), 201);
  EXPECT_EQ(problem(fix.exchange(post + "Content-Length: 65537\r\n\r\n")), "body-too-large");
  std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 5; ++i) chunked += "4000\r\n" + std::string(0x4000, 'x') + "\r\n";
  EXPECT_EQ(problem(fix.exchange(chunked + "0\r\n\r\n")), "body-too-large");
  EXPECT_EQ(status(fix.exchange(post + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")),
            201);
  EXPECT_EQ(status(fix.exchange(post + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n")),
            400);
  EXPECT_EQ(status(fix.exchange(post + "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")), 400);
  EXPECT_EQ(problem(fix.exchange("GET / HTTP/1.1\r\n" + fix.host() + "X: " + std::string(17'000, 'x') + "\r\n\r\n")),
            "header-too-large");
  EXPECT_EQ(problem(fix.exchange("GET /" + std::string(40'000, 'x'))), "header-too-large");
  std::string many = "GET / HTTP/1.1\r\n" + fix.host();
  for (int i = 0; i < 5000; ++i) many += "a: b\r\n";
  EXPECT_EQ(problem(fix.exchange(many)), "header-too-large");
  EXPECT_EQ(problem(fix.exchange("nonsense\r\n\r\n")), "malformed-request");
}

TEST(HttpServer, LimitsTimeAndConnections) {
  Options options;
  options.limits.request_time = milliseconds(200);
  options.limits.idle_time = milliseconds(300);
  options.limits.connections = 8;
  Fixture fix(options);
  {
    RawClient silent(fix.server.port()), half(fix.server.port()), body(fix.server.port());
    half.send("GET / HT");
    body.send("POST /api/v1/runs HTTP/1.1\r\n" + fix.host() + fix.bearer() +
              "Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{");
    const auto start = std::chrono::steady_clock::now();
    for (RawClient* client : {&silent, &half, &body}) {
      client->read_to_end(3000);
      EXPECT_TRUE(client->ended);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(2500));
  }
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(std::make_unique<RawClient>(fix.server.port()));
  const std::string busy = RawClient(fix.server.port()).read_to_end();
  EXPECT_EQ(problem(busy), "too-many-connections");
  clients.clear();
  EXPECT_TRUE(fix.wait_for([&] { return status(fix.get("/api/v1/about")) == 200; }));
}

TEST(HttpServer, PathsAndMethods) {
  Fixture fix;
  const std::string post = fix.ask("POST /api/v1/about", fix.bearer());
  EXPECT_EQ(problem(post), "method-not-allowed");
  EXPECT_TRUE(has(post, "Allow: GET, HEAD\r\n")) << post;
  const std::string options = fix.ask("OPTIONS /api/v1/runs", fix.bearer());
  EXPECT_EQ(problem(options), "method-not-allowed");
  EXPECT_TRUE(has(options, "Allow: POST\r\n")) << options;
  EXPECT_EQ(problem(fix.ask("OPTIONS /api/v1/runs", fix.bearer() + "Origin: http://evil.example\r\n")),
            "foreign-origin");
  EXPECT_EQ(problem(fix.ask("PUT /api/v1/runs", fix.bearer())), "method-not-allowed");
  EXPECT_EQ(problem(fix.ask("POST /", fix.bearer())), "method-not-allowed");
  for (const char* path : {"/api/v1/nothing", "/api/v1/runs/..", "/api/v1/runs/.a", "/api/v1/runs/a%2fb",
                           "/api/v1/runs/", "/api/v1/runs/a/b", "/nothing", "/web/index.html", "/../index.html",
                           "/%2e%2e/index.html", "//index.html", "/index.html/", "/notes.sh"}) {
    EXPECT_EQ(problem(fix.get(path)), "path-not-found") << path;
  }
  EXPECT_EQ(problem(fix.get("/api/v1/runs/" + std::string(65, 'a'))), "path-not-found");
  for (const char* target : {"http://evil.example/", "*", "/api/v1/about?a=%", "/api/v1/about?a=%4", "/?a=1&a=2"}) {
    EXPECT_EQ(problem(fix.get(target)), "malformed-request") << target;
  }
}

TEST(HttpServer, ThrownErrorsBecomeProblems) {
  Fixture fix;
  const std::string fails = fix.get("/api/v1/fails");
  EXPECT_EQ(status(fails), 500);
  EXPECT_EQ(problem(fails), "internal-error");
  EXPECT_FALSE(has(fails, "secret"));
  const std::string mistake = fix.get("/api/v1/mistake");
  EXPECT_EQ(status(mistake), 400);
  EXPECT_TRUE(has(mistake, "see lucid presets"));
  EXPECT_EQ(status(fix.get("/api/v1/dropped")), 503);
}

TEST(HttpServer, ServesThePage) {
  Fixture fix;
  const std::string index = fix.ask("GET /", "");
  EXPECT_EQ(body_of(index), "<!doctype html>");
  EXPECT_TRUE(has(index, "Cache-Control: no-cache\r\n"));
  EXPECT_TRUE(has(index, "Content-Type: text/html; charset=utf-8\r\n"));
  EXPECT_TRUE(has(index, "Content-Security-Policy: default-src 'none'"));
  const auto script = [&](const std::string& accept) { return fix.ask("GET /app-1A2B3C4D.js", accept); };
  EXPECT_EQ(body_of(script("")), "plain");
  EXPECT_TRUE(has(script(""), "Cache-Control: public, max-age=31536000, immutable\r\n"));
  EXPECT_EQ(body_of(script("Accept-Encoding: gzip, deflate, br, zstd\r\n")), "brotli");
  EXPECT_TRUE(has(script("Accept-Encoding: br\r\n"), "Content-Encoding: br\r\n"));
  EXPECT_TRUE(has(script("Accept-Encoding: br\r\n"), "Vary: Accept-Encoding\r\n"));
  EXPECT_EQ(body_of(script("Accept-Encoding: gzip, br;q=0\r\n")), "gzip");
  EXPECT_EQ(body_of(script("Accept-Encoding: br; q=0.000\r\n")), "plain");
  EXPECT_EQ(problem(Fixture({}, false).ask("GET /", "")), "page-missing");
}

TEST(HttpServer, SendsFilesOnlyFromTheirFolder) {
  Fixture fix;
  const std::string content(300'000, 'p');
  write_file(fix.folder.path / "cloud.ply", content);
  std::filesystem::create_symlink("/etc/passwd", fix.folder.path / "link");
  const std::string answer = fix.get("/api/v1/files/cloud.ply");
  EXPECT_EQ(body_of(answer), content);
  EXPECT_TRUE(has(answer, "Content-Disposition: attachment; filename=\"a__b__.ply\"\r\n"));
  EXPECT_TRUE(has(fix.ask("HEAD /api/v1/files/cloud.ply", fix.bearer()), "Content-Length: 300000\r\n"));
  EXPECT_EQ(problem(fix.get("/api/v1/files/link")), "file-not-found");
  EXPECT_EQ(problem(fix.get("/api/v1/files/web")), "file-not-found");
  EXPECT_EQ(problem(fix.get("/api/v1/files/missing")), "file-not-found");
}

TEST(HttpServer, SlowHandlersDoNotHoldUpOthers) {
  Fixture fix;
  RawClient slow(fix.server.port());
  slow.send("GET /api/v1/slow HTTP/1.1\r\n" + fix.host() + fix.bearer() + "\r\n");
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(status(fix.get("/api/v1/about")), 200);
  EXPECT_EQ(slow.text, "");
  EXPECT_EQ(body_of(slow.read_until("\"slow\"")), "\"slow\"");
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(50));
}

TEST(HttpServer, RepliesLaterAndSeesThatAClientHasGone) {
  Fixture fix;
  auto client = std::make_unique<RawClient>(fix.server.port());
  const std::string later = "GET /api/v1/later HTTP/1.1\r\n" + fix.host() + fix.bearer() + "\r\n";
  client->send(later + later);
  const auto waits = [&] { return fix.on_io([&] { return fix.reply != nullptr && fix.reply->open(); }); };
  ASSERT_TRUE(fix.wait_for(waits));
  fix.server.after(milliseconds(20), [&] { std::exchange(fix.reply, nullptr)->send(json_response("first")); });
  EXPECT_TRUE(has(client->read_until("\"first\""), "\"first\""));
  ASSERT_TRUE(fix.wait_for(waits));
  client.reset();
  EXPECT_TRUE(fix.wait_for([&] { return fix.on_io([&] { return !fix.reply->open(); }); }));
}

TEST(HttpServer, StreamsEventsAndKeepsTheNewest) {
  Options options;
  options.limits.event_stream_heartbeat = milliseconds(50);
  Fixture fix(options);
  RawClient client(fix.server.port());
  client.send("GET /api/v1/events HTTP/1.1\r\n" + fix.host() + fix.bearer() + "\r\n");
  ASSERT_TRUE(fix.wait_for([&] { return fix.opened == 1; }));
  fix.server.post([&] {  // the header is not written yet, or the socket is busy: the first two are replaced
    for (int i = 0; i < 3; ++i) fix.stream->send("run", "a" + std::to_string(i) + "\nb");
    fix.stream->send("other", "c");
  });
  const std::string text = client.read_until("event: other\ndata: c\n\n");
  EXPECT_TRUE(has(text, "Content-Type: text/event-stream\r\n"));
  EXPECT_TRUE(has(text, "event: run\ndata: a2\ndata: b\n\n"));
  EXPECT_FALSE(has(text, "a1"));
  EXPECT_TRUE(has(client.read_until("\n:\n\n"), "\n:\n\n"));
  fix.server.post([&] { fix.stream->close(); });
  client.read_to_end();
  EXPECT_TRUE(client.ended);
}

TEST(HttpServer, ServesThreeHundredEventStreamsOnOneThread) {
  Options options;
  options.limits.connections = 400;
  Fixture fix(options);
  const size_t threads = threads_of_process();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 300; ++i) {
    clients.push_back(std::make_unique<RawClient>(fix.server.port()));
    clients.back()->send("GET /api/v1/events HTTP/1.1\r\n" + fix.host() + fix.bearer() + "\r\n");
  }
  ASSERT_TRUE(fix.wait_for([&] { return fix.opened == 300; }));
  fix.server.post([&] {
    for (const auto& stream : fix.streams) stream->send("run", "all");
  });
  int got = 0;
  for (const auto& client : clients) got += has(client->read_until("data: all\n\n"), "data: all\n\n") ? 1 : 0;
  EXPECT_EQ(got, 300);
  EXPECT_EQ(status(fix.get("/api/v1/about")), 200);
  EXPECT_EQ(threads_of_process(), threads);
  clients.clear();
  EXPECT_TRUE(fix.wait_for([&] {
    return fix.on_io([&] {
      return std::none_of(fix.streams.begin(), fix.streams.end(), [](const auto& stream) { return stream->open(); });
    });
  }));
}

TEST(HttpServer, TimersRepeat) {
  Fixture fix;
  std::atomic<int> count{0};
  fix.server.every(milliseconds(10), [&] {
    ++count;
    throw std::runtime_error("a task's error does not end the timer");
  });
  EXPECT_TRUE(fix.wait_for([&] { return count >= 3; }));
}

std::string upgrade(const std::string& headers) {
  return "GET /api/v1/live HTTP/1.1\r\n" + headers +
         "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
}
/// A masked frame of a client. opcode 1: text, 2: binary, 8: close.
std::string frame(int opcode, const std::string& text) {
  std::string bytes = {static_cast<char>(0x80 | opcode)};
  if (text.size() < 126) {
    bytes += static_cast<char>(0x80 | text.size());
  } else {
    bytes += {static_cast<char>(0xFE), static_cast<char>(text.size() >> 8), static_cast<char>(text.size() & 255)};
  }
  return bytes + std::string(4, '\0') + text;  // a mask of zeros changes nothing
}
void open_socket(Fixture& fix, RawClient& client) {
  client.send(upgrade(fix.host() + fix.origin()));
  ASSERT_TRUE(has(client.read_until("\r\n\r\n"), "101 Switching Protocols")) << client.text;
  EXPECT_TRUE(has(client.text, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));  // RFC 6455, section 1.3
  client.text.clear();
  const int before = fix.opened;
  client.send(frame(1, R"({"token":")" + fix.server.token() + "\"}"));
  ASSERT_TRUE(fix.wait_for([&] { return fix.opened == before + 1; }));
}

TEST(WebSocket, RefusesForeignPagesAndWrongTokens) {
  Options options;
  options.limits.token_time = milliseconds(200);
  Fixture fix(options);
  EXPECT_EQ(problem(fix.exchange(upgrade("Host: evil.example\r\nConnection: close\r\n"))), "foreign-host");
  for (const char* bad : {"Origin: null\r\n", "Origin: http://evil.example\r\n", "Sec-Fetch-Site: same-site\r\n"}) {
    RawClient client(fix.server.port());
    client.send(upgrade(fix.host() + bad));
    EXPECT_EQ(problem(client.read_until("}")), "foreign-origin") << bad;
  }
  EXPECT_EQ(problem(fix.get("/api/v1/live")), "upgrade-required");
  const std::string policy_error = {'\x88', '\x02', '\x03', '\xF0'};  // close frame with code 1008
  for (const std::string& first :
       {std::string(R"({"token":"00000000000000000000000000000000"})"), std::string("{"), std::string("[1]"),
        std::string(R"({"token":1})"), std::string(R"({"watch":"a"})"), std::string()}) {
    RawClient client(fix.server.port());
    client.send(upgrade(fix.host()));
    client.read_until("\r\n\r\n");
    client.text.clear();
    if (!first.empty()) client.send(frame(1, first));  // else: says nothing until its time is over
    EXPECT_TRUE(has(client.read_until(policy_error), policy_error)) << first;
  }
  EXPECT_EQ(fix.opened, 0);
}

TEST(WebSocket, SendsTextAndBinaryFrames) {
  Fixture fix;
  {
    RawClient client(fix.server.port());
    open_socket(fix, client);
    client.send(frame(1, "hello"));
    EXPECT_TRUE(has(client.read_until("\x81\x05hello"), "\x81\x05hello"));
    client.text.clear();
    const auto bytes = std::make_shared<const std::string>(800'000, 'f');
    fix.server.post([&] { fix.socket->send_binary("frame", bytes); });
    ASSERT_TRUE(client.read_bytes(800'010));
    EXPECT_EQ(client.text.substr(0, 10), std::string("\x82\x7f\0\0\0\0\0\x0c\x35\0", 10));
    client.send(frame(2, "binary is not expected"));
    client.read_to_end(500);
  }
  EXPECT_TRUE(fix.wait_for([&] { return fix.closed == 1; }));
  EXPECT_FALSE(fix.on_io([&] { return fix.socket->open(); }));
}

TEST(WebSocket, ASlowReaderSkipsToTheNewestFrame) {
  Fixture fix;
  RawClient client(fix.server.port(), 4096);
  open_socket(fix, client);
  const size_t before = resident_bytes();
  for (int i = 0; i < 200; ++i) {
    std::string bytes(800'000, 'f');
    bytes.replace(0, 4, fmt::format("{:04}", i));
    fix.on_io([&] {
      fix.socket->send_binary("frame", std::make_shared<const std::string>(std::move(bytes)));
      return true;
    });
  }
  EXPECT_EQ(status(fix.get("/api/v1/about")), 200);
  EXPECT_LT(resident_bytes(), before + (16 << 20) + kKeptBySanitizer);
  ASSERT_TRUE(client.read_bytes(2 * 800'010));
  EXPECT_EQ(client.text.substr(10, 4), "0000");
  EXPECT_EQ(client.text.substr(800'010 + 10, 4), "0199");  // and nothing in between
}

/// A request that was cut, changed, repeated or made too long.
std::string malformed(const Fixture& fix, Rng& rng) {
  const std::string good = "POST /api/v1/runs?a=b HTTP/1.1\r\n" + fix.host() + fix.bearer() +
                           "Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"a\":[1]}";
  std::string text = rng.chance(0.2) ? upgrade(fix.host()) + frame(1, "{\"token\":1}") : good;
  const auto place = [&] { return static_cast<size_t>(rng.integer(0, static_cast<int64_t>(text.size()))); };
  switch (rng.integer(0, 5)) {
    case 0:
      return text.substr(0, place());
    case 1:
      for (int64_t i = rng.integer(1, 9); i > 0; --i)
        text[place() % text.size()] ^= static_cast<char>(1 << rng.integer(0, 8));
      return text;
    case 2:
      return text.insert(place(),
                         std::string(static_cast<size_t>(rng.integer(1, 40'000)), static_cast<char>(rng.next_u32())));
    case 3:
      for (int64_t i = rng.integer(1, 6); i > 0; --i) text += text.substr(place());
      return text.size() > 200'000 ? text.substr(0, 200'000) : text;
    default:
      text.resize(static_cast<size_t>(rng.integer(1, 600)));
      for (char& c : text) c = static_cast<char>(rng.next_u32());
      return text;
  }
}

TEST(HttpServer, SurvivesTenThousandMalformedRequests) {
  Options options;
  options.limits.request_time = milliseconds(500);
  Fixture fix(options);
  Rng rng(27, "malformed requests");
  size_t before = 0;
  for (int i = 0; i < 10'000; ++i) {
    if (i == 2000) before = resident_bytes();  // after the allocator's first growth
    RawClient client(fix.server.port());
    client.send(malformed(fix, rng));
    client.end_of_sending();
    client.read_to_end(2000);
    ASSERT_TRUE(client.ended) << "request " << i << " left the connection open";
  }
  EXPECT_EQ(status(fix.get("/api/v1/about")), 200);
  EXPECT_LT(resident_bytes(), before + (8 << 20) + kKeptBySanitizer);
}

TEST(HttpServer, StopsWithOpenConnections) {
  const size_t threads = threads_of_process();
  {
    Fixture fix;
    RawClient idle(fix.server.port()), half(fix.server.port()), events(fix.server.port()), slow(fix.server.port()),
        later(fix.server.port()), socket(fix.server.port());
    half.send("GET / HT");
    events.send("GET /api/v1/events HTTP/1.1\r\n" + fix.host() + fix.bearer() + "\r\n");
    for (int i = 0; i < 3; ++i) slow.send("GET /api/v1/slow HTTP/1.1\r\n" + fix.host() + fix.bearer() + "\r\n");
    later.send("GET /api/v1/later HTTP/1.1\r\n" + fix.host() + fix.bearer() + "\r\n");
    ASSERT_TRUE(fix.wait_for([&] { return fix.opened == 1; }));
    open_socket(fix, socket);
    EXPECT_GT(threads_of_process(), threads);
    fix.server.stop();
    EXPECT_EQ(fix.closed, 1);
    for (RawClient* client : {&idle, &half, &events, &later, &socket}) {
      client->read_to_end();
      EXPECT_TRUE(client->ended);
    }
  }
  EXPECT_EQ(threads_of_process(), threads);
}

TEST(HttpServer, OtherAddressesNeedATokenAndWarn) {
  EXPECT_EQ(Server(Options{}).warning(), "");
  EXPECT_EQ(Server(Options{.address = "::1"}).warning(), "");
  Options open;
  open.address = "0.0.0.0";
  open.host_names = {"studio.example"};
  Fixture fix(open);
  EXPECT_TRUE(has(fix.server.warning(), "other machines"));
  EXPECT_EQ(fix.server.token().size(), 32U);
  EXPECT_EQ(status(fix.ask("GET /api/v1/about", "")), 401);
  const auto with_host = [&](const std::string& host) {
    return status(fix.exchange("GET /api/v1/about HTTP/1.1\r\nHost: " + host + "\r\n" + fix.bearer() +
                               "Connection: close\r\n\r\n"));
  };
  EXPECT_EQ(with_host("studio.example"), 200);
  EXPECT_EQ(with_host("studio.example:" + std::to_string(fix.server.port())), 200);
  EXPECT_EQ(with_host("evil.example"), 421);
  using lucid::test::mistake_of;
  EXPECT_EQ(mistake_of([] { Server server({.token = "short"}); }).key, "--token");
  EXPECT_EQ(mistake_of([] { Server server({.token = "sixteen characters\r\n"}); }).key, "--token");
  EXPECT_EQ(mistake_of([] { Server server({.address = "example.org"}); }).key, "--listen");
  Options taken;
  taken.port = fix.server.port();
  EXPECT_EQ(mistake_of([&] { Server(taken).start(); }).key, "--port");
}

}  // namespace
}  // namespace lucid::serve::http::test
