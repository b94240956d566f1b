// A request of the push port as a shard::Job, and a shard::JobResult as its reply. The limits that
// belong to a request are checked here, each with a sentence for the pusher.
//
// Ownership  Decoding moves bodies and names out of the request.
// Limits     Names and mids are bounded by the size of a request; the rest by JobLimits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "halley/push.pb.h"
#include "shard/job.h"

namespace halley::push {

inline constexpr uint32_t kRoomsDefault = 1000;  // listed when Rooms.limit is 0
inline constexpr uint32_t kRoomsMax = 10'000;    // the largest Rooms.limit, but of this process' own
inline constexpr uint32_t kConfirmMsMax = 60'000;  // the largest Message.confirm_ms

inline constexpr uint32_t kDrainMsMax = 86'400'000;  // the largest of Drain's

// Why a request was not carried out.
struct Fault {
  v1::Code code;
  std::string error;
};

struct JobLimits {
  uint32_t body_bytes = 0;        // of one pushed message
  uint32_t rooms = kRoomsMax;     // that Rooms may ask for
};

// Decodes any call but Hello.
std::optional<Fault> DecodeJob(v1::Request* request, const JobLimits& limits, shard::Job* job);

// Memory that `job` holds while it runs, roughly.
size_t JobBytes(const shard::Job& job);

// Fills the reply's result, of any kind but kRooms (push/rooms_reply.h). Of `result` only the part that
// belongs to `kind` is looked at.
void EncodeResult(shard::JobKind kind, shard::JobResult result, v1::Reply* reply);

}  // namespace halley::push
