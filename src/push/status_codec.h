// ShardStatus as it stands in a reply of the push port.
#pragma once

#include "halley/push.pb.h"
#include "shard/status.h"

namespace halley::push {

void EncodeStatus(const shard::ShardStatus& status, v1::ShardStatus* out);

}  // namespace halley::push
