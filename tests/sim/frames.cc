#include "sim/frames.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace halley::sim {
namespace {

constexpr size_t kHeader = 16;
constexpr size_t kHttpBytesMax = 4096;

uint64_t BigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

void PutBigEndian(uint64_t value, int bytes, std::string* to) {
  while (bytes-- > 0) to->push_back(static_cast<char>(value >> 8 * bytes));
}

}  // namespace

bool ServerStream::Wrong(std::string what) {
  wrong_ = std::move(what);
  return false;
}

bool ServerStream::Feed(std::string_view bytes, std::vector<Said>* said) {
  if (closed_ && !bytes.empty()) return Wrong("bytes after a close frame");
  buffer_.append(bytes);
  while (!buffer_.empty() && wrong_.empty()) {
    size_t used = 0;
    if (refused_) {
      used = buffer_.size();
    } else if (!upgraded_) {
      used = TakeHttp(said);
    } else if (websocket_) {
      used = TakeMessage(said);
    } else {
      used = TakeFrame(buffer_, Said::Kind::kFrame, said);
    }
    if (used == 0) break;
    buffer_.erase(0, used);
    if (closed_ && !buffer_.empty()) return Wrong("bytes after a close frame");
  }
  return wrong_.empty();
}

size_t ServerStream::TakeHttp(std::vector<Said>* said) {
  const size_t end = buffer_.find("\r\n\r\n");
  if (end == std::string::npos) {
    if (buffer_.size() > kHttpBytesMax) Wrong("an endless HTTP answer");
    return 0;
  }
  if (!buffer_.starts_with("HTTP/1.1 ")) {
    Wrong("an HTTP answer that is none");
    return 0;
  }
  Said answer;
  answer.code = static_cast<uint16_t>(std::atoi(buffer_.c_str() + 9));
  upgraded_ = answer.code == 101;
  refused_ = !upgraded_;
  answer.kind = upgraded_ ? Said::Kind::kUpgraded : Said::Kind::kRefused;
  said->push_back(std::move(answer));
  return end + 4;
}

size_t ServerStream::TakeMessage(std::vector<Said>* said) {
  const std::string_view all = buffer_;
  if (all.size() < 2) return 0;
  const auto first = static_cast<uint8_t>(all[0]);
  const auto second = static_cast<uint8_t>(all[1]);
  if ((first & 0xf0) != 0x80) Wrong("a frame in fragments, or with reserved bits");
  if ((second & 0x80) != 0) Wrong("a masked frame from the server");
  if (!wrong_.empty()) return 0;
  size_t header = 2;
  uint64_t length = second;
  if (second >= 126) {
    const size_t extended = second == 126 ? 2 : 8;
    header += extended;
    if (all.size() < header) return 0;
    length = BigEndian(all.substr(2, extended));
    if (length < (second == 126 ? 126u : 65536u)) {
      Wrong("a length that is not minimal");
      return 0;
    }
  }
  if (all.size() - header < length) return 0;
  const std::string_view payload = all.substr(header, static_cast<size_t>(length));
  if (!TakePayload(first & 0x0f, payload, said)) return 0;
  return header + payload.size();
}

bool ServerStream::TakePayload(uint8_t opcode, std::string_view payload, std::vector<Said>* said) {
  Said control;
  if (opcode == 8) {
    closed_ = true;
    control.kind = Said::Kind::kClose;
    if (payload.size() == 1) return Wrong("a close frame of one byte");
    if (payload.size() >= 2) control.code = static_cast<uint16_t>(BigEndian(payload.substr(0, 2)));
    said->push_back(std::move(control));
    return true;
  }
  if (opcode == 10) {
    control.kind = Said::Kind::kPong;
    control.payload = payload;
    said->push_back(std::move(control));
    return true;
  }
  if (opcode != 2) return Wrong("an opcode that is neither binary, pong nor close");
  if (payload.size() < kHeader || BigEndian(payload.substr(0, 4)) != payload.size()) {
    return Wrong("a message that is not exactly one frame");
  }
  if (BigEndian(payload.substr(8, 4)) != 9) {
    return TakeFrame(payload, Said::Kind::kFrame, said) == payload.size();
  }
  std::string_view inner = payload.substr(kHeader);
  if (inner.empty()) return Wrong("an empty op 9");
  while (!inner.empty()) {
    const size_t used = TakeFrame(inner, Said::Kind::kPushed, said);
    if (used == 0) return Wrong("an op 9 with half a frame");
    inner.remove_prefix(used);
  }
  return true;
}

size_t ServerStream::TakeFrame(std::string_view bytes, Said::Kind kind, std::vector<Said>* said) {
  if (bytes.size() < kHeader) return 0;
  const uint64_t length = BigEndian(bytes.substr(0, 4));
  if (length < kHeader || length > (1u << 24) || BigEndian(bytes.substr(4, 2)) != kHeader) {
    Wrong("a torn frame");
    return 0;
  }
  if (bytes.size() < length) return 0;
  Said frame;
  frame.kind = kind;
  frame.frame.ver = static_cast<int16_t>(BigEndian(bytes.substr(6, 2)));
  frame.frame.op = static_cast<int32_t>(BigEndian(bytes.substr(8, 4)));
  frame.frame.seq = static_cast<int32_t>(BigEndian(bytes.substr(12, 4)));
  frame.frame.body = bytes.substr(kHeader, static_cast<size_t>(length) - kHeader);
  said->push_back(std::move(frame));
  return static_cast<size_t>(length);
}

// --- what clients send

std::string GoimFrame(const Frame& frame) {
  std::string bytes;
  PutBigEndian(kHeader + frame.body.size(), 4, &bytes);
  PutBigEndian(kHeader, 2, &bytes);
  PutBigEndian(static_cast<uint16_t>(frame.ver), 2, &bytes);
  PutBigEndian(static_cast<uint32_t>(frame.op), 4, &bytes);
  PutBigEndian(static_cast<uint32_t>(frame.seq), 4, &bytes);
  return bytes + frame.body;
}

std::string UpgradeRequest(std::string_view more_headers) {
  constexpr char kFixed[] =
      "GET /sub HTTP/1.1\r\nHost: sim\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
      "Cookie: who=sim\r\n";
  return std::string(kFixed).append(more_headers).append("\r\n");
}

std::string WsFrame(uint8_t first, std::string_view payload, uint32_t mask) {
  std::string frame(1, static_cast<char>(first));
  if (payload.size() < 126) {
    frame.push_back(static_cast<char>(0x80 | payload.size()));
  } else if (payload.size() < 65536) {
    frame.push_back(static_cast<char>(0x80 | 126));
    PutBigEndian(payload.size(), 2, &frame);
  } else {
    frame.push_back(static_cast<char>(0x80 | 127));
    PutBigEndian(payload.size(), 8, &frame);
  }
  PutBigEndian(mask, 4, &frame);
  for (size_t i = 0; i < payload.size(); ++i) {
    frame.push_back(static_cast<char>(static_cast<uint8_t>(payload[i]) ^ (mask >> 8 * (3 - i % 4))));
  }
  return frame;
}

std::string WsMessage(std::string_view payload, Rng* rng) {
  std::string bytes;
  size_t left = rng->Below(4) == 0 ? static_cast<size_t>(rng->Between(1, 4)) : 0;
  for (uint8_t opcode = 2;; opcode = 0) {
    const bool last = left-- == 0;
    const size_t count =
        last ? payload.size() : static_cast<size_t>(rng->Below(payload.size() + 1));
    bytes += WsFrame(static_cast<uint8_t>(opcode | (last ? 0x80 : 0)), payload.substr(0, count),
                     static_cast<uint32_t>(rng->Next()));
    payload.remove_prefix(count);
    if (last) return bytes;
  }
}

std::string WsClose(uint16_t code, uint32_t mask) {
  std::string payload;
  PutBigEndian(code, 2, &payload);
  return WsFrame(0x88, payload, mask);
}

}  // namespace halley::sim
