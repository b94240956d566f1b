#include "backend/embedded_backend.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "backend/last_reply.h"

namespace halley::backend {
namespace {

using testing::LastReply;

class EmbeddedBackendTest : public ::testing::Test {
 protected:
  ConnectReply Login(std::string_view token) {
    LastReply sink;
    backend_.Connect({.ticket = {3, 4}, .token = token}, sink);
    EXPECT_EQ(sink.count, 1) << "answered once, in the call";
    EXPECT_EQ(sink.ticket.slot, 3u);
    EXPECT_EQ(sink.ticket.generation, 4u);
    return sink.reply;
  }
  bool Accepted(std::string_view token) {
    return Login(token).verdict == ConnectVerdict::kAccepted;
  }

  config::ClientOptions limits_;
  EmbeddedBackend backend_{limits_};
};

// RFC 4122: x is a hex digit in lower case, y one of 8, 9, a and b.
bool IsUuid4(std::string_view text) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
  if (text.size() != kForm.size()) return false;
  for (size_t i = 0; i < kForm.size(); ++i) {
    const std::string_view allowed = kForm[i] == 'x'   ? "0123456789abcdef"
                                     : kForm[i] == 'y' ? "89ab"
                                                       : kForm.substr(i, 1);
    if (allowed.find(text[i]) == std::string_view::npos) return false;
  }
  return true;
}

TEST_F(EmbeddedBackendTest, TakesGoimsToken) {
  const ConnectReply reply = Login(
      R"({"mid":123,"key":"","room_id":"live://1000","platform":"web","accepts":[1000,1001]})");
  EXPECT_EQ(reply.verdict, ConnectVerdict::kAccepted);
  EXPECT_EQ(reply.mid, 123);
  EXPECT_TRUE(IsUuid4(reply.key)) << reply.key;
  EXPECT_EQ(reply.room, "live://1000");
  EXPECT_EQ(reply.accepts, std::vector<int32_t>({1000, 1001}));
  EXPECT_EQ(reply.idle_timeout_ms, 0u);
}

TEST_F(EmbeddedBackendTest, TakesTheTokensOfGoimsOwnClients) {
  // examples/javascript/client.js: no key at all.
  const ConnectReply js = Login(
      R"({"mid":123,"room_id":"live://1000","platform":"web","accepts":[1000,1001,1002]})");
  EXPECT_EQ(js.verdict, ConnectVerdict::kAccepted);
  EXPECT_TRUE(IsUuid4(js.key));
  // benchmarks/client/main.go, as Go's encoding/json writes it.
  const ConnectReply bench = Login(
      R"({"mid":7,"key":"","room_id":"test://1","platform":"ios","accepts":[1000,1001,1002]})");
  EXPECT_EQ(bench.verdict, ConnectVerdict::kAccepted);
  EXPECT_EQ(bench.room, "test://1");
}

TEST_F(EmbeddedBackendTest, DefaultsWhatIsAbsent) {
  const ConnectReply reply = Login("{}");
  EXPECT_EQ(reply.verdict, ConnectVerdict::kAccepted);
  EXPECT_EQ(reply.mid, 0);
  EXPECT_TRUE(IsUuid4(reply.key));
  EXPECT_EQ(reply.room, "");
  EXPECT_TRUE(reply.accepts.empty());
}

TEST_F(EmbeddedBackendTest, KeepsTheKeyThatIsGiven) {
  EXPECT_EQ(Login(R"({"key":"ann"})").key, "ann");
  EXPECT_EQ(Login(R"({"key":"\u00e9\"\\ "})").key, "\xc3\xa9\"\\ ");
}

TEST_F(EmbeddedBackendTest, TakesMidsAsNumbersOfAnySize) {
  EXPECT_EQ(Login(R"({"mid":9223372036854775807})").mid, INT64_MAX);
  EXPECT_EQ(Login(R"({"mid":-9223372036854775808})").mid, INT64_MIN);
  EXPECT_FALSE(Accepted(R"({"mid":9223372036854775808})"));
}

TEST_F(EmbeddedBackendTest, IgnoresWhatItDoesNotKnow) {
  EXPECT_EQ(Login(R"({"mid":5,"device":{"os":["a",{"b":null}]},"x":1e9})").mid, 5);
}

TEST_F(EmbeddedBackendTest, ReadsAsGosJsonWhereTheStandardIsSilent) {
  EXPECT_EQ(Login(R"({"mid":1,"mid":2})").mid, 2);
  EXPECT_EQ(Login(R"({"accepts":[1,2],"accepts":[3]})").accepts, std::vector<int32_t>({3}));
  const ConnectReply reply =
      Login(R"({"mid":null,"key":null,"room_id":null,"platform":null,"accepts":null})");
  EXPECT_EQ(reply.verdict, ConnectVerdict::kAccepted);
  EXPECT_EQ(reply.mid, 0);
  EXPECT_TRUE(reply.accepts.empty());
}

TEST_F(EmbeddedBackendTest, RefusesWhatIsNoToken) {
  for (const char* token :
       {"", " ", "null", "7.0", " 7", "+7", "7x", "9223372036854775808", "\"key\"", "[]", "{", "{}}", "{} {}", R"({"mid":1)", R"({"mid"})",
        R"({"mid":1.5})", R"({"mid":true})", R"({"mid":"1"})", R"({"accepts":[null]})", R"({"mid":"x"})", R"({"mid":[1]})", R"({"key":5})",
        R"({"key":{}})", R"({"key":["a"]})", R"({"room_id":1})", R"({"platform":7})",
        R"({"accepts":{}})", R"({"accepts":["x"]})", R"({"accepts":[1,2.5]})",
        R"({"accepts":[2147483648]})", "{\"key\":\"\xff\"}", R"({"key":"\ud800"})"}) {
    EXPECT_EQ(Login(token).verdict, ConnectVerdict::kRefused) << token;
  }
}

TEST_F(EmbeddedBackendTest, ANumberIsAUserInRoom1AsInGoimV1) {
  const ConnectReply reply = Login("123");
  EXPECT_EQ(reply.verdict, ConnectVerdict::kAccepted);
  EXPECT_EQ(reply.mid, 123);
  EXPECT_TRUE(IsUuid4(reply.key)) << reply.key;
  EXPECT_EQ(reply.room, "1");
  EXPECT_TRUE(reply.accepts.empty());
  EXPECT_EQ(Login("-9223372036854775808").mid, INT64_MIN);
  EXPECT_EQ(Login("007").mid, 7);
}

// Goal: the parser does not recurse into what a client nests. Method: deeper than a stack holds.
TEST_F(EmbeddedBackendTest, SurvivesDeepNesting) {
  constexpr size_t kDepth = 200'000;
  const std::string arrays(kDepth, '[');
  std::string objects;
  for (size_t i = 0; i < kDepth; ++i) objects += R"({"x":)";
  EXPECT_FALSE(Accepted(arrays));
  EXPECT_FALSE(Accepted(objects));
  EXPECT_FALSE(Accepted(R"({"accepts":)" + arrays));
  Login(R"({"x":)" + arrays + std::string(kDepth, ']') + "}");
  Login(R"({"accepts":)" + arrays + std::string(kDepth, ']') + "}");
  Login(objects + "1" + std::string(kDepth, '}'));
}

TEST_F(EmbeddedBackendTest, HoldsEveryLimitToTheByte) {
  const auto key = [](size_t bytes) { return R"({"key":")" + std::string(bytes, 'k') + R"("})"; };
  EXPECT_TRUE(Accepted(key(limits_.key_bytes)));
  EXPECT_FALSE(Accepted(key(limits_.key_bytes + 1)));
  const auto room = [](size_t bytes) {
    return R"({"room_id":")" + std::string(bytes, 'r') + R"("})";
  };
  EXPECT_TRUE(Accepted(room(limits_.room_id_bytes)));
  EXPECT_FALSE(Accepted(room(limits_.room_id_bytes + 1)));
  const auto accepts = [](size_t count) {
    std::string list;
    for (size_t i = 0; i < count; ++i) list += (i == 0 ? "" : ",") + std::to_string(i);
    return R"({"accepts":[)" + list + "]}";
  };
  EXPECT_EQ(Login(accepts(limits_.ops)).accepts.size(), limits_.ops);
  EXPECT_FALSE(Accepted(accepts(limits_.ops + 1)));
}

TEST_F(EmbeddedBackendTest, NeverRepeatsAKey) {
  std::set<std::string> keys;
  for (int i = 0; i < 2000; ++i) {
    const std::string key = Login("{}").key;
    ASSERT_TRUE(IsUuid4(key)) << key;
    ASSERT_TRUE(keys.insert(key).second) << key;
  }
  EmbeddedBackend other(limits_);
  LastReply sink;
  other.Connect({.token = "{}"}, sink);
  EXPECT_FALSE(keys.contains(sink.reply.key)) << "two backends draw from one source";
}

TEST_F(EmbeddedBackendTest, RepeatsItselfWhenItsEntropyDoes) {
  const auto keys = [this] {
    std::mt19937 random(17);
    EmbeddedBackend backend(limits_, [&random](absl::Span<char> out) {
      for (char& byte : out) byte = static_cast<char>(random());
    });
    std::vector<std::string> drawn;
    for (int i = 0; i < 300; ++i) {
      LastReply sink;
      backend.Connect({.token = "{}"}, sink);
      drawn.push_back(sink.reply.key);
    }
    return drawn;
  };
  EXPECT_EQ(keys(), keys());
}

// Goal: bytes that somebody mangled on purpose never crash the parser. Method: a good token with
// each byte replaced by others, and cut at each length.
TEST_F(EmbeddedBackendTest, SurvivesMangledTokens) {
  const std::string token = R"({"mid":12,"key":"k\n","room_id":"r","accepts":[1,-2]})";
  for (size_t cut = 0; cut < token.size(); ++cut) {
    EXPECT_FALSE(Accepted(token.substr(0, cut))) << cut;
  }
  std::mt19937 random(99);
  for (int round = 0; round < 3000; ++round) {
    std::string mangled = token;
    for (auto flips = 1 + random() % 3; flips > 0; --flips) {
      mangled[random() % mangled.size()] = static_cast<char>(random());
    }
    const ConnectReply reply = Login(mangled);
    EXPECT_EQ(reply.verdict == ConnectVerdict::kAccepted, !reply.key.empty());
  }
}

}  // namespace
}  // namespace halley::backend
