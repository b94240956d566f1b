// Hub: limits, and which are a room's.
#include <string_view>

#include "base/assert.h"
#include "hub/hub.h"

namespace halley::hub {

void Hub::SetLimits(const HubLimits& limits) {
  HALLEY_ASSERT(limits.room_types.size() >= limits_.room_types.size());
  limits_.lane = limits.lane;
  for (size_t i = 0; i < limits.room_types.size(); ++i) {
    if (i == limits_.room_types.size()) limits_.room_types.push_back(limits.room_types[i]);
    HALLEY_ASSERT(limits_.room_types[i].name == limits.room_types[i].name);
    limits_.room_types[i].lane = limits.room_types[i].lane;
  }
  lingering_.resize(limits_.room_types.size() + 1);
  limits_.personal_queue_bytes = limits.personal_queue_bytes;
  limits_.personal_overflow = limits.personal_overflow;
  limits_.stall_timeout_ms = limits.stall_timeout_ms;
  limits_.ops = limits.ops;
}

uint32_t Hub::TypeOf(std::string_view room) const {
  const size_t end = room.find("://");
  if (end == std::string_view::npos) return 0;
  for (uint32_t i = 0; i < limits_.room_types.size(); ++i) {
    if (limits_.room_types[i].name == room.substr(0, end)) return i + 1;
  }
  return 0;
}

}  // namespace halley::hub
