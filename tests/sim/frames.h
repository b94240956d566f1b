// What a client makes of the bytes it gets, written from proto/README.md and RFC 6455 without a look
// at src/wire, so that the two can disagree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/rng.h"

namespace halley::sim {

struct Frame {
  int32_t op = 0;
  int32_t seq = 0;
  int16_t ver = 0;
  std::string body;
};

// One thing the server said.
struct Said {
  enum class Kind : uint8_t {
    kFrame,
    kPushed,    // WebSocket: a frame from within op 9, which no reply ever is
    kUpgraded,  // the 101
    kRefused,   // another HTTP status
    kPong,
    kClose,
  };
  Kind kind = Kind::kFrame;
  Frame frame;
  uint16_t code = 0;    // kClose, kRefused
  std::string payload;  // kPong
};

class ServerStream {
 public:
  explicit ServerStream(bool websocket) : websocket_(websocket), upgraded_(!websocket) {}

  // False: malformed, see wrong(). Nothing more may be fed then.
  bool Feed(std::string_view bytes, std::vector<Said>* said);
  const std::string& wrong() const { return wrong_; }
  // Nothing has begun that has not ended.
  bool whole() const { return buffer_.empty(); }

 private:
  bool Wrong(std::string what);
  // What can be taken from the front of the buffer; 0: not all there, or wrong.
  size_t TakeHttp(std::vector<Said>* said);
  size_t TakeMessage(std::vector<Said>* said);
  size_t TakeFrame(std::string_view bytes, Said::Kind kind, std::vector<Said>* said);
  bool TakePayload(uint8_t opcode, std::string_view payload, std::vector<Said>* said);

  const bool websocket_;
  bool upgraded_;
  bool refused_ = false;  // a body may follow, and the end
  bool closed_ = false;
  std::string buffer_;
  std::string wrong_;
};

// --- what clients send

std::string GoimFrame(const Frame& frame);
// With more headers, each with its CRLF.
std::string UpgradeRequest(std::string_view more_headers);
// A masked frame; `first` is its first byte.
std::string WsFrame(uint8_t first, std::string_view payload, uint32_t mask);
// A binary message, in one frame or several.
std::string WsMessage(std::string_view payload, Rng* rng);
std::string WsClose(uint16_t code, uint32_t mask);

}  // namespace halley::sim
