#include "gateway/inside_callers.h"

#include <sys/socket.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/assert.h"
#include "io/sockets.h"

namespace halley::gateway {

InsideCallers::~InsideCallers() {
  for (const Caller& caller : callers_) {
    if (caller.shard_end >= 0) io::CloseDescriptor(caller.shard_end);
    if (caller.caller_end >= 0) io::CloseDescriptor(caller.caller_end);
  }
}

absl::StatusOr<size_t> InsideCallers::Add(uint32_t shard, bool observer) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::ResourceExhaustedError(
        "no descriptors for the node's own connections: raise RLIMIT_NOFILE");
  }
  callers_.push_back({shard, observer, ends[0], ends[1]});
  return callers_.size() - 1;
}

std::vector<shard::InsideCaller> InsideCallers::Of(uint32_t shard) const {
  std::vector<shard::InsideCaller> own;
  for (const Caller& caller : callers_) {
    if (caller.shard == shard) own.push_back({caller.shard_end, caller.observer});
  }
  return own;
}

void InsideCallers::KeepOnly(uint32_t shard) const {
  for (const Caller& caller : callers_) {
    if (caller.shard != shard) io::CloseDescriptor(caller.shard_end);
    io::CloseDescriptor(caller.caller_end);
  }
}

void InsideCallers::ShardsStarted() {
  for (Caller& caller : callers_) io::CloseDescriptor(std::exchange(caller.shard_end, -1));
}

absl::StatusOr<std::unique_ptr<PushClient>> InsideCallers::Connect(size_t number,
                                                                   PushClientOptions options) {
  HALLEY_ASSERT(number < callers_.size());
  Caller& caller = callers_[number];
  options.address = absl::StrCat("shard ", caller.shard);
  return PushClient::Over(std::exchange(caller.caller_end, -1), std::move(options));
}

}  // namespace halley::gateway
