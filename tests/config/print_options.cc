// Prints what config::Load() has to print for these flags; README.md's option table is compared
// with it.
#include <cstdio>
#include <string>

#include "config/load.h"

int main(int argc, char** argv) {
  const absl::StatusOr<halley::config::Invocation> invocation = halley::config::Load(argc, argv);
  if (!invocation.ok()) {
    std::fprintf(stderr, "%s\n", std::string(invocation.status().message()).c_str());
    return 1;
  }
  std::fputs(invocation->print.c_str(), stdout);
  return 0;
}
