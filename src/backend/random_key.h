// RandomKeys: keys for clients that bring none: UUIDs of version 4 (RFC 4122 4.4).
//
// Threads  One.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>

#include "absl/types/span.h"

namespace halley::backend {

// Fills the span with unpredictable bytes.
using Entropy = std::function<void(absl::Span<char>)>;
void KernelEntropy(absl::Span<char> out);

class RandomKeys {
 public:
  explicit RandomKeys(Entropy entropy) : entropy_(std::move(entropy)) {}

  std::string Next();

 private:
  static constexpr size_t kUuidBytes = 16;

  const Entropy entropy_;
  // Drawn many at a time, so that a login seldom costs a system call.
  std::array<char, 256 * kUuidBytes> pool_{};
  size_t pool_used_ = sizeof pool_;
};

}  // namespace halley::backend
