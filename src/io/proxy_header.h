// The header by which a proxy or load balancer says whose connection it forwards: HAProxy's PROXY
// protocol (proxy-protocol.txt, section 2), version 1 in text and version 2 in binary. Sans-IO:
// bytes in, a verdict out.
//
// To be decoded only where a proxy is expected, and there always: a client that may choose to send
// one chooses its own address.
//
// Threads    Any.
// Ownership  Borrows the bytes for the call, and keeps no state: what was kMore is shown again with
//            more behind it, from its first byte on.
// Limits     kProxyTextBytesMax, and `bytes_max` for version 2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace halley::io {

inline constexpr size_t kProxyTextBytesMax = 107;  // of version 1, with its CRLF (2.1)
inline constexpr size_t kProxyHeaderBytesMax = 536;  // what every path carries in one segment

enum class ProxyStatus : uint8_t {
  kMore,  // as far as it goes a good header
  kDone,
  kBad,   // no header, whatever may follow
};

struct ProxyHeader {
  // The client's address, in the form of Ring::PeerAddress(). Empty: the header names none (UNKNOWN,
  // LOCAL, not TCP), and nobody knows.
  std::string source;
  size_t bytes = 0;  // of the header; what follows is the client's
};

// Decodes the header at the front of `bytes`; `*header` is written with kDone. A version 2 header of
// more than `bytes_max` bytes is bad as soon as it says so.
ProxyStatus DecodeProxyHeader(std::string_view bytes, ProxyHeader* header,
                              size_t bytes_max = kProxyHeaderBytesMax);

}  // namespace halley::io
