// WebSocketReader alone, whose messages may be anything. What it has in common with every session is
// tried through ClientSession (websocket_session_test.cc, hostile_*_test.cc).
#include "session/websocket_reader.h"

#include <gtest/gtest.h>

#include <string>

#include "session/session_feed.h"
#include "wire/decoder_test.h"
#include "wire/permessage_deflate.h"

namespace halley::session {
namespace {

using testing::ClientFrame;
using wire::testing::CheckDecoder;

// "kind[ reason][ "message"][ > output]", a line each.
struct ReaderDecoder {
  WebSocketReader reader;
  MessageLimits limits{.bytes = 1000, .fragments = 4};
  bool deflate = false;

  wire::testing::Step Next(wire::Inbox* inbox, std::string* transcript) {
    std::string out;
    const WsEvent event = reader.Next(inbox, limits, deflate, &out);
    if (event.kind == WsEventKind::kNeedMore) {
      HALLEY_ASSERT(out.empty());
      return wire::testing::Step::kMore;
    }
    switch (event.kind) {
      case WsEventKind::kNeedMore: break;
      case WsEventKind::kMessage: transcript->append(event.text ? "text" : "binary"); break;
      case WsEventKind::kPing: transcript->append("ping"); break;
      case WsEventKind::kPong: transcript->append("pong"); break;
      case WsEventKind::kClose:
        transcript->append("close ").append(wire::CloseReasonName(event.reason));
    }
    if (event.kind == WsEventKind::kMessage) transcript->append(" ").append(event.message);
    if (!out.empty()) transcript->append(" > ").append(testing::Hex(out));
    transcript->append("\n");
    return event.kind == WsEventKind::kClose ? wire::testing::Step::kOver
                                             : wire::testing::Step::kAgain;
  }
  size_t inbox_bytes_max() const { return WebSocketReader::InboxBytesMax(limits); }
};

TEST(WebSocketReader, AMessageMayBeAnything) {
  EXPECT_EQ(CheckDecoder(ReaderDecoder{}, ClientFrame(0x81, "gr\xC3\xBC\xC3\x9F") + ClientFrame(0x82, "\xff") +
                                              ClientFrame(0x82, "") + ClientFrame(0x81, "")),
            "text gr\xC3\xBC\xC3\x9F\nbinary \xff\nbinary \ntext \n");
}

TEST(WebSocketReader, JoinsFragmentsAroundControlFrames) {
  EXPECT_EQ(CheckDecoder(ReaderDecoder{}, ClientFrame(0x01, "one,") + ClientFrame(0x89, "abc") +
                                              ClientFrame(0x00, "two,") + ClientFrame(0x8A, "") +
                                              ClientFrame(0x80, "three") + ClientFrame(0x88, "\x03\xe8")),
            "ping > 8a03616263\npong\ntext one,two,three\nclose peer_closed > 880203e8\n");
}

TEST(WebSocketReader, CompressedMessagesAreToldInflated) {
  ReaderDecoder decoder{.deflate = true};
  std::string packed, bad, large;
  wire::DeflateMessage({"again and again and again"}, &packed);
  wire::DeflateMessage({"\xff"}, &bad);
  wire::DeflateMessage({std::string(1001, 'x')}, &large);
  EXPECT_EQ(CheckDecoder(decoder, ClientFrame(0xC1, packed) + ClientFrame(0x82, "plain") +
                                      ClientFrame(0xC2, bad) + ClientFrame(0xC1, bad)),
            "text again and again and again\nbinary plain\nbinary \xff\nclose ws_bad_utf8\n");
  EXPECT_EQ(CheckDecoder(decoder, ClientFrame(0xC2, large)), "close frame_too_big\n");
  EXPECT_EQ(CheckDecoder(ReaderDecoder{}, ClientFrame(0xC1, packed)), "close ws_protocol_error\n");
}

TEST(WebSocketReader, LimitsAreAMessages) {
  const std::string most = ClientFrame(0x02, std::string(999, 'x')) + ClientFrame(0x00, "") +
                           ClientFrame(0x00, "");
  EXPECT_EQ(CheckDecoder(ReaderDecoder{}, most + ClientFrame(0x80, "y")),
            "binary " + std::string(999, 'x') + "y\n");
  EXPECT_EQ(CheckDecoder(ReaderDecoder{}, most + ClientFrame(0x80, "yz")), "close frame_too_big\n");
  EXPECT_EQ(CheckDecoder(ReaderDecoder{}, most + ClientFrame(0x00, "") + ClientFrame(0x80, "y")),
            "close frame_too_big\n");
}

TEST(WebSocketReader, TheRequestIsLeftInTheInboxAndMessagesFollowIt) {
  WebSocketReader reader;
  std::string bytes = std::string(testing::kUpgradeRequest) + ClientFrame(0x82, "first");
  wire::UpgradeRequest request;
  wire::UpgradeRefusal refusal{};
  char* const begin = bytes.data();
  for (size_t size = 0; size < testing::kUpgradeRequest.size(); ++size) {
    ASSERT_EQ(reader.Open({begin, begin + size}, {}, &request, &refusal), wire::UpgradeStatus::kMore);
  }
  wire::Inbox inbox{begin, begin + bytes.size()};
  ASSERT_EQ(reader.Open(inbox, {}, &request, &refusal), wire::UpgradeStatus::kDone);
  ASSERT_EQ(request.bytes, testing::kUpgradeRequest.size());
  inbox.begin += request.bytes;
  std::string out;
  EXPECT_EQ(reader.Next(&inbox, {.bytes = 5, .fragments = 1}, false, &out).message, "first");
  EXPECT_EQ(inbox.size(), 0u);
}

}  // namespace
}  // namespace halley::session
