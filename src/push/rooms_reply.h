// RoomsReply: the reply to Rooms, written slice by slice as its rooms come, so that no turn pays for all of them.
//
// Threads    One shard's.
// Ownership  Owns what is written so far: the reply's bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "halley/push.pb.h"
#include "shard/job.h"

namespace halley::push {

class RoomsReply {
 public:
  // `scratch` is used for its memory.
  void Add(absl::Span<const shard::RoomCount> rooms, v1::RoomsResult* scratch);

  // The frame with the whole reply, in pieces to be sent one behind the other. Nothing may follow.
  std::vector<std::string> Finish(uint64_t request_id, uint64_t total);

 private:
  std::vector<std::string> slices_;  // of RoomsResult
};

}  // namespace halley::push
