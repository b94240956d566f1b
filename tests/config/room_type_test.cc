#include "config/room_type.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "config/load.h"
#include "config/temp_file.h"
#include "gtest/gtest.h"

namespace halley::config {
namespace {

absl::StatusOr<Invocation> LoadFile(const std::string& content,
                                    const std::vector<std::string>& flags = {}) {
  const TempFile file(content);
  std::vector<const char*> argv = {"halley", "--config", file.path().c_str()};
  for (const std::string& flag : flags) argv.push_back(flag.c_str());
  return Load(static_cast<int>(argv.size()), argv.data());
}

TEST(RoomType, InheritsWhatItDoesNotSet) {
  // What [room] is in the end counts, wherever it is set.
  const auto invocation = LoadFile(
      "[room.live]\nlinger_ms = 100\n[room]\nlog_age_ms = 7000\n[room.chat]\nlog_age_ms = 1000\n",
      {"--room.overflow=latest"});
  ASSERT_TRUE(invocation.ok()) << invocation.status();
  const Options& options = invocation->options;
  EXPECT_EQ(options.room.linger_ms, 0u);
  ASSERT_EQ(options.room_types.size(), 2u);
  const RoomType& live = options.room_types[0];
  EXPECT_EQ(live.name, "live");
  EXPECT_EQ(live.options.linger_ms, 100u);
  EXPECT_EQ(live.options.log_age_ms, 7000u);
  EXPECT_EQ(live.options.overflow, RoomOverflow::kLatest);
  const RoomType& chat = options.room_types[1];
  EXPECT_EQ(chat.name, "chat");
  EXPECT_EQ(chat.options.linger_ms, 0u);
  EXPECT_EQ(chat.options.log_age_ms, 1000u);
}

TEST(RoomType, FlagsWinOverTheFileAndMayNameATypeOfTheirOwn) {
  const auto invocation =
      LoadFile("[room.live]\nlinger_ms = 100\n",
               {"--room.live.linger_ms=5", "--room.a-b_9.log_messages", "16"});
  ASSERT_TRUE(invocation.ok()) << invocation.status();
  const auto& types = invocation->options.room_types;
  ASSERT_EQ(types.size(), 2u);
  EXPECT_EQ(types[0].options.linger_ms, 5u);
  EXPECT_EQ(types[1].name, "a-b_9");
  EXPECT_EQ(types[1].options.log_messages, 16u);
}

TEST(RoomType, AnEmptySectionIsATypeToo) {
  const auto invocation = LoadFile("[room.live]\n");
  ASSERT_TRUE(invocation.ok()) << invocation.status();
  EXPECT_EQ(invocation->options.room_types.size(), 1u);
}

TEST(RoomType, WhatIsWrongIsToldWithItsPlace) {
  const auto message = [](const std::string& content) {
    const std::string text(LoadFile(content).status().message());
    return text.substr(text.find(':') + 1);
  };
  EXPECT_TRUE(absl::StartsWith(message("[room.live]\nlinger = 1\n"),
                               "2:1: there is no option 'room.live.linger'"));
  EXPECT_TRUE(absl::StartsWith(message("[room.live]\nlinger_ms = 10001\n"),
                               "2:13: room.live.linger_ms: "));
  EXPECT_TRUE(absl::StartsWith(message("[room.'a b']\n"),
                               "1:7: 'a b' is no name of a room type"));
  EXPECT_TRUE(absl::StartsWith(message("[room.live]\nlog_bytes = 4096\n"),
                               "2:1: room.live.log_bytes (4096) is less than twice"));
  EXPECT_TRUE(absl::StartsWith(message("[room.live.deeper]\nx = 1\n"),
                               "1:12: there is no option 'room.live.deeper'"));
}

TEST(RoomType, ThereIsALimit) {
  std::string content;
  for (size_t i = 0; i < kRoomTypesMax; ++i) absl::StrAppend(&content, "[room.t", i, "]\n");
  EXPECT_TRUE(LoadFile(content).ok());
  content += "[room.more]\n";
  EXPECT_FALSE(LoadFile(content).ok());
}

TEST(RoomType, NamesHaveLimits) {
  EXPECT_TRUE(IsRoomTypeName("a"));
  EXPECT_TRUE(IsRoomTypeName(std::string(32, 'x')));
  EXPECT_FALSE(IsRoomTypeName(std::string(33, 'x')));
  for (const char* name : {"", "a.b", "a b", "a/b", "\xc3\xa9"}) EXPECT_FALSE(IsRoomTypeName(name));
  EXPECT_EQ(RoomTypeOf("room.live"), "live");
  EXPECT_EQ(RoomTypeOf("room"), std::nullopt);
  EXPECT_EQ(RoomTypeOf("rooms.live"), std::nullopt);
}

}  // namespace
}  // namespace halley::config
