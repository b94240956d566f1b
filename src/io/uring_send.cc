// The sending half of UringRing.
#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "io/sockets.h"
#include "io/uring_abi.h"
#include "io/uring_ring.h"

namespace halley::io {

namespace {

// MSG_WAITALL: a part taken is reported, not skipped as a success.
constexpr uint32_t kSendFlags = MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL;

}  // namespace

io_uring_sqe UringRing::PrepareSend(const void* operand, uint32_t operand_length,
                                    bool is_message) const {
  io_uring_sqe sqe{};
  sqe.opcode = is_message ? IORING_OP_SENDMSG : IORING_OP_SEND;
  sqe.flags = features_.skip_success ? IOSQE_CQE_SKIP_SUCCESS : 0;
  sqe.addr = reinterpret_cast<uint64_t>(operand);
  sqe.len = operand_length;
  sqe.msg_flags = kSendFlags;
  return sqe;
}

uint64_t UringRing::BatchTag(uint32_t index) const {
  return PackTag({.slot = index, .generation = batch_, .op = kOpBatchSend});
}

void UringRing::SendSame(absl::Span<const iovec> span, absl::Span<const base::FanoutTarget> targets,
                         std::vector<base::SendException>* exceptions) {
  HALLEY_ASSERT(!span.empty() && span.size() <= kSpanPartsMax && targets.size() <= kBatchMax);
  if (targets.empty()) return;
  ++batch_;
  // Every target reads the same header, which the kernel copies when it takes the entry.
  msghdr message = MessageOf(span.data(), span.size());
  const uint64_t bytes = BytesOf(span.data(), span.size());
  HALLEY_ASSERT(bytes <= INT32_MAX);
  const io_uring_sqe prepared =
      span.size() == 1 ? PrepareSend(span[0].iov_base, static_cast<uint32_t>(bytes), false)
                       : PrepareSend(&message, 1, true);
  for (uint32_t index = 0; index < targets.size(); ++index) {
    io_uring_sqe* sqe = queue_.NextSlot();
    std::memcpy(sqe, &prepared, sizeof prepared);
    sqe->fd = targets[index].fd;
    sqe->user_data = BatchTag(index);
    batch_bytes_[index] = bytes;
  }
  counters_.sent_bytes += bytes * targets.size();
  DecideBatch(targets.size(), exceptions);
}

void UringRing::SendEach(absl::Span<const SendRequest> requests,
                         std::vector<base::SendException>* exceptions) {
  HALLEY_ASSERT(requests.size() <= kBatchMax);
  if (requests.empty()) return;
  if (requests.size() == 1) {
    SendOne(requests.front(), exceptions);
    return;
  }
  ++batch_;
  for (uint32_t index = 0; index < requests.size(); ++index) {
    const SendRequest& request = requests[index];
    HALLEY_ASSERT(request.parts_count >= 1 && request.parts_count <= kSpanPartsMax);
    const uint64_t bytes = BytesOf(request.parts, request.parts_count);
    HALLEY_ASSERT(bytes <= INT32_MAX);
    msghdr& message = batch_messages_[index];
    message = MessageOf(request.parts, request.parts_count);
    io_uring_sqe* sqe = queue_.NextSlot();
    *sqe = request.parts_count == 1
               ? PrepareSend(request.parts->iov_base, static_cast<uint32_t>(bytes), false)
               : PrepareSend(&message, 1, true);
    sqe->fd = request.fd;
    sqe->user_data = BatchTag(index);
    batch_bytes_[index] = bytes;
    counters_.sent_bytes += bytes;
  }
  DecideBatch(requests.size(), exceptions);
}

// An entry in the ring is worth its while only where it shares its enter with others.
void UringRing::SendOne(const SendRequest& request,
                        std::vector<base::SendException>* exceptions) {
  HALLEY_ASSERT(request.parts_count >= 1 && request.parts_count <= kSpanPartsMax);
  const uint64_t bytes = BytesOf(request.parts, request.parts_count);
  HALLEY_ASSERT(bytes <= INT32_MAX);
  const int32_t taken = SendNow(request.fd, MessageOf(request.parts, request.parts_count));
  ++counters_.sends;
  counters_.sent_bytes += static_cast<uint64_t>(std::max(taken, 0));
  if (taken == static_cast<int64_t>(bytes)) return;
  ++counters_.send_exceptions;
  exceptions->push_back({0, SendResultOf(taken)});
}

void UringRing::DecideBatch(size_t count, std::vector<base::SendException>* exceptions) {
  const size_t first = exceptions->size();
  size_t decided = 0;
  const auto take = [&](const RawCqe& cqe) {
    const Tag tag = UnpackTag(cqe.user_data);
    if (tag.op != kOpBatchSend) return false;
    HALLEY_ASSERT(tag.generation == (batch_ & kTagFieldMask) && tag.slot < count);
    ++decided;
    const bool whole = static_cast<int64_t>(batch_bytes_[tag.slot]) == cqe.result;
    if (whole) return true;
    exceptions->push_back({tag.slot, SendResultOf(cqe.result)});
    // They were counted as if all of them were taken.
    counters_.sent_bytes -= batch_bytes_[tag.slot] - static_cast<uint64_t>(std::max(cqe.result, 0));
    return true;
  };
  queue_.SubmitAll();
  queue_.Divert(take);
  while (!features_.skip_success && decided < count) {
    queue_.Fetch();
    queue_.Divert(take);
  }
  // The kernel completes in the order of submission, but does not promise it.
  std::sort(exceptions->begin() + static_cast<ptrdiff_t>(first), exceptions->end(),
            [](const auto& a, const auto& b) { return a.index < b.index; });
  counters_.sends += count;
  counters_.send_exceptions += exceptions->size() - first;
  SyncCounters();
}

}  // namespace halley::io
