#include <iostream>

#include "halleyctl/halleyctl.h"

int main(int argc, char** argv) {
  const absl::Span<const char* const> words(argv + 1, argc > 0 ? argc - 1 : 0);
  return static_cast<int>(halley::ctl::Run(words, std::cin, std::cout, std::cerr));
}
