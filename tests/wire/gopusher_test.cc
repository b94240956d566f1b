// The vectors are OpenSSL's: printf %s "$id$time$node$key" | openssl dgst -sha256 -hmac "$secret"
// -binary | openssl base64
#include "wire/gopusher.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "wire/goim_frame.h"
#include "wire/vectors.h"

namespace halley::wire {
namespace {

using testing::ParseVector;

GopusherApp App() {
  GopusherApp app;
  app.key = "app-key";
  app.secret = "correct horse";
  app.node = "node-1";
  app.unsigned_logins = false;
  return app;
}
constexpr char kTime[] = "1700000000";
// Of id 5 at that time; it has a '/' and more than one '+'.
constexpr char kToken[] = "2FrfQ+Tf2i+aXGR/Jug8M5/rX3ghgysGYtmAp2TMYJ8=";

std::string Login(std::string_view query, const GopusherApp& app = App()) {
  GopusherLogin login;
  if (!ReadGopusherLogin(query, app, &login)) return "401";
  return login.token + (login.signed_at_s ? " at " + std::to_string(*login.signed_at_s) : "");
}
std::string Query(std::string_view id, std::string_view time, std::string_view token) {
  return "client_id=" + std::string(id) + "&time=" + std::string(time) +
         "&token=" + std::string(token);
}
// What id 5 is let in with.
std::string Fifth() {
  return "{\"key\":\"5\",\"mid\":0,\"token\":\"" + std::string(kToken) + "\"} at 1700000000";
}

TEST(GopusherToken, IsWhatOpensslSays) {
  EXPECT_EQ(GopusherToken(App(), "7", kTime), "tFUPARre7yX7TUs0vOpRwYmAfq+2j7qsA0/WCiV5fvc=");
  EXPECT_EQ(GopusherToken(App(), "na\xC3\xAFve id", kTime),
            "kfQjO5wXAT0tocQrIZtqXYLQP1cCxLS9ffl2l8Rq7W0=");
  EXPECT_EQ(GopusherToken(App(), "5", kTime), kToken);
}

TEST(GopusherLogin, ASignedOneIsToldWithItsTime) {
  EXPECT_EQ(Login(Query("5", kTime, kToken)), Fifth());
  EXPECT_EQ(Login("x=1&token=" + std::string(kToken) + "&time=1700000000&y&client_id=5"), Fifth());
  EXPECT_EQ(Login(Query("na%C3%AFve+id", kTime, "kfQjO5wXAT0tocQrIZtqXYLQP1cCxLS9ffl2l8Rq7W0=")),
            "{\"key\":\"na\xC3\xAFve id\",\"mid\":0,\"token\":"
            "\"kfQjO5wXAT0tocQrIZtqXYLQP1cCxLS9ffl2l8Rq7W0=\"} at 1700000000");
}

TEST(GopusherLogin, APlusMayHaveBecomeASpace) {
  std::string escaped, spaces;
  for (const char c : std::string_view(kToken)) {
    escaped += c == '+' ? "%2B" : c == '/' ? "%2F" : c == '=' ? "%3D" : std::string(1, c);
    spaces += c == '+' ? "%20" : std::string(1, c);
  }
  EXPECT_EQ(Login(Query("5", kTime, escaped)), Fifth());
  EXPECT_EQ(Login(Query("5", kTime, spaces)), Fifth());
}

TEST(GopusherLogin, EveryBitOfTheTokenCounts) {
  for (size_t bit = 0; bit < 8 * std::string_view(kToken).size(); ++bit) {
    std::string token = kToken;
    token[bit / 8] = static_cast<char>(token[bit / 8] ^ (1 << bit % 8));
    std::string escaped;
    for (const char c : token) {
      constexpr char kHex[] = "0123456789ABCDEF";
      escaped += {'%', kHex[static_cast<uint8_t>(c) >> 4], kHex[c & 15]};
    }
    EXPECT_EQ(Login(Query("5", kTime, escaped)), "401") << bit;
  }
  for (size_t bytes = 0; bytes < std::string_view(kToken).size(); ++bytes) {
    EXPECT_EQ(Login(Query("5", kTime, std::string_view(kToken, bytes))), "401") << bytes;
  }
  EXPECT_EQ(Login(Query("5", kTime, std::string(kToken) + "=")), "401");
}

TEST(GopusherLogin, WhatIsSignedMustBeWhatIsSaid) {
  EXPECT_EQ(Login(Query("6", kTime, kToken)), "401");
  EXPECT_EQ(Login(Query("5", "1700000001", kToken)), "401");
  GopusherApp app = App();
  app.secret = "correct horsf";
  EXPECT_EQ(Login(Query("5", kTime, kToken), app), "401");
  app = App();
  app.node = "node-2";
  EXPECT_EQ(Login(Query("5", kTime, kToken), app), "401");
  app = App();
  app.key.clear();
  EXPECT_EQ(Login(Query("5", kTime, kToken), app), "401");
}

TEST(GopusherLogin, WithoutASecretNobodyCanSign) {
  GopusherApp app = App();
  app.secret.clear();
  EXPECT_EQ(Login(Query("5", kTime, GopusherToken(app, "5", kTime)), app), "401");
  app.unsigned_logins = true;
  EXPECT_EQ(Login(Query("5", kTime, GopusherToken(app, "5", kTime)), app), "401");
}

// Id and time are signed without anything between them: "user0" must not pass for "user".
TEST(GopusherLogin, ATimeIsWrittenInOneWay) {
  const std::string token = "hIJjn62cgnUf8SfEouZWAxzjxApcZAcqNXXXH69tdd4=";
  EXPECT_EQ(GopusherToken(App(), "user0", kTime), token);
  EXPECT_EQ(Login(Query("user0", kTime, token)),
            "{\"key\":\"user0\",\"mid\":0,\"token\":\"" + token + "\"} at 1700000000");
  EXPECT_EQ(Login(Query("user", "01700000000", token)), "401");
  for (const std::string time : {"0", "+1700000000", "-1", " 1700000000", "1700000000 ", "1.7e9",
                                 "1700000000.0", "0x65", "18446744073709551616"}) {
    std::string escaped;
    for (const char c : time) escaped += c == '+' ? "%2B" : c == ' ' ? "%20" : std::string(1, c);
    EXPECT_EQ(Login(Query("5", escaped, GopusherToken(App(), "5", time))), "401") << time;
  }
  const std::string last = "18446744073709551615";
  const std::string signed_last = GopusherToken(App(), "5", last);
  std::string escaped;
  for (const char c : signed_last) escaped += c == '+' ? "%2B" : std::string(1, c);
  EXPECT_NE(Login(Query("5", last, escaped)), "401");
}

TEST(GopusherLogin, NothingMayBeMissing) {
  const std::string good = Query("5", kTime, kToken);
  for (const char* name : {"client_id", "time", "token"}) {
    std::string query = good;
    EXPECT_EQ(Login(query.insert(query.find(name), "x")), "401") << name;
    query = good;
    const size_t value = query.find(name) + std::string_view(name).size();
    EXPECT_EQ(Login(query.insert(value, "=&x")), "401") << name << " empty";
    query = good;
    EXPECT_EQ(Login(query.insert(value + 1, "%")), "401") << name << " that cannot be decoded";
  }
  EXPECT_EQ(Login(""), "401");
  EXPECT_EQ(Login(Query("%FF", kTime, GopusherToken(App(), "\xFF", kTime))), "401") << "not UTF-8";
}

TEST(GopusherLogin, ParametersMayHaveOtherNames) {
  GopusherApp app = App();
  app.id_name = "c";
  app.time_name = "t";
  app.token_name = "sign";
  app.unsigned_logins = true;
  EXPECT_EQ(Login("c=5&t=1700000000&sign=" + std::string(kToken), app), Fifth());
  EXPECT_EQ(Login("c=5&t=1700000000", app), "401") << "a signed one has precedence";
  EXPECT_EQ(Login(Query("5", kTime, kToken), app), "401");
}

TEST(GopusherLogin, AnUnsignedOneIsTheBackendsToJudge) {
  GopusherApp app = App();
  EXPECT_EQ(Login("c=5&t=x", app), "401");
  app.unsigned_logins = true;
  EXPECT_EQ(Login("c=5&t=x+y%22", app), "{\"key\":\"5\",\"mid\":0,\"token\":\"x y\\\"\"}");
  for (const char* query : {"c=5", "t=x", "c=&t=x", "c=5&t=", "c=%&t=x", "c=5&t=%f", "c=%FF&t=x",
                            "c=5&t=%FF", "C=5&T=x", "c=5&t=x&client_id=5"}) {
    EXPECT_EQ(Login(query, app), "401") << query;
  }
}

TEST(GopusherTime, TheWindowIsExact) {
  for (const uint64_t now : {uint64_t{1'700'000'000}, uint64_t{5}, UINT64_MAX - 5}) {
    EXPECT_TRUE(IsGopusherTimely(now, now, 5));
    EXPECT_TRUE(IsGopusherTimely(now - 5, now, 5));
    EXPECT_TRUE(IsGopusherTimely(now + 5, now, 5));
    EXPECT_TRUE(IsGopusherTimely(now, now, 0));
    EXPECT_FALSE(IsGopusherTimely(now + 1, now, 0));
  }
  EXPECT_FALSE(IsGopusherTimely(1'699'999'994, 1'700'000'000, 5));
  EXPECT_FALSE(IsGopusherTimely(1'700'000'006, 1'700'000'000, 5));
  EXPECT_FALSE(IsGopusherTimely(0, UINT64_MAX, UINT32_MAX));
  EXPECT_FALSE(IsGopusherTimely(UINT64_MAX, 0, UINT32_MAX));
}

TEST(GopusherMessages, AreTextWhereTheyAreUtf8) {
  EXPECT_EQ(GopusherOpcode(""), WsOpcode::kText);
  EXPECT_EQ(GopusherOpcode("na\xC3\xAFve"), WsOpcode::kText);
  EXPECT_EQ(GopusherOpcode("\xC3"), WsOpcode::kBinary);
  EXPECT_EQ(GopusherOpcode(std::string_view("\0", 1)), WsOpcode::kText);
}

TEST(GopusherMessages, ABatchIsAMessageEach) {
  std::string batch;
  for (const std::string& body : {std::string("one"), std::string(), std::string("\xFF")}) {
    char header[kGoimHeaderBytes];
    WriteGoimHeader(header, 1, 1000, 0, body.size());
    batch.append(header, sizeof header).append(body);
  }
  std::string out = "before ";
  AppendGopusherBatch(batch, &out);
  EXPECT_EQ(out, "before " + ParseVector("81 03 \"one\" | 81 00 | 82 01 ff"));
}

}  // namespace
}  // namespace halley::wire
