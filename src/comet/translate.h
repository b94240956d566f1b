// A message of goim's job as a push of this node.
//
// Raw (op 9) is goim's batch: its body is complete frames, which go as they are. Anything else is one
// frame, whose ver and seq clients are to see as they came.
//
// Source     goim v2 internal/comet/channel.go, api/protocol/protocol.go.
// Threads    Any.
// Errors     kInvalidArgument, with a sentence for the caller.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "goim/protocol.pb.h"
#include "halley/push_types.h"

namespace halley::comet {

// `watched_op`: what accept sets are asked for.
absl::StatusOr<PushMessage> MessageOf(const goim::protocol::Proto& proto, int32_t watched_op);

}  // namespace halley::comet
