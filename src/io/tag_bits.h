// How a Tag becomes the 64 bits that the kernel gives back with each completion.
//
// From the top: 8 bits unused, 8 bits operation, 24 bits generation, 24 bits slot.
#pragma once

#include <cstdint>

#include "io/ring.h"

namespace halley::io {

inline constexpr uint32_t kTagFieldMask = 0xFFFFFF;

constexpr uint64_t PackTag(Tag tag) {
  return uint64_t{static_cast<uint8_t>(tag.op)} << 48 |
         uint64_t{tag.generation & kTagFieldMask} << 24 | (tag.slot & kTagFieldMask);
}

constexpr Tag UnpackTag(uint64_t bits) {
  return {.slot = static_cast<uint32_t>(bits) & kTagFieldMask,
          .generation = static_cast<uint32_t>(bits >> 24) & kTagFieldMask,
          .op = Op{static_cast<uint8_t>(bits >> 48)}};
}

}  // namespace halley::io
