// What clients do wrong, or attackers on purpose: one table, each row through the whole decoder
// harness, so that the answer does not depend on how the bytes arrive.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "session/session_feed.h"
#include "wire/decoder_test.h"
#include "wire/vectors.h"

namespace halley::session {
namespace {

using testing::ClientFrame;
using testing::Goim;
using testing::kUpgradeRequest;
using testing::LoggedIn;
using testing::SessionDecoder;
using wire::testing::CheckDecoder;
using wire::testing::ParseVector;

struct AbuseCase {
  const char* name;
  std::string bytes;
  std::string answer;  // what the transcript begins with
};

// The good request with one thing changed; an empty `from` puts `to` in front.
std::string Changed(std::string_view from, std::string_view to) {
  std::string request(kUpgradeRequest);
  const size_t at = request.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return request.replace(at, from.size(), to);
}
std::string Added(std::string_view header) {
  return Changed("Upgrade: websocket\r\n", std::string(header) + "Upgrade: websocket\r\n");
}
std::string Key(std::string_view key) { return Changed("dGhlIHNhbXBsZSBub25jZQ==", key); }
std::string Host(std::string_view host) { return Changed("Host: a", "Host: " + std::string(host)); }
std::string Line(std::string_view line) { return Changed("GET /sub HTTP/1.1", line); }

std::vector<AbuseCase> RequestCases() {
  return {
      {"POST", Line("POST /sub HTTP/1.1"), "405"},
      {"HEAD", Line("HEAD /sub HTTP/1.1"), "405"},
      {"lower-case method", Line("get /sub HTTP/1.1"), "405"},
      {"method that is no token", Line("G(T /sub HTTP/1.1"), "400"},
      {"no method", Line(" /sub HTTP/1.1"), "400"},
      {"no target", Line("GET  HTTP/1.1"), "400"},
      {"no version", Line("GET /sub"), "400"},
      {"two spaces", Line("GET  /sub HTTP/1.1"), "400"},
      {"tabs for spaces", Line("GET\t/sub\tHTTP/1.1"), "400"},
      {"space at the end", Line("GET /sub HTTP/1.1 "), "400"},
      {"space in the target", Line("GET /sub?a b HTTP/1.1"), "400"},
      {"bytes above ASCII in the target", Line("GET /sub?\xC3\xBC HTTP/1.1"), "400"},
      {"lower-case version", Line("GET /sub http/1.1"), "400"},
      {"HTTP/1.0", Line("GET /sub HTTP/1.0"), "505"},
      {"HTTP/1.2", Line("GET /sub HTTP/1.2"), "505"},
      {"HTTP/11.1", Line("GET /sub HTTP/11.1"), "505"},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
      {"another path", Line("GET / HTTP/1.1"), "404"},
      {"path in escapes", Line("GET /%73ub HTTP/1.1"), "404"},
      {"absolute target", Line("GET http://a/sub HTTP/1.1"), "404"},
      {"path below", Line("GET /sub/../sub HTTP/1.1"), "404"},
      {"empty line first", Changed("GET", "\r\nGET"), "400"},
      {"bare LF behind the request line", Changed("1.1\r\n", "1.1\n"), "400"},
      {"bare LF behind a header", Changed("Host: a\r\n", "Host: a\n"), "400"},
      {"bare LF for the end", Changed("13\r\n\r\n", "13\r\n\n"), "400"},
      {"bare CR in a value", Host("a\rX: y"), "400"},
      {"two CR", Host("a\r"), "400"},
      {"NUL in a value", Changed("Host: a", std::string_view("Host: a\0", 8)), "400"},
      {"DEL in a value", Host("a\x7F"), "400"},
      {"TLS hello", ParseVector("16 0301 0200 01 0001fc 0303"), "400"},
      {"line folded with a space", Added("X: a\r\n b\r\n"), "400"},
      {"line folded with a tab", Added("X: a\r\n\tb\r\n"), "400"},
      {"space before the colon", Changed("Host: a", "Host : a"), "400"},
      {"tab before the colon", Changed("Host: a", "Host\t: a"), "400"},
      {"no colon", Added("Host\r\n"), "400"},
      {"no name", Added(": a\r\n"), "400"},
      {"space in a name", Added("A B: c\r\n"), "400"},
      {"bytes above ASCII in a name", Added("\xC3\xBC: c\r\n"), "400"},
      {"no Host", Changed("Host: a\r\n", ""), "400"},
      {"two Hosts", Added("host: b\r\n"), "400"},
      {"two Hosts alike", Added("HOST: a\r\n"), "400"},
      {"empty Host", Host(""), "400"},
      {"two names in Host", Host("a,b"), "400"},
      {"user in Host", Host("b@a"), "400"},
      {"path in Host", Host("a/b"), "400"},
      {"space in Host", Host("a b"), "400"},
  };
}

std::vector<AbuseCase> HandshakeCases() {
  std::string headers;
  for (int i = 0; i < 60; ++i) headers += "X: y\r\n";
  return {
      {"Content-Length: 5", Added("Content-Length: 5\r\n") + "hello", "413"},
      {"Content-Length: 00", Added("Content-Length: 00\r\n"), "413"},
      {"Content-Length: +0", Added("Content-Length: +0\r\n"), "413"},
      {"Content-Length: 0, 0", Added("Content-Length: 0, 0\r\n"), "413"},
      {"empty Content-Length", Added("Content-Length:\r\n"), "413"},
      {"two Content-Lengths", Added("Content-Length: 0\r\nContent-Length: 0\r\n"), "400"},
      {"chunked", Added("Transfer-Encoding: chunked\r\n"), "413"},
      {"identity", Added("transfer-encoding: identity\r\n"), "413"},
      {"empty Transfer-Encoding", Added("Transfer-Encoding:\r\n"), "413"},
      {"both", Added("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), "413"},
      {"no Upgrade", Changed("Upgrade: websocket\r\n", ""), "400"},
      {"Upgrade to h2c", Changed("websocket", "h2c"), "400"},
      {"Upgrade to websockets", Changed("websocket", "websockets"), "400"},
      {"Upgrade to web,socket", Changed("websocket", "web,socket"), "400"},
      {"no Connection", Changed("Connection: Upgrade\r\n", ""), "400"},
      {"Connection keep-alive", Changed("Connection: Upgrade", "Connection: keep-alive"), "400"},
      {"Connection upgraded", Changed("Connection: Upgrade", "Connection: upgraded"), "400"},
      {"no version of WebSocket", Changed("Sec-WebSocket-Version: 13\r\n", ""), "400"},
      {"two versions of WebSocket", Added("Sec-WebSocket-Version: 13\r\n"), "400"},
      {"version 8", Changed("Version: 13", "Version: 8"), "426"},
      {"version 013", Changed("Version: 13", "Version: 013"), "426"},
      {"versions 13, 8", Changed("Version: 13", "Version: 13, 8"), "426"},
      {"empty version", Changed("Version: 13", "Version:"), "426"},
      {"no key", Changed("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), "400"},
      {"two keys", Added("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), "400"},
      {"empty key", Key(""), "400"},
      {"key of 15 bytes", Key("AAAAAAAAAAAAAAAAAAAA"), "400"},
      {"key of 17 bytes", Key("AAAAAAAAAAAAAAAAAAAAAAA="), "400"},
      {"key of 18 bytes", Key("AAAAAAAAAAAAAAAAAAAAAAAA"), "400"},
      {"key of 19 bytes", Key("AAAAAAAAAAAAAAAAAAAAAAAAAA=="), "400"},
      {"key without padding", Key("dGhlIHNhbXBsZSBub25jZQ"), "400"},
      {"key in base64url", Key("dGhlIHNhbXBsZSBub25-_Q=="), "400"},
      {"space in the key", Key("dGhlIHNhbXBs SBub25jZQ=="), "400"},
      {"two cookies", Added("Cookie: a=b\r\nCookie: c=d\r\n"), "400"},
      {"65 headers", Added(headers), "431"},
      {"a header without end", Added("X: " + std::string(8192, 'x')), "431"},
      {"a line without end", "GET /sub?" + std::string(8192 - 9, 'x'), "431"},
  };
}

void CheckRequests(const std::vector<AbuseCase>& cases) {
  for (const AbuseCase& abuse : cases) {
    const std::string transcript =
        CheckDecoder(SessionDecoder(Transport::kWebSocket), abuse.bytes);
    const std::string expected = "close bad_handshake > HTTP/1.1 " + abuse.answer + ' ';
    EXPECT_EQ(transcript.substr(0, expected.size()), expected) << abuse.name << '\n' << transcript;
    if (abuse.answer == "426") {
      EXPECT_NE(transcript.find("\r\nSec-WebSocket-Version: 13\r\n"), std::string::npos);
    }
  }
}

TEST(Abuse, RequestsAreRefusedWithTheirStatus) { CheckRequests(RequestCases()); }
TEST(Abuse, HandshakesAreRefusedWithTheirStatus) { CheckRequests(HandshakeCases()); }

constexpr char kProtocol[] = "close ws_protocol_error > 880203ea\n";
constexpr char kUtf8[] = "close ws_bad_utf8 > 880203ef\n";
constexpr char kBadFrame[] = "close bad_frame > 880203f0\n";
constexpr char kTooBig[] = "close frame_too_big > 880203f1\n";

// A good frame as far as it goes: message ver 1, op 1000, seq 0.
std::string Header(const char* pack_bytes, const char* header_bytes = "0010") {
  return ParseVector(std::string(pack_bytes) + header_bytes + "0001 000003e8 00000000");
}

std::vector<AbuseCase> FrameCases() {
  const std::string part = ClientFrame(0x02, "abc");
  return {
      {"no mask on a binary frame", ParseVector("82 10") + Goim(2, 1), kProtocol},
      {"no mask on a text frame", ParseVector("81 00"), kProtocol},
      {"no mask on a ping", ParseVector("89 00"), kProtocol},
      {"no mask on a close", ParseVector("88 02 03e8"), kProtocol},
      {"no mask on a continuation", part + ParseVector("80 00"), kProtocol},
      {"RSV1", ClientFrame(0xC2, Goim(2, 1)), kProtocol},
      {"RSV2", ClientFrame(0xA2, Goim(2, 1)), kProtocol},
      {"RSV3", ClientFrame(0x92, Goim(2, 1)), kProtocol},
      {"RSV1 on a ping", ClientFrame(0xC9, ""), kProtocol},
      {"opcode 3", ClientFrame(0x83, Goim(2, 1)), kProtocol},
      {"opcode 7", ClientFrame(0x87, Goim(2, 1)), kProtocol},
      {"opcode 11", ClientFrame(0x8B, ""), kProtocol},
      {"opcode 15", ClientFrame(0x8F, ""), kProtocol},
      {"fragmented ping", ClientFrame(0x09, "a"), kProtocol},
      {"fragmented close", ClientFrame(0x08, "\x03\xE8"), kProtocol},
      {"ping of 126 bytes", ClientFrame(0x89, std::string(126, 'p')), kProtocol},
      {"close of 126 bytes", ClientFrame(0x88, "\x03\xE8" + std::string(124, 'c')), kProtocol},
      {"16 bytes in 16-bit length", ParseVector("82 fe 0010 00000000") + Goim(2, 1), kProtocol},
      {"16 bytes in 64-bit length", ParseVector("82 ff 0000000000000010 00000000") + Goim(2, 1),
       kProtocol},
      {"65535 bytes in 64-bit length", ParseVector("82 ff 000000000000ffff"), kProtocol},
      {"length with the top bit", ParseVector("82 ff 8000000000000000"), kProtocol},
      {"lone continuation", ClientFrame(0x80, Goim(2, 1)), kProtocol},
      {"lone continuation without FIN", ClientFrame(0x00, Goim(2, 1)), kProtocol},
      {"continuation after a message", ClientFrame(0x82, Goim(9, 1)) + ClientFrame(0x80, ""),
       "message 1/9/1\n" + std::string(kProtocol)},
      {"binary frame within a message", part + ClientFrame(0x82, Goim(2, 1)), kProtocol},
      {"text frame within a message", part + ClientFrame(0x01, "a"), kProtocol},
      {"second handshake", std::string(kUpgradeRequest), kProtocol},
      {"goim TCP on WebSocket", Goim(2, 1), kProtocol},
      {"close of one byte", ClientFrame(0x88, "\x03"), kProtocol},
      {"close code 0", ClientFrame(0x88, std::string_view("\0\0", 2)), kProtocol},
      {"close code 999", ClientFrame(0x88, "\x03\xE7"), kProtocol},
      {"close code 1004", ClientFrame(0x88, "\x03\xEC"), kProtocol},
      {"close code 1005", ClientFrame(0x88, "\x03\xED"), kProtocol},
      {"close code 1006", ClientFrame(0x88, "\x03\xEE"), kProtocol},
      {"close code 1015", ClientFrame(0x88, "\x03\xF7"), kProtocol},
      {"close code 1016", ClientFrame(0x88, "\x03\xF8"), kProtocol},
      {"close code 2999", ClientFrame(0x88, "\x0B\xB7"), kProtocol},
      {"close code 5000", ClientFrame(0x88, "\x13\x88"), kProtocol},
      {"close reason that is not UTF-8", ClientFrame(0x88, "\x03\xE8\xFF"), kUtf8},
      {"close reason cut off", ClientFrame(0x88, "\x03\xE8gr\xC3"), kUtf8},
  };
}

std::vector<AbuseCase> MessageCases() {
  std::string fragments = ClientFrame(0x02, "");
  for (int i = 1; i < 64; ++i) fragments += ClientFrame(0x00, "");
  const std::string half(4096, 'h');
  // A header that is UTF-8 itself: op 100, which op 1000 would not be (0xE8).
  const std::string text = Goim(100, 0);
  return {
      {"text with a lone byte", ClientFrame(0x81, text + "a\xFF"), kUtf8},
      {"text with a surrogate", ClientFrame(0x81, text + "\xED\xA0\x80"), kUtf8},
      {"text with an overlong form", ClientFrame(0x81, text + "\xC0\xAF"), kUtf8},
      {"text above U+10FFFF, in a fragment not ended",
       ClientFrame(0x01, text + "\xF4\x90" + half).substr(0, 60), kUtf8},
      {"character cut by the end", ClientFrame(0x81, Goim(100, 0, "\xE2\x82")), kUtf8},
      {"bad byte in the second fragment",
       ClientFrame(0x01, text + "\xE2") + ClientFrame(0x80, "\x28"), kUtf8},
      {"message of 8193 bytes", ParseVector("82 fe 2001 00000000"), kTooBig},
      {"message of 2^40 bytes", ParseVector("82 ff 0000010000000000 00000000"), kTooBig},
      {"message of 2^63 - 1 bytes", ParseVector("82 ff 7fffffffffffffff 00000000"), kTooBig},
      {"fragments of 8193 bytes", ClientFrame(0x02, half) + ClientFrame(0x00, half) +
                                      ClientFrame(0x80, "x"), kTooBig},
      {"65 fragments", fragments + ClientFrame(0x80, ""), kTooBig},
      {"goim body of 4097 bytes", ClientFrame(0x82, Header("00001011") + half + "x"), kTooBig},
      {"empty message", ClientFrame(0x82, ""), kBadFrame},
      {"empty text", ClientFrame(0x81, ""), kBadFrame},
      {"64 empty fragments", fragments.substr(0, fragments.size() - 6) + ClientFrame(0x80, ""),
       kBadFrame},
      {"message of 1 byte", ClientFrame(0x82, "x"), kBadFrame},
      {"message of 15 bytes", ClientFrame(0x82, Goim(2, 1).substr(0, 15)), kBadFrame},
      // The two that broke goim: its reader took the rest from memory behind the message.
      {"header of 4112 bytes and no body", ClientFrame(0x82, Header("00001010")), kBadFrame},
      {"the same in two fragments", ClientFrame(0x02, Header("00001010").substr(0, 8)) +
                                        ClientFrame(0x80, Header("00001010").substr(8)), kBadFrame},
      {"the same with frames behind it", ClientFrame(0x82, Header("00000020")) +
                                             ClientFrame(0x82, Goim(9, 9)), kBadFrame},
      {"one byte short", ClientFrame(0x82, Header("00000012") + "h"), kBadFrame},
      {"one byte over", ClientFrame(0x82, Goim(1000, 0, "hi") + "!"), kBadFrame},
      {"two frames in a message", ClientFrame(0x82, Goim(2, 1) + Goim(2, 2)), kBadFrame},
      {"packLen 0", ClientFrame(0x82, Header("00000000")), kBadFrame},
      {"packLen 15", ClientFrame(0x82, Header("0000000f")), kBadFrame},
      {"packLen -1", ClientFrame(0x82, Header("ffffffff")), kBadFrame},
      {"headerLen 15", ClientFrame(0x82, Header("00000010", "000f")), kBadFrame},
      {"headerLen 17", ClientFrame(0x82, Header("00000010", "0011")), kBadFrame},
      {"JSON", ClientFrame(0x81, R"({"op":7,"body":{"mid":1}})"), kTooBig},
  };
}

TEST(Abuse, FramesAreRefusedWithTheirCode) {
  for (const AbuseCase& abuse : FrameCases()) {
    EXPECT_EQ(CheckDecoder(LoggedIn(), abuse.bytes), abuse.answer) << abuse.name;
  }
}

TEST(Abuse, MessagesAreRefusedWithTheirCode) {
  for (const AbuseCase& abuse : MessageCases()) {
    EXPECT_EQ(CheckDecoder(LoggedIn(), abuse.bytes), abuse.answer) << abuse.name;
  }
}

TEST(Abuse, FramesOnTcpAreRefusedWithoutAWord) {
  const AbuseCase kCases[] = {
      {"packLen 0", Header("00000000"), "close bad_frame\n"},
      {"packLen 15", Header("0000000f"), "close bad_frame\n"},
      {"packLen -1", Header("ffffffff"), "close bad_frame\n"},
      {"packLen with the top bit", Header("80000010"), "close bad_frame\n"},
      {"headerLen 0", Header("00000010", "0000"), "close bad_frame\n"},
      {"headerLen 17", Header("00000010", "0011"), "close bad_frame\n"},
      {"body of 4097 bytes", Header("00001011"), "close frame_too_big\n"},
      {"packLen 2^31 - 1", Header("7fffffff"), "close frame_too_big\n"},
      {"HTTP", std::string(kUpgradeRequest), "close frame_too_big\n"},
      {"a good frame first", Goim(wire::op::kAuth, 5) + Header("00000000"),
       "auth 1/7/5\nclose bad_frame\n"},
  };
  for (const AbuseCase& abuse : kCases) {
    EXPECT_EQ(CheckDecoder(SessionDecoder(Transport::kTcp), abuse.bytes), abuse.answer)
        << abuse.name;
  }
}

}  // namespace
}  // namespace halley::session
