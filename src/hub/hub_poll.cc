// Hub: long polls, which get one message.
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "hub/hub.h"

namespace halley::hub {

// From here on it has its response. What stands before the message there, until the next call.
std::string_view Hub::BeginAnswer(uint32_t slot, uint64_t message_bytes) {
  Channel& channel = channels_[slot];
  HALLEY_ASSERT(!channel.answered);
  channel.answered = true;
  poll_head_.clear();
  wire::AppendLongPollHead(polls_.at(slot), message_bytes, &poll_head_);
  return poll_head_;
}

// The first message that waits in one of its lanes becomes one of its own. The rest stays there, and
// is skipped when it is closed.
void Hub::AnswerFromLanes(uint32_t slot) {
  for (const Membership& membership : channels_[slot].memberships) {
    Lane& lane = *membership.lane;
    const LogPosition position = lane.PositionOf(membership.index);
    if (lane.InSync(membership.index) || position.offset >= lane.Target().offset) continue;
    const uint64_t end = lane.log().MessageEnd(position.seq);
    MessageQueue& queue = OutboxOf(slot).personal;
    queue.Append(&chunks_, BeginAnswer(slot, end - position.offset), {},
                 lane.ReceiptOf(position.seq));
    for (uint64_t at = position.offset; at < end;) {
      iovec part;
      lane.log().Span(at, end, &part, 1, &at);
      queue.Extend(&chunks_, {static_cast<const char*>(part.iov_base), part.iov_len});
    }
    lane.HandOver(membership.index);
    return;
  }
}

void Hub::LetTargetsLag(const Slice& slice) {
  std::vector<base::SendException> untouched;
  for (uint32_t i = 0; i < slice.targets.size(); ++i) untouched.push_back({i, 0});
  CompleteLaneSlice(untouched);
}

void Hub::EndPoll(uint32_t slot) {
  std::string text;
  wire::AppendLongPollEmpty(polls_.at(slot), &text);
  Reply(slot, text);
}

}  // namespace halley::hub
