#include "backend/random_key.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdint>

#include "base/assert.h"

namespace halley::backend {

void KernelEntropy(absl::Span<char> out) {
  while (!out.empty()) {
    const ssize_t drawn = getrandom(out.data(), out.size(), 0);
    if (drawn < 0 && errno == EINTR) continue;
    // getrandom(2): nothing else fails once the kernel has booted.
    HALLEY_ASSERT(drawn > 0);
    out.remove_prefix(static_cast<size_t>(drawn));
  }
}

std::string RandomKeys::Next() {
  if (pool_used_ == pool_.size()) {
    entropy_(absl::MakeSpan(pool_));
    pool_used_ = 0;
  }
  char* bytes = pool_.data() + pool_used_;
  pool_used_ += kUuidBytes;
  // RFC 4122 4.4: version 4, variant 10.
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);

  std::string uuid;
  uuid.reserve(36);
  for (size_t i = 0; i < kUuidBytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) uuid += '-';
    const auto byte = static_cast<uint8_t>(bytes[i]);
    uuid += "0123456789abcdef"[byte >> 4];
    uuid += "0123456789abcdef"[byte & 15];
  }
  return uuid;
}

}  // namespace halley::backend
