#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace halley::base {

void AssertFailed(const char* file, int line, const char* text) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, text);
  std::abort();
}

}  // namespace halley::base
