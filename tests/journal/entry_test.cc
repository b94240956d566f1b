#include "journal/entry.h"

#include <gtest/gtest.h>

namespace halley::journal {
namespace {

TEST(Entry, TellsAllThatIsKnownOfAClient) {
  Ended ended;
  ended.shard = 3;
  ended.transport = "websocket";
  ended.dialect = "goim_websocket";
  ended.address = "10.0.0.1:5";
  ended.key = "ann\n\"";
  ended.mid = -7;
  ended.room = "live://1";
  ended.lasted_ns = 1'234'567'890;
  ended.reason = "kicked";
  ended.logged_in = true;
  ended.traffic = Traffic{100, 200, 3};
  EXPECT_EQ(AccessLine(ended, 1'764'432'900'123),
            "{\"time\":\"2025-11-29T16:15:00.123Z\",\"shard\":3,\"transport\":\"websocket\","
            "\"dialect\":\"goim_websocket\",\"address\":\"10.0.0.1:5\",\"logged_in\":true,"
            "\"key\":\"ann\\u000a\\\"\",\"mid\":-7,\"room\":\"live://1\",\"seconds\":1.234,\"reason\":\"kicked\","
            "\"bytes_sent\":100,\"bytes_received\":200,\"retransmits\":3}\n");
}

TEST(Entry, LeavesOutWhatNobodyKnows) {
  Ended ended;
  ended.transport = "tcp";
  ended.reason = "handshake_timeout";
  EXPECT_EQ(AccessLine(ended, 0),
            "{\"time\":\"1970-01-01T00:00:00.000Z\",\"shard\":0,\"transport\":\"tcp\",\"logged_in\":false,"
            "\"seconds\":0,\"reason\":\"handshake_timeout\"}\n");
}

// Clients name keys and rooms, and nothing makes them text.
TEST(Entry, AKeyThatIsNoTextIsStillOneLineOfJson) {
  Ended ended;
  ended.logged_in = true;
  ended.key = "\xff\n";
  const std::string line = AccessLine(ended, 0);
  EXPECT_NE(line.find("\"key_base64\":\"/wo=\""), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

}  // namespace
}  // namespace halley::journal
