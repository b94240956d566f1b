// ThreadNumber: which thread this is. Unlike the system's thread ids, a number is never used twice.
#pragma once

#include <cstdint>

namespace halley::io {

// From 1.
uint64_t ThreadNumber();

}  // namespace halley::io
