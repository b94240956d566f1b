#include "config/suggest.h"

#include <string>
#include <vector>

#include "config/table.h"
#include "gtest/gtest.h"

namespace halley::config {
namespace {

TEST(Suggest, FindsTheNearest) {
  const std::vector<std::string> keys = {"listen.tcp", "listen.ws", "room.log_bytes"};
  EXPECT_EQ(DidYouMean("listen.tpc", keys, "no"), "did you mean listen.tcp?");
  EXPECT_EQ(DidYouMean("room.log-byte", keys, "no"), "did you mean room.log_bytes?");
}

TEST(Suggest, FindsAKeyWithoutItsSection) {
  EXPECT_EQ(DidYouMean("idle_timeout_ms", AllKeys(), "no"),
            "did you mean client.idle_timeout_ms?");
  EXPECT_EQ(DidYouMean("--idle_timeout_ms", AllFlags(), "no"),
            "did you mean --client.idle_timeout_ms?");
}

TEST(Suggest, HoldsItsTongueWhenNothingIsNear) {
  EXPECT_EQ(DidYouMean("zzzzzzzz", AllKeys(), "no"), "no");
  EXPECT_EQ(DidYouMean("", AllKeys(), "no"), "no");
  EXPECT_EQ(DidYouMean(std::string(1000, 'a'), AllKeys(), "no"), "no");
}

TEST(Suggest, EveryKeyIsItsOwnNearest) {
  for (const std::string& key : AllKeys()) {
    EXPECT_EQ(DidYouMean(key, AllKeys(), "no"), "did you mean " + key + "?");
  }
}

}  // namespace
}  // namespace halley::config
