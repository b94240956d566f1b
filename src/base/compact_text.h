// CompactText: a short immutable text in eight bytes and one allocation of just its size; an empty
// one has none. For texts that are kept a million times and seldom looked at.
//
// Limits  65535 bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "base/assert.h"

namespace halley::base {

class CompactText {
 public:
  CompactText() = default;
  explicit CompactText(std::string_view text) {
    if (text.empty()) return;
    HALLEY_ASSERT(text.size() <= UINT16_MAX);
    const auto bytes = static_cast<uint16_t>(text.size());
    data_.reset(new char[sizeof bytes + text.size()]);
    std::memcpy(data_.get(), &bytes, sizeof bytes);
    std::memcpy(data_.get() + sizeof bytes, text.data(), text.size());
  }

  std::string_view view() const {
    if (data_ == nullptr) return {};
    uint16_t bytes = 0;
    std::memcpy(&bytes, data_.get(), sizeof bytes);
    return {data_.get() + sizeof bytes, bytes};
  }

 private:
  std::unique_ptr<char[]> data_;  // its length in two bytes, then the text
};

}  // namespace halley::base
