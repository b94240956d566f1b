// Hub: channels that somebody looks at. They are few, so that what happens to all is done to all alike, and only
// where one is already on its own, for it is slow, is it asked whether somebody wants to know.
#include <algorithm>

#include "hub/hub.h"

namespace halley::hub {

void Hub::Observe(uint32_t slot, bool on) {
  if (on) {
    observed_.insert(slot);
    return;
  }
  observed_.erase(slot);
  std::erase_if(skipped_, [slot](const Skipped& each) { return each.slot == slot; });
}

void Hub::OnSkipped(uint32_t slot, uint64_t messages, SkipReason why) {
  if (observed_.contains(slot)) skipped_.push_back({slot, messages, why});
}

bool Hub::InRoom(uint32_t slot, std::string_view id) const {
  const auto& memberships = channels_[slot].memberships;
  return std::any_of(memberships.begin(), memberships.end(), [id](const Membership& each) {
    return each.lane->room() != nullptr && each.lane->room()->id() == id;
  });
}

}  // namespace halley::hub
