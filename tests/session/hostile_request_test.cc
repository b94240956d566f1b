// Requests: what two parsers could read differently, what is none, and what comes behind one.
#include "session/hostile.h"
#include "wire/vectors.h"

namespace halley::session::testing {
namespace {

using wire::testing::ParseVector;

constexpr char kAccepted[] = "upgraded > HTTP/1.1 101 ";

std::string Refused(const char* status) {
  return std::string("close bad_handshake > HTTP/1.1 ") + status + ' ';
}

// The good request with one thing changed.
std::string Changed(std::string_view from, std::string_view to) {
  std::string request(kUpgradeRequest);
  const size_t at = request.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return request.replace(at, from.size(), to);
}
std::string Line(std::string_view line) { return Changed("GET /sub HTTP/1.1", line); }
std::string Added(std::string_view header) { return UpgradeRequestWith(std::string(header) + "\r\n"); }
std::string Host(std::string_view host) { return Changed("Host: a", std::string("Host: ").append(host)); }
std::string Key(std::string_view key) { return Changed("dGhlIHNhbXBsZSBub25jZQ==", key); }
std::string Version(std::string_view version) {
  return Changed("Version: 13", std::string("Version: ").append(version));
}

const SessionDecoder kNew(Transport::kWebSocket);

TEST(Hostile, RequestLines) {
  CheckHostile(kNew, {
      {"OPTIONS", "9110 9.3.7", Line("OPTIONS /sub HTTP/1.1"), Refused("405")},
      {"TRACE", "9110 9.3.8", Line("TRACE /sub HTTP/1.1"), Refused("405")},
      {"CONNECT", "9110 9.3.6", Line("CONNECT a:80 HTTP/1.1"), Refused("404")},
      {"method longer than any", "9110 9.1",
       Line(std::string(5000, 'G') + " /sub HTTP/1.1"), Refused("405")},
      {"asterisk", "9112 3.2.4", Line("OPTIONS * HTTP/1.1"), Refused("404")},
      {"fragment in the target", "9112 3.2", Line("GET /sub#top HTTP/1.1"), Refused("404")},
      {"escaped NUL in the path", "3986 7.3", Line("GET /sub%00 HTTP/1.1"), Refused("404")},
      {"parameter of the path", "3986 3.3", Line("GET /sub;a=b HTTP/1.1"), Refused("404")},
      {"NUL in the target", "9112 3.2",
       Line(std::string_view("GET /sub?\0 HTTP/1.1", 19)), Refused("400")},
      {"tab in the target", "9112 3", Line("GET /sub?a\tb HTTP/1.1"), Refused("400")},
      {"CR in the request line", "9112 2.2", Line("GET /sub\r HTTP/1.1"), Refused("400")},
      {"tab behind the version", "9112 3", Line("GET /sub HTTP/1.1\t"), Refused("505")},
      {"HTTP/2", "9112 2.3", Line("GET /sub HTTP/2"), Refused("505")},
      {"HTTP/1.01", "9112 2.3", Line("GET /sub HTTP/1.01"), Refused("505")},
      {"HTTP/1.1 in other letters", "9112 2.3", Line("GET /sub HtTP/1.1"), Refused("400")},
      {"nothing but a request line", "9112 3.2", "GET /sub HTTP/1.1\r\n\r\n", Refused("400")},
      {"nothing but line ends", "9112 2.2", "\r\n\r\n\r\n\r\n", Refused("400")},
  });
}

// On goim v1's listener, where a request may be no upgrade.
TEST(Hostile, LongPolls) {
  const auto poll = [](std::string_view query, std::string_view headers = "") {
    return "GET /sub?" + std::string(query) + " HTTP/1.1\r\nHost: a\r\n" + std::string(headers) +
           "\r\n";
  };
  CheckHostile(SessionDecoder(Transport::kGoimV1WebSocket), {
      {"code for a callback", "3986 7", poll("op=7&cb=alert(1)"), Refused("400")},
      {"a header within a callback", "9112 11.1", poll("op=7&cb=a%0d%0aX:b"), Refused("400")},
      {"NUL in a callback", "3986 7.3", poll("op=7&cb=a%00"), Refused("400")},
      {"NUL in a number", "3986 7.3", poll("op=7%00"), Refused("400")},
      {"another op before the login's", "3986 3.4", poll("op=8&op=7"), Refused("400")},
      {"half of an upgrade", "6455 4.2.1", poll("op=7", "Connection: Upgrade\r\n"), "auth 0/7/0\n"},
      {"the other half", "6455 4.2.1", poll("op=7", "Upgrade: websocket\r\n"), Refused("400")},
      {"a body of chunks", "9112 6.1", poll("op=7", "Transfer-Encoding: chunked\r\n"),
       Refused("413")},
      {"a page elsewhere with a cookie", "6454 7.3",
       poll("op=7", "Origin: http://b\r\nCookie: a=b\r\n"), Refused("403")},
      {"a frame behind it", "9112 9.3.2", poll("op=7&t=1") + Goim(7, 1), "auth 0/7/0 \"1\"\n"},
      {"requests behind it", "9112 9.3.2", poll("op=7&t=1") + poll("op=7&t=2") + poll("op=7"),
       "auth 0/7/0 \"1\"\n"},
  });
}

TEST(Hostile, HeaderLines) {
  const auto value_with = [](char c) { return Host(std::string("a") + c + "b"); };
  CheckHostile(kNew, {
      {"BEL in a value", "9110 5.5", Added("X: a\ab"), Refused("400")},
      {"VT in a value", "9110 5.5", Added("X: a\vb"), Refused("400")},
      {"FF in a value", "9110 5.5", Added("X: a\fb"), Refused("400")},
      {"ESC in a value", "9110 5.5", Added("X: a\033b"), Refused("400")},
      {"tab in a value", "9110 5.5", Added("X: a\tb"), kAccepted},
      {"bytes above ASCII in a value", "9110 5.5", Added("X: \xFF\x80"), kAccepted},
      {"NUL in a name", "9110 5.1", Added(std::string_view("X\0Y: a", 6)), Refused("400")},
      {"quote in a name", "9110 5.1", Added("X\": a"), Refused("400")},
      {"slash in a name", "9110 5.1", Added("X/Y: a"), Refused("400")},
      {"at sign in a name", "9110 5.1", Added("X@Y: a"), Refused("400")},
      {"VT before the colon", "9112 5.1", Added("Transfer-Encoding\v: chunked"), Refused("400")},
      {"line of one space", "9112 5.2", Added(" "), Refused("400")},
      {"line of one tab", "9112 5.2", Added("\t"), Refused("400")},
      {"first header folded", "9112 5.2", Changed("Host: a", " Host: a"), Refused("400")},
      {"encoding hidden in a folded line", "9112 5.2", Added("X: a\r\n Transfer-Encoding: chunked"),
       Refused("400")},
      {"encoding hidden behind a bare LF", "9112 2.2", Added("X: a\nTransfer-Encoding: chunked"),
       Refused("400")},
      {"encoding hidden behind a bare CR", "9112 2.2", Added("X: a\rTransfer-Encoding: chunked"),
       Refused("400")},
      {"LF before CR", "9112 2.2", Changed("Host: a\r\n", "Host: a\n\r"), Refused("400")},
      {"empty line of LF and LF", "9112 2.2", Changed("13\r\n\r\n", "13\n\n"), Refused("400")},
      {"tab in Host", "9110 7.2", value_with('\t'), Refused("400")},
      {"backslash in Host", "9110 7.2", value_with('\\'), Refused("400")},
      {"query in Host", "9110 7.2", value_with('?'), Refused("400")},
      {"fragment in Host", "9110 7.2", value_with('#'), Refused("400")},
      {"bytes above ASCII in Host", "9110 7.2", Host("\xC3\xBC"), Refused("400")},
      {"IPv6 in Host", "9110 7.2", Host("[::1]:3102"), kAccepted},
      {"two Hosts, one of them last", "9112 3.2", Added("Host: b"), Refused("400")},
  });
}

// As many bytes, and headers, as are allowed, and one more.
TEST(Hostile, HeaderBombs) {
  const auto with_headers = [](size_t count) {  // of which the good request has five
    std::string headers;
    for (size_t i = 5; i < count; ++i) headers += "X:\r\n";
    return UpgradeRequestWith(headers);
  };
  const auto of_bytes = [](size_t bytes) {
    return Added("X: " + std::string(bytes - kUpgradeRequest.size() - 5, 'x'));
  };
  const size_t left = 8192 - kUpgradeRequest.size();
  ASSERT_EQ(of_bytes(8192).size(), size_t{8192});
  CheckHostile(kNew, {
      {"64 headers", "9110 5.4", with_headers(64), kAccepted},
      {"65 headers", "6585 5", with_headers(65), Refused("431")},
      {"1000 headers", "6585 5", with_headers(1000), Refused("431")},
      {"8192 bytes", "9110 5.4", of_bytes(8192), kAccepted},
      {"8193 bytes", "6585 5", of_bytes(8193), Refused("431")},
      {"8192 bytes without an end", "6585 5", of_bytes(9000).substr(0, 8192), Refused("431")},
      {"8191 bytes without an end", "6585 5", of_bytes(9000).substr(0, 8191), ""},
      {"name without a colon", "6585 5", Changed("Host", std::string(9000, 'n')), Refused("431")},
      {"query of all that is left", "9110 4.1",
       Line("GET /sub?" + std::string(left - 1, 'q') + " HTTP/1.1"),
       kAccepted},
      {"query of one more", "6585 5", Line("GET /sub?" + std::string(left, 'q') + " HTTP/1.1"),
       Refused("431")},
  });
}

TEST(Hostile, Bodies) {
  const std::string inner(kUpgradeRequest);
  const std::string length = std::to_string(inner.size());
  CheckHostile(kNew, {
      {"Content-Length: 0", "9110 8.6", Added("Content-Length: 0"), kAccepted},
      {"Content-Length: -1", "9110 8.6", Added("Content-Length: -1"), Refused("413")},
      {"Content-Length: 0x0", "9110 8.6", Added("Content-Length: 0x0"), Refused("413")},
      {"Content-Length beyond 64 bits", "9110 8.6", Added("Content-Length: 18446744073709551616"),
       Refused("413")},
      {"a request for a body", "9112 11.2",
       Added("Content-Length: " + length) + inner, Refused("413")},
      {"a request in a chunk", "9112 11.2",
       Added("Transfer-Encoding: chunked") + "0\r\n\r\n" + inner,
       Refused("413")},
      {"an encoding nobody knows", "9112 6.1",
       Added("Transfer-Encoding: xchunked"), Refused("413")},
      {"a request behind one that is refused", "9112 9.3", Line("POST /sub HTTP/1.1") + inner,
       Refused("405")},
      {"Expect: 100-continue", "9110 10.1.1", Added("Expect: 100-continue"), kAccepted},
      {"underscore for the dash", "9110 5.1", Added("Transfer_Encoding: chunked"), kAccepted},
  });
}

TEST(Hostile, Handshakes) {
  CheckHostile(kNew, {
      {"Upgrade: websocket/13", "6455 4.2.1", Changed("websocket", "websocket/13"), Refused("400")},
      {"Upgrade: \"websocket\"", "6455 4.2.1",
       Changed("websocket", "\"websocket\""), Refused("400")},
      {"Upgrade: WEBSOCKET", "6455 4.2.1", Changed("websocket", "WEBSOCKET"), kAccepted},
      {"Upgrade: h2c, websocket", "9110 7.8", Changed("websocket", "h2c, websocket"), kAccepted},
      {"empty Upgrade", "9110 7.8", Changed("Upgrade: websocket", "Upgrade:"), Refused("400")},
      {"Proxy-Connection", "6455 4.2.1",
       Changed("Connection: Upgrade", "Proxy-Connection: Upgrade"),
       Refused("400")},
      {"Connection: \"Upgrade\"", "6455 4.2.1",
       Changed("Connection: Upgrade", "Connection: \"Upgrade\""),
       Refused("400")},
      {"Connection: upgrade;", "6455 4.2.1", Changed("Connection: Upgrade", "Connection: upgrade;"),
       Refused("400")},
      {"Connection: close, Upgrade", "9110 7.6.1",
       Changed("Connection: Upgrade", "Connection: close, Upgrade"),
       kAccepted},
      {"key of 16 zeros", "6455 4.1", Key("AAAAAAAAAAAAAAAAAAAAAA=="), kAccepted},
      {"blanks around the key", "9110 5.5", Key("\t dGhlIHNhbXBsZSBub25jZQ== \t"), kAccepted},
      {"padding within the key", "6455 4.2.1", Key("dGhlIHNhbXBsZSBub25jZ=Q="), Refused("400")},
      {"three characters of padding", "6455 4.2.1",
       Key("dGhlIHNhbXBsZSBub25jZ==="), Refused("400")},
      {"key in quotes", "6455 4.2.1", Key("\"dGhlIHNhbXBsZSBub25jZQ==\""), Refused("400")},
      {"keys in a list", "6455 4.2.1", Key("dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=="),
       Refused("400")},
      {"version 0", "6455 4.4", Version("0"), Refused("426")},
      {"version 12", "6455 4.4", Version("12"), Refused("426")},
      {"version 14", "6455 4.4", Version("14"), Refused("426")},
      {"version 255", "6455 4.4", Version("255"), Refused("426")},
      {"version +13", "6455 4.4", Version("+13"), Refused("426")},
      {"version 13;", "6455 4.4", Version("13;"), Refused("426")},
      {"version 13 with blanks", "9110 5.5", Version(" 13 \t"), kAccepted},
      {"two Origins", "6454 7.3", Added("Origin: http://a\r\nOrigin: http://b"), Refused("400")},
      {"two Content-Lengths of 0", "9112 6.3", Added("Content-Length: 0\r\ncontent-length: 0"),
       Refused("400")},
      {"extension nobody asked about", "6455 9.1", Added("Sec-WebSocket-Extensions: x-evil; a=\"b"),
       kAccepted},
      {"extensions of nothing", "6455 9.1", Added("Sec-WebSocket-Extensions: ,;=,"), kAccepted},
      {"subprotocol of nothing", "6455 11.3.4", Added("Sec-WebSocket-Protocol: ,\""), kAccepted},
  });
}

// The 101 is in the transcript's line; what comes behind it is told in the next.
std::string BehindTheUpgrade(std::string_view bytes) {
  const std::string transcript =
      wire::testing::CheckDecoder(kNew, std::string(kUpgradeRequest).append(bytes));
  EXPECT_EQ(transcript.substr(0, sizeof kAccepted - 1), kAccepted);
  return transcript.substr(transcript.find("\r\n\r\n\n") + 5);
}

// RFC 6455 4.1 has the client wait for the 101. Who does not is read like anybody else.
TEST(Hostile, BytesBehindTheRequest) {
  const std::string login = ClientFrame(0x82, Goim(7, 1, "{}"));
  EXPECT_EQ(BehindTheUpgrade(""), "");
  EXPECT_EQ(BehindTheUpgrade(login), "auth 1/7/1 \"{}\"\n");
  EXPECT_EQ(BehindTheUpgrade(ClientFrame(0x89, "p") + login), "output > 8a0170\nauth 1/7/1 \"{}\"\n");
  EXPECT_EQ(BehindTheUpgrade(kUpgradeRequest), kProtocol) << "a second handshake";
  EXPECT_EQ(BehindTheUpgrade("\r\n"), kProtocol) << "an empty line";
  EXPECT_EQ(BehindTheUpgrade("POST / HTTP/1.1\r\n"), kProtocol);
  EXPECT_EQ(BehindTheUpgrade(Goim(7, 1, "{}")), kProtocol) << "goim's frame without WebSocket's";
  EXPECT_EQ(BehindTheUpgrade(ParseVector("16 0301")), kProtocol) << "a TLS hello";
  EXPECT_EQ(BehindTheUpgrade(ClientFrame(0xC2, "x")), kProtocol) << "deflate was not agreed on";
}

TEST(Hostile, OtherProtocols) {
  const std::string good(kUpgradeRequest);
  CheckHostile(kNew, {
      {"goim on TCP", "9112 2.2", Goim(7, 1, "{}"), Refused("400")},
      {"PROXY protocol 1", "9112 3", "PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n" + good, Refused("400")},
      {"PROXY protocol 2", "9112 2.2",
       ParseVector("0d0a0d0a 00 0d0a515549540a 2100"), Refused("400")},
      {"SSH", "9112 3", "SSH-2.0-OpenSSH_9.2\r\n\r\n", Refused("400")},
      {"SMTP", "9112 3", "EHLO a\r\n\r\n", Refused("400")},
      {"Redis, inline", "9112 3", "PING\r\n\r\n", Refused("400")},
      {"SOCKS 5", "9112 2.2", ParseVector("05 01 00"), Refused("400")},
      {"RDP", "9112 2.2", ParseVector("03 00 00 13"), Refused("400")},
      {"MQTT", "9112 2.2", ParseVector("10 0c 00 04") + "MQTT", Refused("400")},
      {"TLS alert", "9112 2.2", ParseVector("15 0301 0002 02 28"), Refused("400")},
      {"SSL 2 hello", "9112 2.2", ParseVector("80 2e 01 00 02"), Refused("400")},
      {"RTSP", "9112 3", "OPTIONS /sub RTSP/1.0\r\n\r\n", Refused("400")},
      {"a WebSocket frame without a handshake", "6455 4.1", ClientFrame(0x82, Goim(7, 1, "{}")),
       Refused("400")},
      {"a ping without a handshake", "6455 4.1", ClientFrame(0x89, ""), Refused("400")},
  });
}

}  // namespace
}  // namespace halley::session::testing
