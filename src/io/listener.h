// OpenListeners: listening sockets, one per shard and address, so that the kernel spreads accepts.
//
// Every option of the clients' sockets is set on the listener and inherited by what it accepts, so
// that accepting costs no further system call.
//
// Ownership  The descriptors are the caller's. Opened before the shards' descriptor tables part,
//            they are in all of them: closing one copy does not stop listening, Ring::Shutdown()
//            does.
//            A socket that was passed stays its owner's, too, who goes on listening: the descriptors
//            are copies, and must not be shut down.
// Limits     kAddressesMax addresses in one list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace halley::io {

struct SocketOptions {
  uint32_t backlog = 512;
  uint32_t send_buffer_bytes = 65536;    // SO_SNDBUF, which the kernel doubles; 0: its default
  uint32_t receive_buffer_bytes = 16384;  // SO_RCVBUF, likewise
  uint32_t notsent_lowat_bytes = 16384;  // TCP_NOTSENT_LOWAT; 0: the kernel's default
  uint32_t keepalive_s = 60;             // idle time before the first probe; 0: no keep-alive
  uint32_t user_timeout_ms = 30000;      // TCP_USER_TIMEOUT; 0: the kernel's default
  // TCP_DEFER_ACCEPT: who has sent nothing is accepted after so long only (the kernel rounds it to
  // its own repeats of SYN-ACK: 1, 3, 7 s); 0: at once.
  uint32_t defer_accept_s = 0;
};

struct Listener {
  std::string address;    // as bound: "1.2.3.4:5" or "[::1]:5"
  std::vector<int> fds;   // by shard
  bool passed = false;    // somebody else has it as well
};

// A socket that somebody else has made listen.
struct PassedListener {
  std::string address;  // that it is bound to
  int fd;
};

inline constexpr size_t kAddressesMax = 16;

// `addresses` is "0.0.0.0:3101,[::]:3101", in numbers; empty: no listener. Port 0 picks a free one,
// the same for every shard. On failure nothing stays open. An address that sockets of `passed` are bound
// to is not opened: shards share those, with every option but the backlog, and there is a listener for each
// `shards` of them.
absl::StatusOr<std::vector<Listener>> OpenListeners(const std::string& addresses, uint32_t shards,
                                                    const SocketOptions& options,
                                                    absl::Span<const PassedListener> passed = {});

// Whether every address of the list can be reached from this host only. False for bad syntax, true
// for an empty list.
bool IsLoopbackOnly(const std::string& addresses);

}  // namespace halley::io
