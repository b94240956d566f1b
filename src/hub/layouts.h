// Layouts: a push laid out for those it goes to: once for each encoding, however many they are, and
// not at all for one that nobody there uses.
//
// Threads    One shard's.
// Ownership  Borrows the push and the memory, which live as long. A layout's views die with either,
//            or when the memory is used for another push.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "hub/channel.h"
#include "wire/goim_frame.h"
#include "wire/websocket.h"

namespace halley::hub {

// A message to be delivered, as the pusher gave it.
struct Push {
  int32_t op = 0;
  bool batch = false;  // the body is a concatenation of complete goim frames
  std::string_view body;
  uint32_t receipt = kNone;  // who waits for it (Hub::receipts())
  uint64_t taken_ns = 0;     // when a shard took it from its pusher; 0: nobody times it
};

// What is sent for a push, in two parts. Nothing is initialised before it is made: a push seldom
// needs more than one of many.
class Layout {
 public:
  std::string_view prefix() const { return {prefix_, prefix_bytes_}; }
  std::string_view body() const { return {body_, body_bytes_}; }
  size_t bytes() const { return prefix_bytes_ + body_bytes_; }

 private:
  friend class Layouts;
  void SetBody(std::string_view body) {
    body_ = body.data();
    body_bytes_ = body.size();
  }

  char prefix_[wire::kPushPrefixBytesMax];
  uint16_t prefix_bytes_;
  const char* body_;
  size_t body_bytes_;
};

// Numbers for messages that are told theirs: thousandths of a millisecond since 1970 while no more
// than a thousand are needed in one, and always ascending. Below 2^53 until the year 2255.
class MessageIds {
 public:
  void SetTime(uint64_t wall_ms) { now_ = wall_ms * 1000; }
  // The first of `count` in a row.
  uint64_t Take(uint64_t count) {
    const uint64_t first = std::max(now_, last_ + 1);
    last_ = first + count - 1;
    return first;
  }

 private:
  uint64_t now_ = 0;
  uint64_t last_ = 0;
};

// What layouts are written to, where the body does not go as it is. Kept from push to push.
struct LayoutMemory {
  std::string json;
  std::array<std::string, 2> deflated;  // goim's, JSON
  std::array<std::string, 4> gopush;  // by encoding
  std::string gopusher;
  std::string v1_frames;
  std::array<std::string, 3> v1_json;  // by encoding
  MessageIds message_ids;
};

class Layouts {
 public:
  // `deflate_bytes` as HubLimits has it.
  Layouts(const Push& push, uint64_t deflate_bytes, LayoutMemory* memory)
      : push_(push), deflate_bytes_(deflate_bytes), memory_(memory) {}

  const Layout& For(wire::Encoding encoding) {
    const auto index = static_cast<size_t>(encoding);
    Layout& layout = layouts_[index];
    if ((made_ >> index & 1) == 0) {
      made_ |= uint32_t{1} << index;
      Make(encoding, &layout);
    }
    return layout;
  }

 private:
  void Make(wire::Encoding encoding, Layout* layout);
  void MakeFrame(wire::Encoding encoding, Layout* layout);
  std::string_view JsonEvent();
  void MakeJson(Layout* layout);
  void DeflateFrame(Layout* layout);
  void MakeEvent(Layout* layout);
  void MakeGopush(wire::Encoding encoding, Layout* layout);
  void MakeGopusher(Layout* layout);
  void MakeV1Frame(wire::Encoding encoding, Layout* layout);
  void MakeV1Json(wire::Encoding encoding, Layout* layout);
  void Deflate(wire::WsOpcode opcode, std::string_view headers, std::string* deflated,
               Layout* layout);

  const Push& push_;
  const uint64_t deflate_bytes_;
  LayoutMemory* const memory_;
  bool json_made_ = false;
  bool v1_frames_made_ = false;
  uint32_t made_ = 0;  // by encoding
  uint64_t message_id_ = 0;  // 0: not needed yet
  static_assert(wire::kEncodingsCount <= 32);
  std::array<Layout, wire::kEncodingsCount> layouts_;
};

}  // namespace halley::hub
