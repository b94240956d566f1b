// Address: where a socket goes to or comes from.
#pragma once

#include <sys/socket.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace halley::load {

struct Address {
  sockaddr_storage storage{};
  socklen_t bytes = 0;
  std::string text;

  int family() const { return storage.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  bool loopback() const;
};

// "127.0.0.1:3101", "[::1]:3101", "name:3101". Looks names up.
absl::StatusOr<Address> ParseAddress(absl::string_view text);

// 127.0.0.`last`, with port 0: a source address that leaves the port to the kernel.
Address LoopbackSource(uint32_t last);

// A source address without a port, "10.0.0.7".
absl::StatusOr<Address> ParseSource(absl::string_view text);

// Connects and waits for it.
absl::StatusOr<int> ConnectTo(const Address& address);

}  // namespace halley::load
