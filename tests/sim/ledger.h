// Ledger: every message that pushers sent, and what they were told of it.
//
// A message's body names it, so that a client can look it up, and the bytes behind the name are a
// function of it, so that a byte in the wrong place shows.
//
// Stamps are SimCore::Stamp(): one order for everything that happens in a run. `sent` is before any
// byte of the request left the pusher, `done` when the reply was taken by the pusher's socket: what
// the push did to rooms and queues, it did between the two.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "halley/push.pb.h"
#include "sim/sim_core.h"

namespace halley::sim {

enum class PushKind : uint8_t { kKeys, kMids, kRooms, kAll };

struct Message {
  uint32_t id = 0;
  PushKind kind = PushKind::kKeys;
  std::vector<std::string> names;  // keys or rooms
  std::vector<int64_t> mids;
  int32_t op = 1000;
  uint16_t parts = 1;      // frames; above 1: a batch
  size_t body_bytes = 0;   // of each frame, at least kNameBytes
  uint32_t pace = 0;
  uint32_t confirm_ms = 0;
  uint32_t pusher = 0;     // which connection
  uint64_t sent = SimCore::kNever;
  uint64_t done = SimCore::kNever;
  // Of the reply.
  uint64_t taken = 0;
  std::map<uint32_t, push::v1::Refusal> refused;  // by target
  std::vector<uint64_t> sequence;                 // by target; kRooms
  uint64_t delivered = 0;                         // with confirm_ms
  uint64_t pending = 0;

  bool replied() const { return done != SimCore::kNever; }
  bool batch() const { return parts > 1; }
  size_t targets_count() const { return names.size() + mids.size(); }
};

// What a pushed frame says of itself.
struct Named {
  uint32_t id = 0;
  uint16_t part = 0;
  uint16_t parts = 0;
};

class Ledger {
 public:
  static constexpr size_t kNameBytes = 16;

  // The new message's id is its index.
  Message& Add(PushKind kind) {
    messages_.emplace_back();
    messages_.back().id = static_cast<uint32_t>(messages_.size() - 1);
    messages_.back().kind = kind;
    return messages_.back();
  }
  Message& at(uint32_t id) { return messages_[id]; }
  const Message& at(uint32_t id) const { return messages_[id]; }
  const std::vector<Message>& messages() const { return messages_; }

  // One frame's body, and the body of the push (frames back to back for a batch).
  static std::string FrameBody(const Message& message, uint16_t part);
  static std::string PushBody(const Message& message);
  // False: not a body of ours, or not whole.
  bool Read(std::string_view body, int32_t op, Named* named) const {
    return Read(body, named) && at(named->id).op == op;
  }
  // The same where the op is not told.
  bool Read(std::string_view body, Named* named) const;

  // Sums over replied messages.
  uint64_t TakenSum() const;
  bool AllReplied() const;

 private:
  std::vector<Message> messages_;
};

}  // namespace halley::sim
