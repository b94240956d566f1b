#include "remote/http_flavour.h"

#include <gtest/gtest.h>

#include "remote/http_transport.h"
#include "remote/signature.h"

namespace halley::remote {
namespace {

using backend::ConnectVerdict;

// Made with Python's hmac.
TEST(Signature, IsHmacOfTimeAndBody) {
  EXPECT_EQ(Sign("secret", 1'700'000'000, "{\"event\":\"ping\"}"),
            "t=1700000000,v1=4d39bd2442f073b6bc62e95d0297ce25475582a17389ab860abdc778fe1d9f77");
  EXPECT_EQ(Sign("", 0, ""),
            "t=0,v1=b849d5a581847b281957065739df36df2463d1977ea8d6e1e4e6cf33fadc68c3");
  EXPECT_EQ(Sign(std::string(100, 'k'), 4'102'444'800, "\xc3\xa4"),
            "t=4102444800,v1=c4241a235106d4ceafdb12ee29a1fea96920e863f46c52ee919b2cf5dc3b1e51");
}

TEST(HttpUrls, AreCheckedAndListed) {
  const auto urls = ParseHttpUrls("https://a.example/x, http://127.0.0.1:81/y,https://a.example/x");
  ASSERT_TRUE(urls.ok());
  EXPECT_EQ(*urls, (std::vector<std::string>{"https://a.example/x", "http://127.0.0.1:81/y"}));
  for (const char* const bad : {"ftp://a.example/", "a.example", "https://u:p@a.example/", "https://"}) {
    EXPECT_FALSE(ParseHttpUrls(bad).ok()) << bad;
  }
}

class FlavourTest : public testing::Test {
 protected:
  std::string Write(HttpFlavour& flavour, const std::vector<Call>& calls) {
    std::vector<const Call*> named;
    for (const Call& call : calls) named.push_back(&call);
    std::string body;
    Result result;
    return flavour.Write(named, &body, &result) ? body : "not asked";
  }
  Result Read(HttpFlavour& flavour, const Call& call, std::string_view body) {
    Result result;
    flavour.Read(call, body, &result);
    return result;
  }
};

class HalleyFlavourTest : public FlavourTest {
 protected:
  config::HttpBackendOptions options_;
  std::unique_ptr<HttpFlavour> flavour_ = NewHalleyFlavour(options_, "n1");
};

TEST_F(HalleyFlavourTest, WritesWhatIsDocumented) {
  const Call connect{.kind = CallKind::kConnect, .serial = 9, .token = "t\"1", .cookie = "a=b",
                     .address = "1.2.3.4:5"};
  EXPECT_EQ(Write(*flavour_, {connect}),
            R"({"event":"connect","node":"n1","serial":9,"token":"t\"1","address":"1.2.3.4:5","cookie":"a=b"})");
  const Call refresh{.kind = CallKind::kRefresh, .serial = 9, .mid = -3, .key = "k", .token = "\xff"};
  EXPECT_EQ(Write(*flavour_, {refresh}),
            R"({"event":"refresh","node":"n1","key":"k","mid":-3,"serial":9,"token_base64":"/w=="})");
  const Call message{.kind = CallKind::kReceive, .serial = 9, .mid = 3, .key = "k", .op = 1000, .seq = 4,
                     .body = "hello"};
  EXPECT_EQ(Write(*flavour_, {message}),
            R"({"event":"message","node":"n1","key":"k","mid":3,"serial":9,"op":1000,"seq":4,"body":"hello"})");
  const Call gone{.kind = CallKind::kDisconnect, .serial = 9, .mid = 3, .key = "k"};
  const Call other{.kind = CallKind::kDisconnect, .serial = 10, .mid = 4, .key = "l"};
  EXPECT_EQ(Write(*flavour_, {gone, other}),
            R"({"event":"disconnect","node":"n1","clients":[{"key":"k","mid":3,"serial":9},)"
            R"({"key":"l","mid":4,"serial":10}]})");
  EXPECT_EQ(flavour_->WriteProbe(), R"({"event":"ping","node":"n1"})");
}

TEST_F(HalleyFlavourTest, ReadsALogin) {
  const Call call{.kind = CallKind::kConnect};
  Result result = Read(*flavour_, call,
                       R"({"allow":true,"key":"k","mid":7,"room":"r","accepts":[1,2],)"
                       R"("idle_timeout_ms":5000,"expires_in_ms":60000,"more":{}})");
  EXPECT_EQ(result.outcome, Outcome::kAnswered);
  EXPECT_EQ(result.connect.verdict, ConnectVerdict::kAccepted);
  EXPECT_EQ(result.connect.key, "k");
  EXPECT_EQ(result.connect.mid, 7);
  EXPECT_EQ(result.connect.room, "r");
  EXPECT_EQ(result.connect.accepts, (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(result.connect.idle_timeout_ms, 5000u);
  EXPECT_EQ(result.connect.expires_in_ms, 60000u);
  result = Read(*flavour_, call, R"({"allow":true,"key":null,"room":null,"mid":null,"accepts":null})");
  EXPECT_EQ(result.connect.verdict, ConnectVerdict::kAccepted);
  EXPECT_EQ(result.connect.key.size(), 36u) << "a random one";
  result = Read(*flavour_, call, R"({"allow":false})");
  EXPECT_EQ(result.outcome, Outcome::kAnswered);
  EXPECT_EQ(result.connect.verdict, ConnectVerdict::kRefused);
  result = Read(*flavour_, {.kind = CallKind::kRefresh}, R"({"allow":true,"expires_in_ms":5})");
  EXPECT_EQ(result.refresh.verdict, ConnectVerdict::kAccepted);
  EXPECT_EQ(result.refresh.expires_in_ms, 5u);
}

TEST_F(HalleyFlavourTest, DoesNotGuess) {
  for (const char* const bad :
       {"", "[]", "{", R"({"allow":1})", R"({"key":"k"})", R"({"allow":true,"allow":false})",
        R"({"allow":true,"key":5})", R"({"allow":true,"mid":"7"})", R"({"allow":true,"room":[]})",
        R"({"allow":true,"accepts":[1,"2"]})", R"({"allow":true,"expires_in_ms":-1})",
        R"({"allow":true,"idle_timeout_ms":1.5})"}) {
    const Result result = Read(*flavour_, {.kind = CallKind::kConnect}, bad);
    EXPECT_EQ(result.outcome, Outcome::kBadAnswer) << bad;
    EXPECT_FALSE(result.why.empty());
  }
  EXPECT_EQ(Read(*flavour_, {.kind = CallKind::kDisconnect}, "whatever").outcome, Outcome::kAnswered);
}

TEST_F(HalleyFlavourTest, ReadsStatuses) {
  const struct {
    CallKind kind;
    long status;
    Outcome outcome;
  } kRows[] = {{CallKind::kConnect, 401, Outcome::kAnswered},  {CallKind::kRefresh, 403, Outcome::kAnswered},
               {CallKind::kDisconnect, 403, Outcome::kBadAnswer}, {CallKind::kConnect, 302, Outcome::kBadAnswer},
               {CallKind::kConnect, 404, Outcome::kBadAnswer}, {CallKind::kConnect, 500, Outcome::kFailed},
               {CallKind::kConnect, 408, Outcome::kFailed},    {CallKind::kDisconnect, 429, Outcome::kFailed},
               {CallKind::kDisconnect, 503, Outcome::kFailed}};
  for (const auto& row : kRows) {
    Result result;
    ReadStatus(row.kind, row.status, &result);
    EXPECT_EQ(result.outcome, row.outcome) << row.status;
    EXPECT_EQ(result.connect.verdict, ConnectVerdict::kRefused);
  }
}

class GopusherFlavourTest : public FlavourTest {
 protected:
  std::unique_ptr<HttpFlavour> flavour_ = NewGopusherFlavour("10.0.0.1:8080:15");
};

// As Gopusher 0.2.0 writes them: {"method":..,"args":[..]}.
TEST_F(GopusherFlavourTest, WritesGopushersBodies) {
  const Call check{.kind = CallKind::kConnect, .token = R"({"key":"c7","mid":0,"token":"secret"})"};
  EXPECT_EQ(Write(*flavour_, {check}),
            R"({"method":"CheckToken","args":["c7","secret","10.0.0.1:8080:15"]})");
  const Call online{.kind = CallKind::kOnline, .key = "c7"};
  EXPECT_EQ(Write(*flavour_, {online}), R"({"method":"Online","args":["c7","10.0.0.1:8080:15"]})");
  const Call offline{.kind = CallKind::kDisconnect, .key = "c7"};
  EXPECT_EQ(Write(*flavour_, {offline}), R"({"method":"Offline","args":["c7","10.0.0.1:8080:15"]})");
  EXPECT_EQ(flavour_->WriteProbe(), R"({"method":"JoinCluster","args":["10.0.0.1:8080:15"]})");
  flavour_->OnProbeAnswered();
  EXPECT_EQ(flavour_->WriteProbe(), "") << "once";
  EXPECT_EQ(flavour_->user_agent(), "Gopusher 1.0");
}

TEST_F(GopusherFlavourTest, ReadsItsBackendsAnswers) {
  const Call check{.kind = CallKind::kConnect, .token = R"({"key":"c7","token":"secret"})"};
  Result result = Read(*flavour_, check, R"({"code":0,"data":null,"error":""})");
  EXPECT_EQ(result.outcome, Outcome::kAnswered);
  EXPECT_EQ(result.connect.verdict, ConnectVerdict::kAccepted);
  EXPECT_EQ(result.connect.key, "c7");
  result = Read(*flavour_, check, R"({"code":1,"data":null,"error":"no"})");
  EXPECT_EQ(result.outcome, Outcome::kAnswered);
  EXPECT_EQ(result.connect.verdict, ConnectVerdict::kRefused);
  EXPECT_EQ(Read(*flavour_, check, "ok").outcome, Outcome::kBadAnswer);
  EXPECT_EQ(Read(*flavour_, {.kind = CallKind::kOnline}, R"({"code":1})").outcome, Outcome::kBadAnswer);
  EXPECT_EQ(Read(*flavour_, {.kind = CallKind::kOnline}, R"({"code":0})").outcome, Outcome::kAnswered);
}

TEST_F(GopusherFlavourTest, RefusesWhoHasNoIdWithoutAsking) {
  EXPECT_EQ(Write(*flavour_, {{.kind = CallKind::kConnect, .token = "abc"}}), "not asked");
  EXPECT_EQ(Write(*flavour_, {{.kind = CallKind::kConnect, .token = R"({"token":"t"})"}}), "not asked");
}

}  // namespace
}  // namespace halley::remote
