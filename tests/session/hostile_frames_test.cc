// Frames: reserved bits and opcodes, lengths, fragments, closing.
#include "session/hostile.h"
#include "wire/vectors.h"

namespace halley::session::testing {
namespace {

using wire::testing::ParseVector;

const std::string kHello = Message("hello");
const std::string kPart = ClientFrame(0x02, kHello.substr(0, 5));
const std::string kPing = ClientFrame(0x89, "p");
const std::string kPong = "output > 8a0170\n";

std::string Code(int code) {
  return {static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
}

// Each reserved bit on each opcode. Where permessage-deflate was agreed on, RSV1 may begin a message.
HostileCases ReservedBits(bool deflate) {
  HostileCases cases;
  for (const int opcode : {0, 1, 2, 8, 9, 10}) {
    for (const int bits : {0x40, 0x20, 0x10, 0x70}) {
      if (deflate && bits == 0x40 && (opcode == 1 || opcode == 2)) continue;
      const std::string frame = ClientFrame(static_cast<uint8_t>(0x80 | bits | opcode), "");
      cases.push_back({"reserved bits " + std::to_string(bits) + " on opcode " +
                           std::to_string(opcode),
                       deflate ? "7692 6" : "6455 5.2", opcode == 0 ? kPart + frame : frame,
                       kProtocol});
    }
  }
  return cases;
}

TEST(Hostile, ReservedBitsOnEveryOpcode) {
  CheckHostile(LoggedIn(), ReservedBits(false));
  CheckHostile(LoggedInDeflating(), ReservedBits(true));
}

TEST(Hostile, WhatItsFirstBytesProveIsNotWaitedFor) {
  CheckHostile(LoggedIn(), {
      {"opcode 4", "6455 5.2", ParseVector("84"), kProtocol},
      {"opcode 5", "6455 5.2", ParseVector("85"), kProtocol},
      {"opcode 6", "6455 5.2", ParseVector("86"), kProtocol},
      {"opcode 12", "6455 5.2", ParseVector("8c"), kProtocol},
      {"opcode 13", "6455 5.2", ParseVector("8d"), kProtocol},
      {"opcode 14", "6455 5.2", ParseVector("8e"), kProtocol},
      {"opcode 3 without FIN", "6455 5.2", ParseVector("03"), kProtocol},
      {"opcode 11 within a message", "6455 5.4", kPart + ParseVector("8b"), kProtocol},
      {"pong without FIN", "6455 5.5", ParseVector("0a"), kProtocol},
      {"ping without FIN within a message", "6455 5.5", kPart + ParseVector("09"), kProtocol},
      {"no mask, before the length", "6455 5.1", ParseVector("82 7f"), kProtocol},
      {"no mask on a pong", "6455 5.1", ParseVector("8a 00"), kProtocol},
      {"no mask on an empty message", "6455 5.1", ParseVector("82 00"), kProtocol},
      {"ping in a 16-bit length", "6455 5.5", ParseVector("89 fe"), kProtocol},
      {"ping in a 64-bit length", "6455 5.5", ParseVector("89 ff"), kProtocol},
      {"pong in a 16-bit length", "6455 5.5", ParseVector("8a fe"), kProtocol},
      {"close in a 16-bit length", "6455 5.5.1", ParseVector("88 fe"), kProtocol},
      {"close in a 64-bit length", "6455 5.5.1", ParseVector("88 ff"), kProtocol},
  });
}

TEST(Hostile, Lengths) {
  const auto of = [](size_t bytes) { return ClientFrame(0x82, Message(std::string(bytes - 16, 'b'))); };
  const auto told = [](size_t bytes) { return Told(std::string(bytes - 16, 'b')); };
  CheckHostile(LoggedIn(), {
      {"125 bytes in 7 bits", "6455 5.2", of(125), told(125)},
      {"126 bytes in 16 bits", "6455 5.2", of(126), told(126)},
      {"127 bytes in 16 bits", "6455 5.2", of(127), told(127)},
      {"125 bytes in 16 bits", "6455 5.2", ParseVector("82 fe 007d"), kProtocol},
      {"0 bytes in 16 bits", "6455 5.2", ParseVector("81 fe 0000"), kProtocol},
      {"0 bytes in 64 bits", "6455 5.2", ParseVector("81 ff 0000000000000000"), kProtocol},
      {"126 bytes in 64 bits", "6455 5.2", ParseVector("82 ff 000000000000007e"), kProtocol},
      {"a fragment's length in 64 bits", "6455 5.2",
       kPart + ParseVector("80 ff 0000000000000005"), kProtocol},
      {"top bit, and 16 bytes", "6455 5.2", ParseVector("82 ff 8000000000000010"), kProtocol},
      {"all bits", "6455 5.2", ParseVector("82 ff ffffffffffffffff"), kProtocol},
      {"top bit on text", "6455 5.2", ParseVector("81 ff 8000000000010000"), kProtocol},
      {"top bit on a continuation", "6455 5.2", kPart + ParseVector("80 ff 8000000000010000"),
       kProtocol},
      {"2^32 + 16 bytes", "6455 10.4",
       ParseVector("82 ff 0000000100000010 00000000") + kHello, kTooBig},
      {"2^32 + 16 bytes in a continuation", "6455 10.4",
       kPart + ParseVector("80 ff 0000000100000010 00000000"), kTooBig},
      {"2^63 - 1 bytes in a continuation", "6455 10.4",
       kPart + ParseVector("80 ff 7fffffffffffffff 00000000"), kTooBig},
      {"mask of zeros", "6455 5.3", ClientFrame(0x82, kHello, std::string_view("\0\0\0\0", 4)),
       Told("hello")},
      {"mask of ones", "6455 5.3", ClientFrame(0x82, kHello, "\xFF\xFF\xFF\xFF"), Told("hello")},
  });
}

TEST(Hostile, MessagesAtTheirLimit) {
  const SessionLimits limits{.frame_body_bytes = 104, .message_bytes = 120};
  const std::string most = Message(std::string(104, 'm'));
  const std::string told = Told(std::string(104, 'm'));
  const std::string half = most.substr(0, 60), rest = most.substr(60);
  CheckHostile(LoggedIn(limits), {
      {"120 bytes", "6455 10.4", ClientFrame(0x82, most), told},
      {"120 bytes of text", "6455 10.4", ClientFrame(0x81, most), told},
      {"121 bytes, of which none came", "6455 10.4", ParseVector("82 f9 00000000"), kTooBig},
      {"121 bytes of text", "6455 10.4", ClientFrame(0x81, most + "m"), kTooBig},
      {"first fragment of 121 bytes", "6455 10.4", ParseVector("02 f9 00000000"), kTooBig},
      {"60 and 60 bytes", "6455 10.4", ClientFrame(0x02, half) + ClientFrame(0x80, rest), told},
      {"60 and 61 bytes, of which none came", "6455 10.4",
       ClientFrame(0x02, half) + ParseVector("80 bd 00000000"), kTooBig},
      {"120 bytes and an empty end", "6455 10.4", ClientFrame(0x02, most) + ClientFrame(0x80, ""),
       told},
      {"120 bytes and one more", "6455 10.4", ClientFrame(0x02, most) + ClientFrame(0x80, "m"),
       kTooBig},
      {"120 bytes, twice", "6455 10.4", ClientFrame(0x82, most) + ClientFrame(0x82, most),
       told + told},
      {"120 bytes after a ping within", "6455 10.4",
       ClientFrame(0x02, half) + kPing + ClientFrame(0x80, rest), kPong + told},
  });
}

// kHello in so many fragments, the last ones empty.
std::string InFragments(int fragments) {
  std::string bytes = kPart + ClientFrame(0x00, kHello.substr(5));
  for (int i = 2; i < fragments - 1; ++i) bytes += ClientFrame(0x00, "");
  return bytes + ClientFrame(0x80, "");
}

std::string Times(int count, std::string_view text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

TEST(Hostile, Fragments) {
  const std::string rest = ClientFrame(0x80, kHello.substr(5));
  const std::string pings = Times(500, kPing), pongs = Times(500, kPong);
  CheckHostile(LoggedIn(), {
      {"64 fragments", "6455 10.4", InFragments(64), Told("hello")},
      {"65 fragments of a good message", "6455 10.4", InFragments(65), kTooBig},
      {"64 fragments, twice", "6455 10.4", InFragments(64) + InFragments(64),
       Told("hello") + Told("hello")},
      {"fragments without an end", "6455 10.4", kPart + Times(70, ClientFrame(0x00, "")), kTooBig},
      {"empty first fragment", "6455 5.4", ClientFrame(0x02, "") + ClientFrame(0x80, kHello),
       Told("hello")},
      {"empty fragment within", "6455 5.4", kPart + ClientFrame(0x00, "") + rest, Told("hello")},
      {"500 pings within a message", "6455 5.4", kPart + pings + rest, pongs + Told("hello")},
      {"500 pongs within a message", "6455 5.5.3",
       kPart + Times(500, ClientFrame(0x8A, "p")) + rest,
       Told("hello")},
      {"pings between empty fragments", "6455 5.4",
       ClientFrame(0x02, "") + kPing + ClientFrame(0x00, "") + kPing + ClientFrame(0x80, kHello),
       kPong + kPong + Told("hello")},
      {"ping of 125 bytes within a message", "6455 5.5.2",
       kPart + ClientFrame(0x89, std::string(125, 'p')) + rest,
       "output > 8a7d" + Hex(std::string(125, 'p')) + "\n" + Told("hello")},
      {"pong of 126 bytes", "6455 5.5", ClientFrame(0x8A, std::string(126, 'p')), kProtocol},
      {"continuation after fragments that ended", "6455 5.4", kPart + rest + ClientFrame(0x00, "x"),
       Told("hello") + kProtocol},
      {"continuation after a ping", "6455 5.4", kPing + ClientFrame(0x80, kHello),
       kPong + kProtocol},
      {"empty continuation first", "6455 5.4", ClientFrame(0x80, ""), kProtocol},
      {"empty message within a message", "6455 5.4", kPart + ClientFrame(0x82, ""), kProtocol},
      {"text within a binary message", "6455 5.4", kPart + ClientFrame(0x81, kHello), kProtocol},
      {"binary within text", "6455 5.4",
       ClientFrame(0x01, kHello.substr(0, 5)) + ClientFrame(0x02, ""),
       kProtocol},
      {"new message after a ping within one", "6455 5.4", kPart + kPing + ClientFrame(0x82, kHello),
       kPong + kProtocol},
      {"request for another handshake within a message", "6455 4.1",
       kPart + std::string(kUpgradeRequest), kProtocol},
  });
}

TEST(Hostile, EveryCloseCodeHasItsAnswer) {
  HostileCases cases;
  const auto add = [&](int code, bool good) {
    cases.push_back({"code " + std::to_string(code), "6455 7.4", ClientFrame(0x88, Code(code)),
                     good ? "close peer_closed > 8802" + Hex(Code(code)) + "\n" : kProtocol});
  };
  for (const int code : {1000, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000,
                         3999, 4000, 4096, 4999}) {
    add(code, true);
  }
  for (const int code : {1, 256, 1017, 1100, 2000, 2998, 5001, 32768, 65535}) add(code, false);
  CheckHostile(LoggedIn(), cases);
}

TEST(Hostile, ClosingIsTheEnd) {
  const std::string close = ClientFrame(0x88, Code(1000));
  const auto reason = [](std::string_view text) { return ClientFrame(0x88, Code(1000).append(text)); };
  CheckHostile(LoggedIn(), {
      {"message after the close", "6455 5.5.1", close + ClientFrame(0x82, kHello), kClosed},
      {"ping after the close", "6455 5.5.1", close + kPing, kClosed},
      {"close after the close", "6455 5.5.1", close + ClientFrame(0x88, Code(1001)), kClosed},
      {"garbage after the close", "6455 5.5.1", close + "\xFF\xFF\xFF", kClosed},
      {"close within a message", "6455 5.4", kPart + close + ClientFrame(0x80, ""), kClosed},
      {"message after a wrong frame", "6455 7.1.7",
       ParseVector("83 80 00000000") + ClientFrame(0x82, kHello),
       kProtocol},
      {"close after a wrong frame", "6455 7.1.7", ParseVector("83 80 00000000") + close, kProtocol},
      {"close of one byte within a message", "6455 5.5.1", kPart + ClientFrame(0x88, "\x03"),
       kProtocol},
      {"reason of 123 bytes", "6455 5.5", reason(std::string(123, 'r')), kClosed},
      {"reason of 124 bytes", "6455 5.5", reason(std::string(124, 'r')), kProtocol},
      {"NUL in the reason", "6455 5.5.1", reason(std::string_view("a\0b", 3)), kClosed},
      {"U+FFFF in the reason", "3629 3", reason("\xEF\xBF\xBF"), kClosed},
      {"overlong form in the reason", "3629 3", reason("\xC0\x80"), kUtf8},
      {"surrogate in the reason", "3629 3", reason("\xED\xBF\xBF"), kUtf8},
      {"reason above U+10FFFF", "3629 3", reason("\xF4\x90\x80\x80"), kUtf8},
      {"lone continuation byte in the reason", "3629 3", reason("\x80"), kUtf8},
      {"wrong code and wrong reason", "6455 7.4.1", ClientFrame(0x88, Code(1005) + "\xFF"),
       kProtocol},
      {"close with a mask only half there", "6455 5.2", close.substr(0, 4), ""},
  });
  CheckHostile(Upgraded(), {
      {"close before the login", "6455 5.5.1",
       close + ClientFrame(0x82, Goim(7, 1, "{}")), kClosed},
  });
}

}  // namespace
}  // namespace halley::session::testing
