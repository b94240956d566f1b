// Signatures of requests to a backend, so that it can tell them from anybody else's.
//
//   Halley-Signature: t=<seconds since 1970>,v1=<hex of HMAC-SHA256(secret, "<t>.<body>")>
//
// The time is part of what is signed, so that a request cannot be sent again later; how late is too late
// is the backend's to say.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace halley::remote {

inline constexpr std::string_view kSignatureHeader = "Halley-Signature";

// The header's value.
std::string Sign(std::string_view secret, uint64_t now_s, std::string_view body);

}  // namespace halley::remote
