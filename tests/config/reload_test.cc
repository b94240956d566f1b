#include "config/reload.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "config/table.h"

namespace halley::config {
namespace {

using Keys = std::vector<std::string>;

class Reload : public testing::Test {
 protected:
  Changes Take() {
    const absl::StatusOr<Changes> changes = TakeOver(wanted_, loaded_, &running_);
    EXPECT_TRUE(changes.ok()) << changes.status();
    return changes.ok() ? *changes : Changes{};
  }
  void Name(const std::string& type, uint32_t linger_ms, Options* in) {
    in->room_types.push_back({type, in->room});
    in->room_types.back().options.linger_ms = linger_ms;
  }

  Options loaded_;
  Options wanted_;
  Options running_;
};

TEST_F(Reload, NothingChangedChangesNothing) {
  running_.shard.shards = 2;  // worked out
  const Changes changes = Take();
  EXPECT_EQ(changes.made, Keys());
  EXPECT_EQ(changes.need_restart, Keys());
  EXPECT_EQ(running_.shard.shards, 2u);
}

TEST_F(Reload, TakesOverWhatMayChangeAndNamesTheRest) {
  wanted_.client.idle_timeout_ms = 1234;
  wanted_.client.duplicate_key = DuplicateKey::kRefuse;
  wanted_.gateway.log_level = "debug";
  wanted_.push.secret = "new";
  wanted_.access_log.file = "/var/log/halley/access.log";
  wanted_.listen.tcp = "127.0.0.1:1";
  wanted_.shard.shards = 5;
  const Changes changes = Take();
  EXPECT_EQ(changes.made, (Keys{"client.idle_timeout_ms", "client.duplicate_key", "push.secret",
                                "gateway.log_level", "access_log.file"}));
  EXPECT_EQ(changes.need_restart, (Keys{"listen.tcp", "shard.shards"}));
  EXPECT_EQ(running_.client.idle_timeout_ms, 1234u);
  EXPECT_EQ(running_.client.duplicate_key, DuplicateKey::kRefuse);
  EXPECT_EQ(running_.gateway.log_level, "debug");
  EXPECT_EQ(running_.push.secret, "new");
  EXPECT_EQ(running_.access_log.file, "/var/log/halley/access.log");
  EXPECT_EQ(running_.listen.tcp, Options().listen.tcp);
  EXPECT_EQ(running_.shard.shards, Options().shard.shards);
}

// Each of them, so that none is taken over by halves.
TEST_F(Reload, EveryNumberGoesOneWayOrTheOther) {
  for (const OptionSpec& spec : OptionTable()) {
    if (spec.number == nullptr) continue;
    wanted_ = loaded_ = running_ = Options();
    if (spec.section == "limits") spec.number(loaded_) = spec.number(running_) = 3;
    spec.number(wanted_) = spec.number(loaded_) + 1;
    const Changes changes = Take();
    EXPECT_EQ(changes.made, MayChange(spec) ? Keys{spec.Key()} : Keys()) << spec.Key();
    EXPECT_EQ(changes.need_restart, MayChange(spec) ? Keys() : Keys{spec.Key()}) << spec.Key();
    EXPECT_EQ(spec.number(running_) == spec.number(wanted_), MayChange(spec)) << spec.Key();
  }
}

TEST_F(Reload, ALimitNeitherBeginsNorEnds) {
  running_.limits.rooms = loaded_.limits.rooms = 7;
  wanted_.limits.handshakes = 5;
  wanted_.limits.messages_burst = 9;
  const Changes changes = Take();
  EXPECT_EQ(changes.made, Keys{"limits.messages_burst"});
  EXPECT_EQ(changes.need_restart, (Keys{"limits.handshakes", "limits.rooms"}));
  EXPECT_EQ(running_.limits.rooms, 7u);
  // It waits for the restart still, and the limit that there is may change.
  loaded_ = wanted_;
  wanted_.limits.handshakes = 6;
  wanted_.limits.rooms = 8;
  EXPECT_EQ(Take().need_restart, Keys{"limits.handshakes"});
  EXPECT_EQ(running_.limits.rooms, 8u);
}

TEST_F(Reload, RoomTypesKeepTheirPlaces) {
  Name("a", 1, &loaded_);
  Name("b", 2, &loaded_);
  running_ = loaded_;
  Name("c", 3, &wanted_);
  Name("b", 20, &wanted_);
  wanted_.room.linger_ms = 7;
  for (RoomType& type : wanted_.room_types) type.options.log_messages = 99;
  EXPECT_EQ(Take().made, (Keys{"room.linger_ms", "room.a", "room.b", "room.c"}));
  ASSERT_EQ(running_.room_types.size(), 3u);
  EXPECT_EQ(running_.room_types[0].name, "a");
  EXPECT_EQ(running_.room_types[0].options.linger_ms, 7u) << "as [room] is, now that it is not named";
  EXPECT_EQ(running_.room_types[1].name, "b");
  EXPECT_EQ(running_.room_types[1].options.linger_ms, 20u);
  EXPECT_EQ(running_.room_types[2].name, "c");
  EXPECT_EQ(running_.room_types[2].options.log_messages, 99u);
  loaded_ = wanted_;
  EXPECT_EQ(Take().made, Keys()) << "the same again";
}

TEST_F(Reload, ThereIsAnEndToRoomTypes) {
  for (size_t i = 0; i < kRoomTypesEverMax; ++i) Name(absl::StrCat("t", i), 1, &running_);
  Name("t0", 2, &wanted_);
  EXPECT_EQ(Take().made.size(), kRoomTypesEverMax);
  Name("one more", 2, &wanted_);
  wanted_.client.idle_timeout_ms = 1234;
  const absl::StatusOr<Changes> changes = TakeOver(wanted_, loaded_, &running_);
  EXPECT_EQ(changes.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(running_.client.idle_timeout_ms, 1234u);
}

// What the list names exists.
TEST_F(Reload, SomeOptionsMayChange) {
  size_t may = 0;
  for (const OptionSpec& spec : OptionTable()) may += MayChange(spec) ? 1 : 0;
  EXPECT_EQ(may, 24u + 11u + 7u + 2u) << "a key that is in the list, but in no option, or the other way round";
}

}  // namespace
}  // namespace halley::config
