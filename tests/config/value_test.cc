#include "config/value.h"

#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace halley::config {
namespace {

const OptionSpec& Spec(const char* section, const char* name) {
  const OptionSpec* spec = FindKey(section, name);
  EXPECT_NE(spec, nullptr);
  return *spec;
}

std::string Message(const OptionSpec& spec, const std::string& text) {
  Options options;
  return std::string(SetFromText(spec, text, &options).message());
}

// Every range of the table, at both ends and one beyond, as a number and as a text.
TEST(Value, RangesAreExact) {
  for (const OptionSpec& spec : OptionTable()) {
    if (spec.number == nullptr) continue;
    SCOPED_TRACE(spec.Key());
    Options options;
    for (const int64_t good : {int64_t{spec.min}, int64_t{spec.max}}) {
      EXPECT_TRUE(SetFromNumber(spec, good, &options).ok()) << good;
      EXPECT_EQ(spec.number(options), good);
      spec.number(options) = 0;
      EXPECT_TRUE(SetFromText(spec, absl::StrCat(good), &options).ok()) << good;
      EXPECT_EQ(spec.number(options), good);
    }
    spec.number(options) = 4711;
    for (const int64_t bad : {int64_t{spec.min} - 1, int64_t{spec.max} + 1,
                              std::numeric_limits<int64_t>::min(),
                              std::numeric_limits<int64_t>::max(), int64_t{1} << 32}) {
      const absl::Status status = SetFromNumber(spec, bad, &options);
      EXPECT_TRUE(absl::IsOutOfRange(status)) << bad;
      EXPECT_EQ(status.message(),
                absl::StrCat(bad, " is out of range: set ", RenderRange(spec)));
      EXPECT_FALSE(SetFromText(spec, absl::StrCat(bad), &options).ok()) << bad;
    }
    EXPECT_EQ(spec.number(options), 4711u);  // a refused value changes nothing
  }
}

TEST(Value, NetworksAreReadWhenTheyAreSet) {
  const OptionSpec& spec = Spec("listen", "proxies");
  Options options;
  EXPECT_TRUE(SetFromText(spec, "10.0.0.0/8, ::1", &options).ok());
  EXPECT_EQ(options.listen.proxies, "10.0.0.0/8, ::1");
  EXPECT_EQ(Message(spec, "10.0.0.1/8"),
            "'10.0.0.1/8' has bits beyond its length: write the network's first address");
  EXPECT_EQ(RenderRange(spec), "at most 64 networks");
}

TEST(Value, TextsHaveALength) {
  for (const OptionSpec& spec : OptionTable()) {
    if (spec.kind != Kind::kSecret && spec.kind != Kind::kFile) continue;
    SCOPED_TRACE(spec.Key());
    Options options;
    const std::string longest(spec.max, 'x');
    EXPECT_TRUE(SetFromText(spec, longest, &options).ok());
    EXPECT_EQ(spec.text(options), longest);
    EXPECT_TRUE(absl::IsOutOfRange(SetFromText(spec, longest + "x", &options)));
    EXPECT_EQ(spec.text(options), longest);
  }
  const std::string many_spaces = "127.0.0.1:1," + std::string(4096 - 23, ' ') + "127.0.0.1:2";
  EXPECT_EQ(Message(Spec("listen", "tcp"), many_spaces), "");
  EXPECT_EQ(Message(Spec("listen", "tcp"), many_spaces + " "),
            "4097 bytes are too long: keep it within 4096 bytes");
}

TEST(Value, ReadsSizes) {
  const OptionSpec& spec = Spec("room", "log_bytes");
  Options options;
  const std::pair<const char*, uint32_t> good[] = {{"65536", 65536},
                                                   {"65536B", 65536},
                                                   {"64KiB", 65536},
                                                   {"3MiB", 3u << 20},
                                                   {"1GiB", 1u << 30}};
  for (const auto& [text, bytes] : good) {
    EXPECT_TRUE(SetFromText(spec, text, &options).ok()) << text;
    EXPECT_EQ(options.room.log_bytes, bytes) << text;
  }
  for (const char* text : {"", "KiB", "64 KiB", "64K", "64kib", "64KB", "-64KiB", "+64KiB",
                           "6.4KiB", " 64KiB", "64KiB ", "0x10KiB", "64KiBKiB", "1e6", "64BKiB"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(SetFromText(spec, text, &options))) << text;
  }
  for (const char* text : {"0", "2GiB", "9007199254740993GiB", "9223372036854775807KiB",
                           "18446744073709551616", "99999999999999999999999999"}) {
    EXPECT_TRUE(absl::IsOutOfRange(SetFromText(spec, text, &options))) << text;
  }
}

TEST(Value, ReadsDurationsInTheOptionsUnit) {
  const OptionSpec& ms = Spec("client", "idle_timeout_ms");
  const OptionSpec& s = Spec("listen", "keepalive_s");
  Options options;
  const std::pair<const char*, uint32_t> good_ms[] = {
      {"5000", 5000},    {"5s", 5000},   {"500ms", 500},
      {"1m30s", 90'000}, {"1.5s", 1500}, {"1h", 3'600'000}};
  for (const auto& [text, value] : good_ms) {
    EXPECT_TRUE(SetFromText(ms, text, &options).ok()) << text;
    EXPECT_EQ(options.client.idle_timeout_ms, value) << text;
  }
  EXPECT_TRUE(SetFromText(s, "2m", &options).ok());
  EXPECT_EQ(options.listen.keepalive_s, 120u);
  EXPECT_TRUE(SetFromText(s, "7", &options).ok());
  EXPECT_EQ(options.listen.keepalive_s, 7u);
  for (const char* text : {"", "s", "5x", "5 s", "10.5ms", "1us", "five"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(SetFromText(ms, text, &options))) << text;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(SetFromText(s, "1500ms", &options)));
  for (const char* text : {"-5s", "inf", "-inf", "0", "25h", "99999999999h"}) {
    EXPECT_TRUE(absl::IsOutOfRange(SetFromText(ms, text, &options))) << text;
  }
}

TEST(Value, CountsHaveNoUnits) {
  const OptionSpec& spec = Spec("listen", "backlog");
  for (const char* text : {"", "4KiB", "5s", "1.0", " 5", "5 ", "+5", "-5", "five"}) {
    EXPECT_EQ(Message(spec, text),
              absl::StrCat("'", text, "' does not fit: write a whole number"));
  }
}

TEST(Value, ReadsEveryChoiceAndNoOther) {
  for (const OptionSpec& spec : OptionTable()) {
    if (spec.kind != Kind::kChoice) continue;
    Options options;
    for (const absl::string_view choice : spec.choices) {
      EXPECT_TRUE(SetFromText(spec, choice, &options).ok());
      EXPECT_EQ(RenderValue(spec, options), choice);
    }
    EXPECT_FALSE(SetFromText(spec, "", &options).ok());
  }
  EXPECT_EQ(Message(Spec("room", "overflow"), "Skip"),
            "'Skip' does not fit: write one of skip, latest, close");
}

// The words stand for the enumerators they are named after.
TEST(Value, ChoicesMeanWhatTheySay) {
  Options options;
  const OptionSpec& duplicate = Spec("client", "duplicate_key");
  ASSERT_TRUE(SetFromText(duplicate, "refuse", &options).ok());
  EXPECT_EQ(options.client.duplicate_key, DuplicateKey::kRefuse);
  ASSERT_TRUE(SetFromText(duplicate, "allow", &options).ok());
  EXPECT_EQ(options.client.duplicate_key, DuplicateKey::kAllow);
  ASSERT_TRUE(SetFromText(duplicate, "replace", &options).ok());
  EXPECT_EQ(options.client.duplicate_key, DuplicateKey::kReplace);
  const OptionSpec& overflow = Spec("room", "overflow");
  ASSERT_TRUE(SetFromText(overflow, "latest", &options).ok());
  EXPECT_EQ(options.room.overflow, RoomOverflow::kLatest);
  ASSERT_TRUE(SetFromText(overflow, "close", &options).ok());
  EXPECT_EQ(options.room.overflow, RoomOverflow::kClose);
  ASSERT_TRUE(SetFromText(overflow, "skip", &options).ok());
  EXPECT_EQ(options.room.overflow, RoomOverflow::kSkip);
}

TEST(Value, NumbersDoNotFitTexts) {
  Options options;
  EXPECT_EQ(SetFromNumber(Spec("listen", "tcp"), 3101, &options).message(),
            "the number 3101 does not fit: write a string of addresses like \"127.0.0.1:3101, "
            "[::1]:3101\"");
  EXPECT_FALSE(SetFromNumber(Spec("room", "overflow"), 1, &options).ok());
}

TEST(Value, ASecretIsNeverRepeated) {
  const OptionSpec& spec = Spec("push", "secret");
  Options options;
  EXPECT_FALSE(absl::StrContains(SetFromNumber(spec, 4711, &options).message(), "4711"));
  EXPECT_FALSE(absl::StrContains(Message(spec, std::string(2000, 'h')), "hh"));
}

TEST(Value, ShowsStrangeTextOnOneLine) {
  EXPECT_EQ(Message(Spec("listen", "backlog"), "1\n2\x01"),
            "'1\\n2\\x01' does not fit: write a whole number");
  const std::string message = Message(Spec("listen", "backlog"), std::string(100'000, 'z'));
  EXPECT_LT(message.size(), 400u);
}

TEST(Value, RendersRoundNumbers) {
  Options options;
  options.room.log_bytes = 1536;
  options.client.idle_timeout_ms = 90'000;
  options.listen.keepalive_s = 0;
  EXPECT_EQ(RenderValue(Spec("room", "log_bytes"), options), "1536");
  EXPECT_EQ(RenderValue(Spec("client", "idle_timeout_ms"), options), "1m30s");
  EXPECT_EQ(RenderValue(Spec("listen", "keepalive_s"), options), "0");
  EXPECT_EQ(RenderRange(Spec("listen", "send_buffer_bytes")), "4KiB to 64MiB");
}

}  // namespace
}  // namespace halley::config
