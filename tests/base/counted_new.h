// Replaces operator new by one that counts. Included by one file of a program of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace halley::counted {

// Calls since the program began; of one thread at a time.
inline uint64_t allocations = 0;

inline void* CountedNew(size_t bytes) {
  ++allocations;
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace halley::counted

void* operator new(size_t bytes) { return halley::counted::CountedNew(bytes); }
void* operator new[](size_t bytes) { return halley::counted::CountedNew(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
