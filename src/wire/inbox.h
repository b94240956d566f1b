// Inbox: the unread bytes of one connection, as a decoder sees them.
//
// Decoders advance `begin` past what they have finished with and may rewrite bytes in
// [begin, end) in place (unmasking, joining fragments). They never allocate and never keep a
// pointer: whatever is left between two calls is the caller's to store and to present again, whole,
// with more bytes behind it.
#pragma once

#include <cstddef>
#include <string_view>

namespace halley::wire {

struct Inbox {
  char* begin = nullptr;
  char* end = nullptr;

  size_t size() const { return static_cast<size_t>(end - begin); }
  std::string_view view() const { return {begin, size()}; }
};

}  // namespace halley::wire
