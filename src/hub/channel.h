// Channel: a logged-in client as the hub sees it. Lives at its connection's slot number.
#pragma once

#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "base/chunked_array.h"
#include "base/compact_text.h"
#include "wire/goim_frame.h"

namespace halley::hub {

class Lane;

inline constexpr uint32_t kNone = UINT32_MAX;

// A channel's place in one lane. The lane keeps `index` up to date.
struct Membership {
  Lane* lane;
  uint32_t index;
};

struct Channel {
  bool live = false;
  bool held = false;      // blocked, or within a message: nobody else may send, so it is lagging in
                          // every lane
  bool muted = false;     // has not been told that it is logged in: nothing but replies may be sent
  bool answered = false;  // a long poll: has its response, or it waits; nothing else may be sent
  bool queued = false;    // on the hub's list of channels with something of their own to send
  wire::Encoding encoding = wire::Encoding::kGoimTcp;
  int32_t fd = -1;
  uint32_t generation = 0;
  uint32_t outbox = kNone;
  uint32_t blocked_node = kNone;    // of the hub's BlockedList, while blocked
  uint32_t accept_set = kNone;
  uint32_t stray_index = kNone;     // its place among those without a broadcast lane
  uint32_t next_same_key = kNone;   // newest first
  uint32_t next_same_mid = kNone;
  uint32_t previous_same_mid = kNone;
  int64_t mid = 0;
  base::CompactText key;
  // Its socket took less than offered: it waits for a writable edge.
  bool blocked() const { return blocked_node != kNone; }

  absl::InlinedVector<Membership, 2> memberships;  // the broadcast lane first, when it has one
};

static_assert(sizeof(Channel) <= 112);

using ChannelTable = base::ChunkedArray<Channel>;

}  // namespace halley::hub
