// SPDX-License-Identifier: Apache-2.0
// Live frames over the WebSocket: as they are to clients on this machine, packed to others and to who asks for it.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/serve/api/api.h"
#include "lucid/serve/api/unpack_frame_test.h"
#include "lucid/serve/http/raw_client_test.h"

namespace lucid::serve::test {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;

const std::string kRun = "a_mug";

/// A client of the WebSocket.
class LiveClient {
 public:
  LiveClient(const http::Server& server, int receive_buffer, in_addr_t to)
      : client_(server.port(), receive_buffer, to) {
    client_.send(
        fmt::format("GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n"
                    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                    server.port()));
    const size_t head = client_.read_until("\r\n\r\n").find("\r\n\r\n");
    client_.text.erase(0, head + 4);
    send({{"token", server.token()}});
  }

  void send(const json& message) {
    const std::string text = message.dump();  // below 126 bytes; masked by zeros
    std::string frame = {'\x81', static_cast<char>(0x80 | text.size())};
    client_.send(frame.append(4, '\0').append(text));
  }
  /// The next binary message; empty if none comes in time.
  std::string next() {
    while (client_.read_bytes(10, 10'000)) {
      const auto byte = [&](size_t at) { return static_cast<size_t>(static_cast<uint8_t>(client_.text[at])); };
      size_t at = 2, length = byte(1);
      if (length >= 126) {
        at = length == 126 ? 4 : 10;
        length = 0;
        for (size_t i = 2; i < at; ++i) length = 256 * length + byte(i);
      }
      if (!client_.read_bytes(at + length, 10'000)) return {};
      const bool binary = byte(0) == 0x82;
      const std::string message = client_.text.substr(at, length);
      client_.text.erase(0, at + length);
      if (binary) return message;
    }
    return {};
  }

 private:
  http::test::RawClient client_;
};

/// A server with one run, whose live frames the test writes.
class LiveSocketTest : public ::testing::Test {
 protected:
  void serve(const std::string& address = "127.0.0.1") {
    write_file(out_ / kRun / "manifest.json",
               R"({"prompt":"a mug","seed":0,"iterations":6,"gaussians":10,"seconds":1.5})");
    server_.emplace(http::Options{.address = address});
    const Loop loop{.post = [this](auto task) { server_->post(std::move(task)); },
                    .after = [this](auto delay, auto task) { server_->after(delay, std::move(task)); }};
    studio_.emplace(StudioOptions{.output = out_, .program = "/bin/false"}, loop, changes_.callbacks());
    add_live_socket(*server_, *studio_, changes_);
    server_->start();
  }
  void TearDown() override {
    if (server_) server_->stop([this] { studio_.reset(); });
  }
  LiveClient client(int receive_buffer = 0, in_addr_t to = htonl(INADDR_LOOPBACK)) const {
    return LiveClient(*server_, receive_buffer, to);
  }
  /// The place in a client's list goes into the header that clients get.
  std::string write_frame(uint32_t number, uint32_t count, uint32_t index = 0, uint32_t serial = 1) const {
    std::string frame = random_frame(number, count);
    write_file(out_ / kRun / "live.frame", frame);
    std::memcpy(frame.data() + 24, &index, 4);
    std::memcpy(frame.data() + 28, &serial, 4);
    return frame;
  }

  lucid::test::TemporaryFolder folder_;
  fs::path out_ = folder_.path / "out";
  Changes changes_;
  std::optional<http::Server> server_;
  std::optional<Studio> studio_;
};

using LiveSocket = LiveSocketTest;

json watch(const std::optional<bool>& packed, uint32_t serial = 1) {
  json message = {{"watch", {kRun}}, {"serial", serial}};
  if (packed) message["packed"] = *packed;
  return message;
}

/// What a client knows: the key frame that it got last.
struct Unpacker {
  uint32_t key_number = 0;
  std::string key = {};
  bool was_key = false;  // of the message that came last

  /// The live frame in a message; empty if it needs a key frame that the client does not have.
  std::string take(const std::string& message) {
    const PackedFrameHeader header = packed_header(message);
    was_key = header.kind == PackedKind::kKey;
    if (!was_key && header.key != key_number) return {};
    std::string frame = unpacked(message, key);
    if (was_key) key = frame, key_number = header.key;
    return frame;
  }
};

TEST_F(LiveSocket, APackedClientGetsAKeyFrameAndThenDifferences) {
  serve();
  std::string frame = write_frame(1, 500);
  LiveClient client = this->client();
  client.send(watch(true));
  Unpacker unpacker;
  EXPECT_EQ(unpacker.take(client.next()), frame);
  EXPECT_TRUE(unpacker.was_key);
  int deltas = 0;
  for (uint32_t number = 2; number < 6; ++number) {  // on a slow machine one may come after 2 s
    frame = write_frame(number, 500);
    EXPECT_EQ(unpacker.take(client.next()), frame) << number;
    deltas += unpacker.was_key ? 0 : 1;
  }
  EXPECT_GE(deltas, 2);

  frame = write_frame(6, 501);
  EXPECT_EQ(unpacker.take(client.next()), frame);
  EXPECT_TRUE(unpacker.was_key) << "another count";
  frame = write_frame(7, 501, 0, 2);
  client.next();
  client.send(watch(true, 2));
  EXPECT_FALSE(unpacker.take(client.next()).empty());
  EXPECT_TRUE(unpacker.was_key) << "another list";
  if (unpacker.key != frame) {
    EXPECT_EQ(unpacker.take(client.next()), frame);
  }

  std::this_thread::sleep_for(std::chrono::milliseconds(2100));
  frame = write_frame(8, 501, 0, 2);
  EXPECT_EQ(unpacker.take(client.next()), frame);
  EXPECT_TRUE(unpacker.was_key) << "2 s later";
}

TEST_F(LiveSocket, APackedClientThatIsBehindGetsTheKeyFrameBeforeItsDifferences) {
  serve();
  LiveClient slow = client(4096), quick = client();
  for (LiveClient* each : {&slow, &quick}) each->send(watch(true));
  write_frame(1, 10);
  Unpacker of_slow, of_quick;
  for (LiveClient* each : {&slow, &quick}) EXPECT_FALSE(each->next().empty());
  std::string frame;
  for (uint32_t number = 2; number < 8; ++number) {  // key frame, difference, key frame, ...
    frame = write_frame(number, 40'000 + number / 2);
    EXPECT_EQ(of_quick.take(quick.next()), frame) << number;
  }
  std::string last;
  int messages = 0;
  for (; last != frame && messages < 6; ++messages) {
    last = of_slow.take(slow.next());
    EXPECT_FALSE(last.empty()) << "needs a key frame that did not come before";
  }
  EXPECT_EQ(last, frame);
  EXPECT_LE(messages, 3) << "frames that a newer one replaces";
}

TEST_F(LiveSocket, AClientOfThisMachineGetsFramesAsTheyAre) {
  serve();
  const std::string frame = write_frame(1, 500);
  LiveClient client = this->client();
  client.send(watch(std::nullopt));
  EXPECT_EQ(client.next(), frame);
  const std::string next = write_frame(2, 500);
  EXPECT_EQ(client.next(), next);
}

/// An address of this machine that is not loopback, in network byte order; 0 if there is none.
in_addr_t network_address() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return 0;
  in_addr_t found = 0;
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET) continue;
    const in_addr_t address = reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr.s_addr;
    if (ntohl(address) >> 24 != 127) found = address;
  }
  freeifaddrs(list);
  return found;
}

TEST_F(LiveSocket, AClientOnTheNetworkGetsPackedFramesUnlessItRefuses) {
  const in_addr_t address = network_address();
  if (address == 0) GTEST_SKIP() << "this machine has no address on a network";
  serve("0.0.0.0");
  const std::string frame = write_frame(1, 500);
  LiveClient client = this->client(0, address);
  client.send(watch(std::nullopt));
  Unpacker unpacker;
  EXPECT_EQ(unpacker.take(client.next()), frame);
  client.send(watch(false));
  EXPECT_EQ(client.next(), frame);
}

TEST_F(LiveSocket, AnAddressOfIPv4OnASocketOfIPv6IsLoopbackToo) {
  try {
    serve("::");
  } catch (const UserError& error) {
    GTEST_SKIP() << "this machine has no IPv6: " << error.what();
  }
  const std::string frame = write_frame(1, 500);
  LiveClient client = this->client();
  client.send(watch(std::nullopt));
  EXPECT_EQ(client.next(), frame);
}

}  // namespace
}  // namespace lucid::serve::test
