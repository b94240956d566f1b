// Plain system calls on one socket, with errno values turned into Outcomes, and what else every
// Ring that has real sockets does alike.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "io/ring.h"

namespace halley::io {

// What an errno value means for an operation on a connection.
Outcome OutcomeOfError(int error);
// What it means for the operation `op`.
Outcome OutcomeOfError(Op op, int error);
// What a mask of poll's events says; epoll's have the same values.
uint32_t ReadinessOf(uint32_t events);

// recv(MSG_DONTWAIT) of at most `bytes` (> 0).
Received ReceiveNow(int fd, char* buffer, size_t bytes);

// send(MSG_DONTWAIT) of all the parts, of which there is at least one: the bytes taken, or -errno.
int32_t SendNow(int fd, const msghdr& message);

uint64_t BytesOf(const iovec* parts, size_t count);
msghdr MessageOf(const iovec* parts, size_t count);
// As SendException has it: `result` is the bytes taken, or -errno.
int32_t SendResultOf(int32_t result);

// Ends the descriptor, which must be one.
void CloseDescriptor(int fd);

// "1.2.3.4:5" or "[::1]:5"; empty for other families.
std::string FormatAddress(const sockaddr_storage& address);
// Of the socket's peer; empty when unknown.
std::string PeerAddressOf(int fd);

// Of a TCP connection; nothing of anything else.
std::optional<Traffic> TrafficOf(int fd);

uint64_t MonotonicNowNs();
// Whole seconds since 1970.
uint64_t WallNowS();

}  // namespace halley::io
