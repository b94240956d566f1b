#include "wire/http_answer.h"

#include <gtest/gtest.h>

#include <string>

#include "wire/vectors.h"

namespace halley::wire {
namespace {

using testing::LoadVector;

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";

TEST(HttpAnswer, AcceptsAsGoimDoesByteForByte) {
  std::string out = "before ";
  AppendUpgradeAccepted({.key = kKey}, &out);
  EXPECT_EQ(out, "before " + LoadVector("ws_upgrade_response"));
}

TEST(HttpAnswer, SaysWhatWasAgreedOnBehindIt) {
  std::string plain, agreed;
  AppendUpgradeAccepted({.key = kKey}, &plain);
  AppendUpgradeAccepted({.key = kKey, .subprotocol = "goim", .deflate = {.agreed = true}}, &agreed);
  plain.resize(plain.size() - 2);
  EXPECT_EQ(agreed, plain +
                        "Sec-WebSocket-Protocol: goim\r\n"
                        "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                        "client_no_context_takeover\r\n\r\n");
}

TEST(HttpAnswer, RefusesByteForByte) {
  std::string out;
  AppendUpgradeRefused(UpgradeRefusal::kOtherVersion, &out);
  EXPECT_EQ(out,
            "HTTP/1.1 426 Upgrade Required\r\n"
            "Content-Type: text/plain\r\n"
            "Content-Length: 57\r\n"
            "Upgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\n"
            "Connection: close\r\n"
            "\r\n"
            "This WebSocket version is not supported: use version 13.\n");
}

std::string StatusOf(UpgradeRefusal refusal) {
  std::string out;
  AppendUpgradeRefused(refusal, &out);
  EXPECT_TRUE(out.starts_with("HTTP/1.1 ")) << out;
  return out.substr(9, 3);
}

TEST(HttpAnswer, EveryRefusalHasItsStatus) {
  using enum UpgradeRefusal;
  for (const UpgradeRefusal refusal :
       {kBadByte, kBadRequestLine, kBadHeaderLine, kFoldedLine, kRepeatedHeader, kBadHost,
        kNoUpgrade, kNoConnectionUpgrade, kBadKey, kBadQuery, kNoVersion, kGopusherDuplicate}) {
    EXPECT_EQ(StatusOf(refusal), "400");
  }
  EXPECT_EQ(StatusOf(kGopusherUnauthorized), "401");
  EXPECT_EQ(StatusOf(kForeignOrigin), "403");
  EXPECT_EQ(StatusOf(kUnauthorized), "403");
  EXPECT_EQ(StatusOf(kNotFound), "404");
  EXPECT_EQ(StatusOf(kNotGet), "405");
  EXPECT_EQ(StatusOf(kNotGetOrHead), "405");
  EXPECT_EQ(StatusOf(kDuplicate), "409");
  EXPECT_EQ(StatusOf(kBody), "413");
  EXPECT_EQ(StatusOf(kOtherVersion), "426");
  EXPECT_EQ(StatusOf(kTooMany), "429");
  EXPECT_EQ(StatusOf(kHeaderTooLarge), "431");
  EXPECT_EQ(StatusOf(kTooManyHeaders), "431");
  EXPECT_EQ(StatusOf(kUnavailable), "503");
  EXPECT_EQ(StatusOf(kNotHttp11), "505");
}

// The rows of the table stand in the order of the enumeration.
TEST(HttpAnswer, TheSentenceIsTheRefusals) {
  const struct {
    UpgradeRefusal refusal;
    const char* word;
  } kRows[] = {{UpgradeRefusal::kBadKey, "Sec-WebSocket-Key"},
               {UpgradeRefusal::kBadQuery, "query"},
               {UpgradeRefusal::kNoVersion, "Sec-WebSocket-Version is missing"},
               {UpgradeRefusal::kGopusherDuplicate, "id is connected already"},
               {UpgradeRefusal::kGopusherUnauthorized, "token"}};
  for (const auto& row : kRows) {
    std::string out;
    AppendUpgradeRefused(row.refusal, &out);
    EXPECT_NE(out.find(row.word, out.find("\r\n\r\n")), std::string::npos) << out;
  }
}

TEST(HttpAnswer, AnAddressThatHasTooMuchIsToldSoAndTheNodeIsUnavailable) {
  for (const auto of : {RefusalOf, GopusherRefusalOf}) {
    EXPECT_EQ(of(CloseReason::kAddressFull), UpgradeRefusal::kTooMany);
    EXPECT_EQ(of(CloseReason::kAddressRate), UpgradeRefusal::kTooMany);
    EXPECT_EQ(of(CloseReason::kRateLimited), UpgradeRefusal::kTooMany);
    EXPECT_EQ(of(CloseReason::kConnectRate), UpgradeRefusal::kUnavailable);
    EXPECT_EQ(of(CloseReason::kHandshakesFull), UpgradeRefusal::kUnavailable);
    EXPECT_EQ(of(CloseReason::kRoomsFull), UpgradeRefusal::kUnavailable);
  }
  for (const UpgradeRefusal refusal : {UpgradeRefusal::kTooMany, UpgradeRefusal::kUnavailable}) {
    std::string out;
    AppendUpgradeRefused(refusal, &out);
    EXPECT_NE(out.find("\r\nRetry-After: 5\r\n"), std::string::npos) << out;
  }
}

TEST(HttpAnswer, EveryRefusalIsOneWholeResponseThatClosesWithOneSentence) {
  for (size_t i = 0; i < static_cast<size_t>(UpgradeRefusal::kCount_); ++i) {
    std::string out;
    AppendUpgradeRefused(static_cast<UpgradeRefusal>(i), &out);
    const size_t end = out.find("\r\n\r\n");
    ASSERT_NE(end, std::string::npos);
    const std::string head = out.substr(0, end + 2);
    const std::string body = out.substr(end + 4);
    EXPECT_NE(head.find("\r\nConnection: close\r\n"), std::string::npos) << out;
    EXPECT_NE(head.find("\r\nContent-Type: text/plain\r\n"), std::string::npos) << out;
    EXPECT_NE(head.find("\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"),
              std::string::npos)
        << out;
    EXPECT_TRUE(body.ends_with(".\n")) << body;
    EXPECT_NE(body.find(": "), std::string::npos) << "what is wrong: what to do. " << body;
  }
}

TEST(HttpAnswerDeathTest, AKeyThatWasNotParsedIsAProgrammersError) {
  std::string out;
  EXPECT_DEATH(AppendUpgradeAccepted({.key = "short"}, &out), "assertion failed");
}

}  // namespace
}  // namespace halley::wire
