// HALLEY_ASSERT: what must be true if this program is correct, checked in every build.
//
// Only a programmer's error may fail it. What a peer or the environment does wrong is an enum, a
// counter or an absl::Status, never an assertion.
#pragma once

namespace halley::base {

// Prints "file:line: assertion failed: text" to stderr and aborts.
[[noreturn]] void AssertFailed(const char* file, int line, const char* text);

}  // namespace halley::base

#define HALLEY_ASSERT(condition)                                             \
  do {                                                                       \
    if (!(condition)) [[unlikely]]                                           \
      ::halley::base::AssertFailed(__FILE__, __LINE__, #condition);          \
  } while (false)
