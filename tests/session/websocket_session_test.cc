#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "session/client_session.h"
#include "session/session_feed.h"
#include "wire/decoder_test.h"
#include "wire/permessage_deflate.h"
#include "wire/vectors.h"

namespace halley::session {
namespace {

using testing::ClientFrame;
using testing::Goim;
using testing::kUpgradeRequest;
using testing::LoggedIn;
using testing::LoggedInDeflating;
using testing::SessionDecoder;
using testing::Upgraded;
using testing::UpgradedJson;
using testing::UpgradedJsonDeflating;
using wire::Inbox;
using wire::testing::CheckDecoder;
using wire::testing::LoadVector;

const std::string kPing = ClientFrame(0x89, "abc");
const std::string kPong = "output > 8a03616263\n";

std::string Told(const SessionDecoder& decoder, const std::string& stream) {
  return CheckDecoder(decoder, stream);
}

TEST(WebSocketSession, TellsAWholeSessionFromItsFirstByte) {
  EXPECT_EQ(Told(SessionDecoder(Transport::kWebSocket),
                 LoadVector("ws_upgrade_request") + LoadVector("ws_frames") + "never read"),
            "upgraded \"sid=1; theme=\"dark\"\" > " + LoadVector("ws_upgrade_response") +
                "\n"
                "output > 8a0548656c6c6f\n"
                "auth 1/7/1 \"{}\"\n"
                "heartbeat 1/2/2\n"
                "output > 8a00\n"
                "room 1/12/10 \"live://1001\"\n"
                "message 1/1000/3 "
                "\"0123456789012345678901234567890123456789012345678901234567"
                "01234567890123456789012345678901234567890123456789012345\"\n"
                "close peer_closed > 880203e8\n");
}

TEST(WebSocketSession, AFileIsTheEndAndNothingBehindItsRequestIsRead) {
  const wire::HttpFile files[] = {{"/", "head|page", 5}};
  SessionLimits limits;
  limits.upgrade.files = files;
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(Told(SessionDecoder(Transport::kWebSocket, limits), request), "file \"head|page\"\n");

  ClientSession session(Transport::kWebSocket);
  std::string bytes = request + request;
  wire::Inbox inbox{bytes.data(), bytes.data() + bytes.size()};
  std::string out;
  const Event event = session.Next(&inbox, limits, &out);
  EXPECT_EQ(event.kind, EventKind::kFile);
  EXPECT_EQ(event.frame.body.data(), files[0].response.data()) << "it is not copied";
  EXPECT_EQ(inbox.size(), 0u);
  session.AppendFarewell(wire::CloseReason::kServerClosing, &out);
  EXPECT_EQ(out, "");
}

TEST(WebSocketSession, TellsWhomProxiesForwardedForWhereThatIsAskedFor) {
  const std::string request = testing::UpgradeRequestWith(
      "X-Forwarded-For: 1.2.3.4\r\nCookie: a=b\r\nX-Forwarded-For: 10.0.0.1\r\n");
  SessionLimits limits;
  const auto told = [&] {
    const std::string line = Told(SessionDecoder(Transport::kWebSocket, limits), request);
    return line.substr(0, line.find(" > HTTP"));
  };
  EXPECT_EQ(told(), "upgraded \"a=b\"");
  limits.upgrade.forwarded_for = true;
  EXPECT_EQ(told(), "upgraded \"a=b\" for \"1.2.3.4, 10.0.0.1\"");
}

TEST(WebSocketSession, BeforeLoginOnlyTheLoginCountsAndPingsAreAnswered) {
  EXPECT_EQ(Told(Upgraded(), ClientFrame(0x82, Goim(2, 1)) + kPing +
                                 ClientFrame(0x81, Goim(100, 2, "x")) +
                                 ClientFrame(0x82, Goim(7, 3, "t")) +
                                 ClientFrame(0x82, Goim(2, 4))),
            kPong + "auth 1/7/3 \"t\"\nheartbeat 1/2/4\n");
}

std::string Deflated(std::string_view text) {
  std::string out;
  wire::DeflateMessage({text}, &out);
  return out;
}

TEST(WebSocketSession, TakesCompressedMessagesWhereThatWasAgreedOn) {
  const std::string plain = Goim(100, 5, std::string(60, 'x'));
  const std::string deflated = Deflated(plain);
  ASSERT_LT(deflated.size(), plain.size());
  const std::string expected = "message 1/100/5 \"" + std::string(60, 'x') + "\"\n";
  const std::string half = deflated.substr(0, 9), rest = deflated.substr(9);
  const SessionDecoder decoder = LoggedInDeflating();
  EXPECT_EQ(Told(decoder, ClientFrame(0xc2, deflated)), expected);
  EXPECT_EQ(Told(decoder, ClientFrame(0xc1, deflated) + ClientFrame(0x82, plain)),
            expected + expected)
      << "and plain ones";
  EXPECT_EQ(Told(decoder, ClientFrame(0x42, half) + kPing + ClientFrame(0x80, rest)),
            kPong + expected)
      << "in fragments";
  const std::string wrong = "close ws_protocol_error > 880203ea\n";
  EXPECT_EQ(Told(LoggedIn(), ClientFrame(0xc2, deflated)), wrong) << "not agreed on";
  EXPECT_EQ(Told(decoder, ClientFrame(0x42, half) + ClientFrame(0xc0, rest)), wrong);
  EXPECT_EQ(Told(decoder, ClientFrame(0xc9, "abc")), wrong);
  EXPECT_EQ(Told(decoder, ClientFrame(0xc2, deflated.substr(0, deflated.size() - 2))), wrong) << "cut short";
  EXPECT_EQ(Told(decoder, ClientFrame(0xc2, "\xff\xff")), wrong) << "not deflate's";
}

TEST(WebSocketSession, InflatesToTheLimitAndNoFurther) {
  const SessionLimits limits{.frame_body_bytes = 984, .message_bytes = 1000};
  const SessionDecoder decoder = LoggedInDeflating(limits);
  const auto told = [&](size_t bytes) {
    return Told(decoder, ClientFrame(0xc2, Deflated(Goim(100, 5, std::string(bytes - 16, 'x')))));
  };
  EXPECT_EQ(told(1000), "message 1/100/5 \"" + std::string(984, 'x') + "\"\n");
  EXPECT_EQ(told(1001), "close frame_too_big > 880203f1\n");
  EXPECT_EQ(told(10'000'000 / 32), "close frame_too_big > 880203f1\n");
}

TEST(WebSocketSession, CompressedTextIsUtf8WhenItIsInflated) {
  const SessionDecoder decoder = LoggedInDeflating();
  const std::string good = Goim(100, 5, "gr\xC3\xBC\xC3\x9F");
  EXPECT_EQ(Told(decoder, ClientFrame(0xc1, Deflated(good))), Told(decoder, ClientFrame(0xc2, Deflated(good))));
  for (const std::string_view body : {"\xff", "gr\xC3"}) {
    EXPECT_EQ(Told(decoder, ClientFrame(0xc1, Deflated(Goim(100, 5, body)))),
              "close ws_bad_utf8 > 880203ef\n");
    EXPECT_NE(Told(decoder, ClientFrame(0xc2, Deflated(Goim(100, 5, body)))),
              "close ws_bad_utf8 > 880203ef\n");
  }
}

TEST(WebSocketSession, SpeaksJsonWhereThatWasAskedFor) {
  const SessionDecoder decoder = UpgradedJson();
  EXPECT_EQ(decoder.session.encoding(), wire::Encoding::kJsonWebSocket);
  EXPECT_EQ(Told(decoder, ClientFrame(0x81, R"({"op":2,"seq":1})") +
                              ClientFrame(0x81, R"({"op":7,"seq":2,"body":{"mid":5}})") +
                              ClientFrame(0x01, R"({"op":2,)") + kPing +
                              ClientFrame(0x80, R"("seq":3})") +
                              ClientFrame(0x82, R"({"op":12,"seq":4,"body":"live://1"})") +
                              ClientFrame(0x81, R"({"op":14,"seq":5,"body":[1,2]})") +
                              ClientFrame(0x81, R"({"op":1000,"seq":6,"body":"x"})")),
            "auth 0/7/2 \"{\"mid\":5}\"\n" + kPong +
                "heartbeat 0/2/3\nroom 0/12/4 \"live://1\"\nsub 0/14/5 \"1,2\"\n"
                "message 0/1000/6 \"x\"\n")
      << "before login only the login counts, as everywhere";
  const std::string bad = "close bad_frame > 880203f0\n";
  EXPECT_EQ(Told(decoder, ClientFrame(0x81, "hello")), bad);
  EXPECT_EQ(Told(decoder, ClientFrame(0x82, Goim(7, 1, "{}"))), bad);
  EXPECT_EQ(Told(decoder, ClientFrame(0x81, "")), bad);
  EXPECT_EQ(Told(UpgradedJson({.frame_body_bytes = 5}),
                 ClientFrame(0x81, R"({"op":7,"body":"123456"})")),
            "close frame_too_big > 880203f1\n");
}

TEST(WebSocketSession, JsonMayBeCompressed) {
  const SessionDecoder decoder = UpgradedJsonDeflating();
  EXPECT_EQ(decoder.session.encoding(), wire::Encoding::kJsonWebSocketDeflate);
  const std::string login = R"({"op":7,"seq":2,"body":{"mid":5}})";
  const std::string heartbeat = R"({"op":2,"seq":3})";
  EXPECT_EQ(Told(decoder, ClientFrame(0xc1, Deflated(login)) + ClientFrame(0x81, heartbeat) +
                              ClientFrame(0xc1, Deflated(heartbeat))),
            "auth 0/7/2 \"{\"mid\":5}\"\nheartbeat 0/2/3\nheartbeat 0/2/3\n");
  EXPECT_EQ(Told(decoder, ClientFrame(0xc1, Deflated("hello"))), "close bad_frame > 880203f0\n");
  EXPECT_EQ(Told(UpgradedJson(), ClientFrame(0xc1, Deflated(login))),
            "close ws_protocol_error > 880203ea\n");
}

TEST(WebSocketSession, TextAndBinaryAreAlike) {
  const std::string frame = Goim(100, 5, "gr\xC3\xBC\xC3\x9F \xF0\x9F\x9A\x80");
  const std::string expected = "message 1/100/5 \"gr\xC3\xBC\xC3\x9F \xF0\x9F\x9A\x80\"\n";
  EXPECT_EQ(Told(LoggedIn(), ClientFrame(0x81, frame)), expected);
  EXPECT_EQ(Told(LoggedIn(), ClientFrame(0x82, frame)), expected);
  // Only text must be UTF-8, and then all of it: op 1000 has a byte 0xE8 in the header.
  EXPECT_EQ(Told(LoggedIn(), ClientFrame(0x82, Goim(1000, 5, "\xFF"))),
            "message 1/1000/5 \"\xFF\"\n");
  EXPECT_EQ(Told(LoggedIn(), ClientFrame(0x81, Goim(1000, 5, "x"))),
            "close ws_bad_utf8 > 880203ef\n");
}

TEST(WebSocketSession, EachCloseIsAnsweredWithItsCode) {
  EXPECT_EQ(Told(LoggedIn(), ClientFrame(0x88, "")), "close peer_closed > 8800\n");
  EXPECT_EQ(Told(LoggedIn(), ClientFrame(0x88, "\x03\xE9gone")), "close peer_closed > 880203e9\n");
  EXPECT_EQ(Told(LoggedIn(), ClientFrame(0x02, Goim(2, 1)) + ClientFrame(0x88, "\x13\x87")),
            "close peer_closed > 88021387\n");
}

TEST(WebSocketSession, PongsAreIgnoredAndPingsAnsweredInOrder) {
  EXPECT_EQ(Told(LoggedIn(), ClientFrame(0x8A, "nobody asked") + kPing + ClientFrame(0x89, "") +
                                 ClientFrame(0x89, std::string(125, 'p'))),
            kPong + "output > 8a00\noutput > 8a7d" + testing::Hex(std::string(125, 'p')) + "\n");
}

// `frame` cut into fragments at random, control frames between them: also right behind the header
// of an empty fragment, and more of them than the gap may hold.
std::string Fragmented(const std::string& frame, std::mt19937_64* random, std::string* pongs) {
  const auto below = [&](size_t bound) { return static_cast<size_t>((*random)() % bound); };
  const size_t fragments = 1 + below(8);
  std::string stream;
  size_t at = 0;
  for (size_t i = 0; i < fragments; ++i) {
    const bool last = i + 1 == fragments;
    const size_t bytes = last ? frame.size() - at : below(frame.size() - at + 1);
    const char mask[] = {static_cast<char>((*random)()), static_cast<char>((*random)()), '\0', 'm'};
    stream += ClientFrame(static_cast<uint8_t>((last ? 0x80 : 0) | (i == 0 ? 0x02 : 0x00)),
                          frame.substr(at, bytes), {mask, 4});
    at += bytes;
    for (size_t controls = last ? 0 : below(4); controls > 0; --controls) {
      if (below(3) == 0) {
        stream += ClientFrame(0x8A, std::string(below(126), 'q'));
      } else {
        const std::string payload(below(126), 'p');
        stream += ClientFrame(0x89, payload);
        const char header[] = {'\x8A', static_cast<char>(payload.size())};
        *pongs += "output > " + testing::Hex({header, 2}) + testing::Hex(payload) + "\n";
      }
    }
  }
  return stream;
}

TEST(WebSocketSession, JoinsAnyFragmentsWithControlFramesBetween) {
  wire::testing::GuardedBytes memory(wire::testing::kStreamBytesMax);
  for (uint64_t seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random(seed);
    SessionLimits limits;
    // Small gaps as well: the message has to be moved up to close them.
    limits.message_bytes = seed % 3 == 0 ? 8192 : 16 + 200;
    limits.frame_body_bytes = limits.message_bytes - 16;
    std::string stream;
    std::string expected;
    for (int32_t seq = 0; seq < 6; ++seq) {
      std::string body(random() % (limits.frame_body_bytes + 1), '\0');
      for (char& c : body) c = static_cast<char>('a' + random() % 26);
      stream += Fragmented(Goim(1000, seq, body), &random, &expected);
      expected += "message 1/1000/" + std::to_string(seq);
      if (!body.empty()) expected += " \"" + body + "\"";
      expected += "\n";
    }
    const SessionDecoder decoder = LoggedIn(limits);
    ASSERT_EQ(expected, TranscriptOf(decoder, {stream}, &memory, true)) << "seed " << seed;
    for (uint64_t pieces = 0; pieces < 4; ++pieces) {
      ASSERT_EQ(expected, TranscriptOf(decoder, wire::testing::InRandomPieces(stream, pieces),
                                       &memory, pieces % 2 == 0))
          << "seed " << seed << ", pieces " << pieces;
    }
    if (seed < 6) {
      ASSERT_EQ(expected, TranscriptOf(decoder, wire::testing::InPieces(stream, 1), &memory, true));
    }
  }
}

TEST(WebSocketSession, TakesTheLargestMessageInTheMostFragments) {
  const SessionLimits limits{.frame_body_bytes = 200, .message_bytes = 216, .fragments = 5};
  const std::string frame = Goim(1000, 1, std::string(200, 'b'));
  const std::string expected = "message 1/1000/1 \"" + std::string(200, 'b') + "\"\n";
  const std::string three = ClientFrame(0x02, frame.substr(0, 100)) + ClientFrame(0x00, "") +
                            ClientFrame(0x00, frame.substr(100));
  EXPECT_EQ(Told(LoggedIn(limits), ClientFrame(0x82, frame)), expected);
  EXPECT_EQ(Told(LoggedIn(limits), three + ClientFrame(0x00, "") + ClientFrame(0x80, "")),
            expected);
  EXPECT_EQ(Told(LoggedIn(limits), three + ClientFrame(0x80, "!")),
            "close frame_too_big > 880203f1\n");
  EXPECT_EQ(Told(LoggedIn(limits),
                 three + ClientFrame(0x00, "") + ClientFrame(0x00, "") + ClientFrame(0x80, "")),
            "close frame_too_big > 880203f1\n");
  // The limits are a message's: the next one starts anew.
  const std::string whole = three + ClientFrame(0x80, "");
  EXPECT_EQ(Told(LoggedIn(limits), whole + whole), expected + expected);
}

// Autobahn 6.4: the fragment is not there yet, and it may never be.
TEST(WebSocketSession, RefusesBadTextWithinAFragment) {
  SessionDecoder decoder = LoggedIn();
  std::string bytes = ClientFrame(0x01, Goim(100, 1, "\xF4\x90" + std::string(1000, 'x')));
  bytes.resize(4 + 4 + 16 + 2);
  std::string out;
  Inbox inbox{bytes.data(), bytes.data() + bytes.size()};
  EXPECT_EQ(decoder.session.Next(&inbox, decoder.limits, &out).reason,
            wire::CloseReason::kWsBadUtf8);
}

// The fullest inbox there can be: a message with all its bytes but not ended, a gap as large as
// allowed, and a control frame that lacks its last byte.
TEST(WebSocketSession, TheInboxLimitIsExact) {
  const SessionLimits limits{.message_bytes = 8192};
  SessionDecoder decoder = LoggedIn(limits);
  const std::string control = ClientFrame(0x8A, std::string(125, 'c'));
  std::string bytes = ClientFrame(0x02, std::string(8192, 'm'));
  for (int i = 0; i < 7; ++i) bytes += control;
  bytes += ClientFrame(0x8A, std::string(1024 - 7 * control.size() - 6, 'c'));
  bytes += ClientFrame(0x89, std::string(125, 'c'));
  std::string out;
  Inbox inbox{bytes.data(), bytes.data() + bytes.size() - 1};
  EXPECT_EQ(decoder.session.Next(&inbox, limits, &out).kind, EventKind::kNeedMore);
  EXPECT_EQ(inbox.size(), decoder.inbox_bytes_max() - 1);
  ++inbox.end;
  EXPECT_EQ(decoder.session.Next(&inbox, limits, &out).kind, EventKind::kOutput);
  EXPECT_LT(inbox.size(), size_t{8192 + 1024 + 1}) << "the gap was closed";
}

// An endless stream of control frames within a message holds no memory.
TEST(WebSocketSession, PingsWithinAMessageDoNotFillTheInbox) {
  wire::testing::GuardedBytes memory(wire::testing::kStreamBytesMax);
  const std::string frame = Goim(1000, 1, "hello");
  std::string stream = ClientFrame(0x02, frame.substr(0, 10));
  std::string expected;
  for (int i = 0; i < 20000; ++i) {
    stream += kPing;
    expected += kPong;
  }
  stream += ClientFrame(0x80, frame.substr(10));
  expected += "message 1/1000/1 \"hello\"\n";
  // TranscriptOf() watches that what is left stays below InboxBytesMax().
  EXPECT_EQ(expected,
            TranscriptOf(LoggedIn(), wire::testing::InPieces(stream, 1000), &memory, true));
}

}  // namespace
}  // namespace halley::session
