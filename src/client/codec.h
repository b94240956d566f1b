// Replies of the push port as the public types of include/halley/push_types.h.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "halley/push.pb.h"
#include "halley/push_types.h"

namespace halley::client {

// The reply's code and sentence.
absl::Status StatusOf(const push::v1::Reply& reply);

// Each picks its result out of a reply whose status is OK. An absent one reads as empty.
void Decode(const push::v1::Reply& reply, PushReport* out);
void Decode(const push::v1::Reply& reply, RoomList* out);
void Decode(const push::v1::Reply& reply, std::vector<uint32_t>* out);
void Decode(const push::v1::Reply& reply, NodeFigures* out);
void Decode(const push::v1::Reply& reply, ReloadReport* out);
void Decode(const push::v1::Reply& reply, TraceReport* out);

}  // namespace halley::client
