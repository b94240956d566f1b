// What proto/README.md shows in hex is what the code speaks.
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "push/fake_runner.h"
#include "push/push_service.h"
#include "wire/goim_frame.h"
#include "wire/goim_v1.h"

namespace halley::push {
namespace {

using shard::RpcId;
using testing::FakeRunner;

// The bytes of every "```hex name" block: pairs of hex digits, '#' for the rest of a line.
std::map<std::string, std::string> Blocks() {
  std::ifstream file(HALLEY_PROTO_README);
  EXPECT_TRUE(file.is_open()) << HALLEY_PROTO_README;
  std::map<std::string, std::string> blocks;
  std::string* block = nullptr;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("```", 0) == 0) {
      block = line.rfind("```hex ", 0) == 0 ? &blocks[line.substr(7)] : nullptr;
      continue;
    }
    if (block == nullptr) continue;
    std::istringstream pairs(line.substr(0, line.find('#')));
    for (std::string pair; pairs >> pair;) {
      EXPECT_TRUE(pair.size() == 2 && std::isxdigit(pair[0]) && std::isxdigit(pair[1])) << line;
      block->push_back(static_cast<char>(std::stoi(pair, nullptr, 16)));
    }
  }
  return blocks;
}

class ReadmeTest : public ::testing::Test {
 protected:
  static constexpr RpcId kPusher{1, 1};

  explicit ReadmeTest(const char* secret = "") {
    config::PushOptions options;
    options.secret = secret;
    service_ = std::make_unique<PushService>(options);
    service_->Attach(&runner_);
    service_->OnOpened(kPusher, /*inside=*/false);
  }

  // Feeds a block that is one framed request.
  void Send(const std::string& name) {
    std::string bytes = blocks_.at(name);
    wire::Inbox inbox{bytes.data(), bytes.data() + bytes.size()};
    std::string_view payload;
    ASSERT_EQ(wire::NextRpcFrame(&inbox, 1 << 20, &payload), wire::DecodeStatus::kDone);
    ASSERT_EQ(inbox.size(), 0u);
    ASSERT_EQ(service_->OnFrame(kPusher, payload), wire::CloseReason::kNone);
  }

  const std::map<std::string, std::string> blocks_ = Blocks();
  FakeRunner runner_;
  std::unique_ptr<PushService> service_;
};

class ReadmeSecretTest : public ReadmeTest {
 protected:
  ReadmeSecretTest() : ReadmeTest("s3cret") {}
};

TEST_F(ReadmeTest, PushToARoom) {
  Send("push_rooms_request");
  ASSERT_EQ(runner_.runs.size(), 1u);
  const shard::Job& job = runner_.runs[0].job;
  EXPECT_EQ(job.kind, shard::JobKind::kPushRooms);
  EXPECT_EQ(job.names, std::vector<std::string>({"live://1000"}));
  EXPECT_EQ(job.op, 1000);
  EXPECT_EQ(job.body, "hi");
  shard::JobResult result;
  result.taken = 3;
  result.sequence = {42};
  service_->OnJobDone(kPusher, runner_.runs[0].ticket, result);
  EXPECT_EQ(runner_.sent, blocks_.at("push_rooms_reply"));
}

TEST_F(ReadmeTest, PushToKeys) {
  Send("push_keys_request");
  ASSERT_EQ(runner_.runs.size(), 1u);
  EXPECT_EQ(runner_.runs[0].job.names, std::vector<std::string>({"ann", "bob"}));
  shard::JobResult result;
  result.taken = 1;
  result.refused = {{1, shard::Refusal::kOffline}};
  service_->OnJobDone(kPusher, runner_.runs[0].ticket, result);
  EXPECT_EQ(runner_.sent, blocks_.at("push_keys_reply"));
}

TEST_F(ReadmeTest, RefusedKick) {
  Send("kick_mids_request");
  EXPECT_EQ(runner_.sent, blocks_.at("kick_mids_reply"));
}

TEST_F(ReadmeSecretTest, Hello) {
  Send("hello_request");
  EXPECT_EQ(runner_.sent, blocks_.at("hello_reply"));
  EXPECT_TRUE(service_->Authorized(kPusher));
}

TEST_F(ReadmeTest, GoimFrames) {
  char prefix[wire::kPushPrefixBytesMax];
  size_t bytes = wire::WritePushPrefix(wire::Encoding::kGoimTcp, 1000, 2, false, prefix);
  EXPECT_EQ(std::string(prefix, bytes) + "hi", blocks_.at("goim_tcp_push"));
  bytes = wire::WritePushPrefix(wire::Encoding::kGoimWebSocket, 1000, 2, false, prefix);
  EXPECT_EQ(std::string(prefix, bytes) + "hi", blocks_.at("goim_ws_push"));

  std::string reply;
  wire::AppendReply(wire::Encoding::kGoimTcp, {.op = 8, .seq = 7, .ver = 1, .body = ""}, &reply);
  EXPECT_EQ(reply, blocks_.at("goim_auth_reply"));
  reply.clear();
  wire::AppendReply(wire::Encoding::kGoimTcp,
                    {.op = 3, .seq = 7, .ver = 1, .body = std::string_view("\0\0\1\2", 4)}, &reply);
  EXPECT_EQ(reply, blocks_.at("goim_heartbeat_reply"));

  std::string batch, frames;
  for (const char* body : {"hi", "7"}) {
    wire::AppendReply(wire::Encoding::kGoimTcp, {.op = 1000, .seq = 0, .ver = 1, .body = body},
                      &batch);
  }
  wire::AppendGoimV1Frames(batch, &frames);
  bytes = wire::WriteGoimV1Prefix(wire::Encoding::kGoimV1WebSocket, frames.size(), true, prefix);
  EXPECT_EQ(std::string(prefix, bytes) + frames, blocks_.at("goim_v1_ws_batch"));
}

TEST_F(ReadmeTest, EveryBlockIsChecked) {
  std::set<std::string> names;
  for (const auto& [name, bytes] : blocks_) names.insert(name);
  EXPECT_EQ(names,
            std::set<std::string>({"push_rooms_request", "push_rooms_reply", "push_keys_request",
                                   "push_keys_reply", "kick_mids_request", "kick_mids_reply",
                                   "hello_request", "hello_reply", "goim_tcp_push", "goim_ws_push",
                                   "goim_auth_reply", "goim_heartbeat_reply",
                                   "goim_v1_ws_batch"}));
}

TEST_F(ReadmeTest, LimitsAreThoseOfTheCode) {
  std::ifstream file(HALLEY_PROTO_README);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str().find("| `rooms.limit` | " + std::to_string(kRoomsMax) + "; 0 stands for " +
                            std::to_string(kRoomsDefault) + " |"),
            std::string::npos);
}

}  // namespace
}  // namespace halley::push
