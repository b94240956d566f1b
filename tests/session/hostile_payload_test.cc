// Payloads: text that is not UTF-8, and what is no deflate stream or too much of one.
#include "session/hostile.h"
#include "wire/permessage_deflate.h"
#include "wire/vectors.h"

namespace halley::session::testing {
namespace {

using wire::testing::ParseVector;

// --- text

struct Piece {
  const char* name;
  std::string_view bytes;
};

constexpr Piece kCharacters[] = {
    {"U+007F", "\x7F"},
    {"U+0080", "\xC2\x80"},
    {"U+07FF", "\xDF\xBF"},
    {"U+0800", "\xE0\xA0\x80"},
    {"U+D7FF", "\xED\x9F\xBF"},
    {"U+E000", "\xEE\x80\x80"},
    {"U+FEFF", "\xEF\xBB\xBF"},
    {"U+FFFF", "\xEF\xBF\xBF"},
    {"U+10000", "\xF0\x90\x80\x80"},
    {"U+1FFFE", "\xF0\x9F\xBF\xBE"},
    {"U+10FFFF", "\xF4\x8F\xBF\xBF"},
    {"U+0000", {"\0", 1}},
};

// Each ends with the byte that proves it.
constexpr Piece kNoCharacters[] = {
    {"lone continuation byte", "\x80"},
    {"last continuation byte", "\xBF"},
    {"overlong slash", "\xC0"},
    {"overlong U+007F", "\xC1"},
    {"overlong in three bytes, least", "\xE0\x80"},
    {"overlong in three bytes, most", "\xE0\x9F"},
    {"overlong in four bytes, least", "\xF0\x80"},
    {"overlong in four bytes, most", "\xF0\x8F"},
    {"first surrogate", "\xED\xA0"},
    {"last surrogate", "\xED\xBF"},
    {"U+110000", "\xF4\x90"},
    {"U+13FFFF", "\xF4\xBF"},
    {"U+140000", "\xF5"},
    {"five bytes", "\xF8"},
    {"six bytes", "\xFC"},
    {"byte FE", "\xFE"},
    {"byte FF", "\xFF"},
    {"ASCII in a character of two", "\xC3(" },
    {"ASCII in a character of three", "\xE2\x82(" },
    {"ASCII in a character of four", "\xF0\x9F\x98(" },
    {"beginning within a character", "\xE2\xE2"},
    {"third byte of two", "\xC3\xBC\xBC"},
};

TEST(Hostile, EveryEdgeOfUnicodeMayBeText) {
  HostileCases cases;
  for (const Piece& piece : kCharacters) {
    cases.push_back({piece.name, "3629 3", ClientFrame(0x81, Message(piece.bytes)), Told(piece.bytes)});
    // Between fragments, an empty one and a ping in the middle of it.
    const std::string frame = Message(std::string("<").append(piece.bytes));
    for (size_t at = 1; at < piece.bytes.size(); ++at) {
      const size_t cut = frame.size() - piece.bytes.size() + at;
      cases.push_back({std::string(piece.name) + " cut at " + std::to_string(at), "6455 5.6",
                       ClientFrame(0x01, frame.substr(0, cut)) + ClientFrame(0x00, "") +
                           ClientFrame(0x89, "\xFF") + ClientFrame(0x80, frame.substr(cut)),
                       "output > 8a01ff\n" + Told(std::string("<").append(piece.bytes))});
    }
  }
  CheckHostile(LoggedIn(), cases);
}

TEST(Hostile, TextThatIsNoneFailsAtTheByteThatProvesIt) {
  HostileCases cases;
  for (const Piece& piece : kNoCharacters) {
    const std::string name = piece.name;
    const std::string message = Message(std::string("a").append(piece.bytes).append("tail"));
    const size_t proof = message.size() - 4;
    // A fragment of which no more came than what proves it: header, mask, payload.
    cases.push_back({name, "6455 8.1", ClientFrame(0x01, message).substr(0, 2 + 4 + proof), kUtf8});
    cases.push_back({name + ", at the start of a fragment", "6455 8.1",
                     ClientFrame(0x01, message.substr(0, proof - piece.bytes.size())) +
                         ClientFrame(0x00, piece.bytes), kUtf8});
    cases.push_back({name + ", over fragments", "6455 8.1",
                     ClientFrame(0x01, message.substr(0, proof - 1)) +
                         ClientFrame(0x80, message.substr(proof - 1)), kUtf8});
    cases.push_back({name + ", in binary", "6455 5.6", ClientFrame(0x82, message),
                     Told(std::string("a").append(piece.bytes).append("tail"))});
  }
  CheckHostile(LoggedIn(), cases);
}

TEST(Hostile, TextThatEndsWithinACharacter) {
  HostileCases cases;
  for (const std::string_view half : {"\xC3", "\xE2", "\xE2\x82", "\xF0", "\xF0\x9F", "\xF0\x9F\x98"}) {
    const std::string name = Hex(half);
    const std::string message = Message(half);
    cases.push_back({name, "6455 8.1", ClientFrame(0x81, message), kUtf8});
    cases.push_back({name + ", then an empty end", "6455 8.1",
                     ClientFrame(0x01, message) + ClientFrame(0x80, ""), kUtf8});
    cases.push_back({name + ", goes on in the next message", "6455 8.1",
                     ClientFrame(0x81, message) + ClientFrame(0x81, "\x9F"), kUtf8});
    cases.push_back({name + ", not ended", "6455 8.1", ClientFrame(0x01, message), ""});
  }
  CheckHostile(LoggedIn(), cases);
}

// --- permessage-deflate

std::string Deflated(std::string_view text) {
  std::string out;
  wire::DeflateMessage({text}, &out);
  return out;
}

// A block that is not compressed (RFC 1951 3.2.4); `first` is its header.
std::string Stored(char first, std::string_view data) {
  const auto low = static_cast<char>(data.size() & 0xFF), high = static_cast<char>(data.size() >> 8);
  return std::string({first, low, high, static_cast<char>(~low), static_cast<char>(~high)}).append(data);
}

// What a message ends with: the header of the empty block whose rest is left out (RFC 7692 7.2.1).
const std::string kEnd(1, '\0');
const SessionLimits kSmall{.frame_body_bytes = 984, .message_bytes = 1000};

TEST(Hostile, StreamsThatAreNotDeflate) {
  const std::string hello = Message("hello");
  const std::string good = Stored(0, hello) + kEnd;
  std::string wrong_length = good;
  wrong_length[3] = static_cast<char>(wrong_length[3] ^ 1);
  std::string empties;
  for (int i = 0; i < 150; ++i) empties += Stored(0, "");
  const auto frame = [](std::string_view payload) { return ClientFrame(0xC2, payload); };
  CheckHostile(LoggedInDeflating(kSmall), {
      {"block that is not compressed", "7692 7.2.3.3", frame(good), Told("hello")},
      {"final block", "7692 7.2.3.4", frame(Stored(1, hello) + kEnd), Told("hello")},
      {"two final blocks", "7692 7.2.3.4",
       frame(Stored(1, hello.substr(0, 3)) + Stored(1, hello.substr(3)) + kEnd), Told("hello")},
      {"garbage behind a final block", "7692 7.2.2",
       frame(Stored(1, hello) + "\xFF\xFF"), kProtocol},
      {"no end", "7692 7.2.2", frame(Stored(0, hello)), kProtocol},
      {"block cut short", "7692 7.2.2", frame(good.substr(0, 12)), kProtocol},
      {"length that does not fit its complement", "1951 3.2.4", frame(wrong_length), kProtocol},
      {"block type 3", "1951 3.2.3", frame(ParseVector("06 00")), kProtocol},
      {"final block of type 3", "1951 3.2.3", frame(ParseVector("07 00")), kProtocol},
      {"length symbol 286", "1951 3.2.6", frame(ParseVector("1a 03 00")), kProtocol},
      {"distance before the beginning", "1951 3.2.5", frame(ParseVector("02 02 00 00")), kProtocol},
      {"distance into the message before", "7692 7.1.1.2",
       frame(good) + frame(ParseVector("02 02 00 00")), Told("hello") + kProtocol},
      {"too many length symbols", "1951 3.2.7", frame(ParseVector("fc ff ff")), kProtocol},
      {"no payload", "7692 7.2.3.6", frame(""), kProtocol},
      {"empty message", "7692 7.2.3.6", frame(kEnd), kBadFrame},
      {"150 empty blocks", "7692 7.2.3.5", frame(empties + good), Told("hello")},
      {"150 empty blocks and nothing", "7692 7.2.3.5", frame(empties + kEnd), kBadFrame},
      {"plain message that looks compressed", "7692 6", ClientFrame(0x82, good), kTooBig},
      {"plain fragment behind a compressed one", "7692 6.1",
       ClientFrame(0x42, good.substr(0, 7)) + ClientFrame(0x80, good.substr(7)), Told("hello")},
      {"compressed message within one", "6455 5.4",
       ClientFrame(0x42, good.substr(0, 7)) + frame(good), kProtocol},
      {"RSV1 on the empty end of a message", "7692 6.1",
       ClientFrame(0x42, good) + ClientFrame(0xC0, ""),
       kProtocol},
      {"compressed, then plain, then compressed", "7692 6",
       frame(good) + ClientFrame(0x82, hello) + frame(good), Told("hello") + Told("hello") + Told("hello")},
      {"text that is none once inflated", "6455 8.1",
       ClientFrame(0xC1, Stored(0, Message("\xED\xA0\x80")) + kEnd), kUtf8},
      {"bytes that are no text before they are inflated", "6455 8.1",
       ClientFrame(0xC1, Deflated(hello)), Told("hello")},
  });
}

TEST(Hostile, BombsAreStoppedAtTheLimit) {
  const auto bomb = [](size_t bytes) { return Deflated(Message(std::string(bytes - 16, 'b'))); };
  const auto in_bytes = [](std::string_view payload) {
    std::string frames;
    for (size_t at = 0; at < payload.size(); ++at) {
      const int fin = at + 1 == payload.size() ? 0x80 : 0x00;
      frames += ClientFrame(static_cast<uint8_t>(fin | (at == 0 ? 0x42 : 0)), payload.substr(at, 1));
    }
    return frames;
  };
  ASSERT_LE(bomb(1000).size(), 64u) << "no more than fragments";
  const std::string told = Told(std::string(984, 'b'));
  CheckHostile(LoggedInDeflating(kSmall), {
      {"1000 bytes in fragments of one", "7692 8.2", in_bytes(bomb(1000)), told},
      {"1001 bytes in fragments of one", "7692 8.2", in_bytes(bomb(1001)), kTooBig},
      {"200,000 bytes", "7692 8.2", ClientFrame(0xC2, bomb(200'000)), kTooBig},
      {"too much, and no text", "7692 8.2",
       ClientFrame(0xC1, Deflated(Message(std::string(5000, '\xFF')))), kTooBig},
      {"too much, and cut short", "7692 8.2",
       ClientFrame(0xC2, bomb(100'000).substr(0, 50)), kTooBig},
      {"too much before it is inflated", "6455 10.4", ParseVector("c2 fe 03e9 00000000"), kTooBig},
      {"1000 bytes, twice", "7692 8.2",
       ClientFrame(0xC2, bomb(1000)) + ClientFrame(0xC2, bomb(1000)),
       told + told},
  });
}

}  // namespace
}  // namespace halley::session::testing
