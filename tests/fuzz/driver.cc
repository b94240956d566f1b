// Runs a fuzz target without a fuzzer: on its seeds, then on seeded mutations of them, as an
// ordinary test.
//
//   x_fuzz [--seed S] [--runs N] [--write DIRECTORY] seed.hex...
//
// A failure prints its input as hex; in a .hex file of its own, it runs alone with --runs 0.
// --write puts the seeds as plain bytes into a directory, for libFuzzer to begin with.
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "wire/vectors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
// Of the sanitizers, where there is one: they do not end through a signal.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

std::string current_input;  // for whoever dies of it

void PrintInput() {
  for (const char c : current_input) {
    constexpr char kDigits[] = "0123456789abcdef";
    const char hex[] = {kDigits[static_cast<uint8_t>(c) >> 4], kDigits[c & 15]};
    if (write(STDERR_FILENO, hex, sizeof hex) < 0) return;
  }
  if (write(STDERR_FILENO, "\n", 1) < 0) return;
}

void OnSignal(int signal) {
  PrintInput();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void Run(std::string input) {
  current_input = std::move(input);
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(current_input.data()),
                         current_input.size());
}

class Mutator {
 public:
  Mutator(const std::vector<std::string>& seeds, uint64_t seed) : seeds_(seeds), random_(seed) {}

  std::string Next() {
    std::string input = AnySeed();
    for (size_t i = 1 + Below(6); i > 0; --i) MutateOnce(&input);
    return input;
  }

 private:
  size_t Below(size_t bound) { return static_cast<size_t>(random_() % bound); }
  const std::string& AnySeed() { return seeds_[Below(seeds_.size())]; }

  std::string AnyRange(const std::string& from) {
    if (from.empty()) return {};
    const size_t at = Below(from.size());
    return from.substr(at, 1 + Below(from.size() - at));
  }

  // Big-endian numbers around which lengths change their meaning, or bytes of any kind.
  std::string Number() {
    static constexpr uint32_t kNumbers[] = {0,   1,   2,    15,   16,    17,    125,        126,
                                            127, 128, 4112, 4113, 65535, 65536, 0x7FFFFFFF, ~0u};
    const uint32_t number =
        Below(4) == 0 ? static_cast<uint32_t>(random_()) : kNumbers[Below(std::size(kNumbers))];
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) {
      bytes.push_back(static_cast<char>(number >> shift));
    }
    return bytes.substr(4 - (size_t{1} << Below(3)));
  }

  void MutateOnce(std::string* input) {
    const size_t at = Below(input->size() + 1);
    switch (Below(7)) {
      case 0:
        if (at < input->size()) (*input)[at] = static_cast<char>((*input)[at] ^ 1 << Below(8));
        break;
      case 1:
        if (at < input->size()) (*input)[at] = static_cast<char>(random_());
        break;
      case 2: {
        const std::string number = Number();
        input->replace(at, number.size(), number);
        break;
      }
      case 3:
        input->insert(at, Number());
        break;
      case 4:
        input->erase(at, 1 + Below(16));
        break;
      case 5:
        input->insert(at, AnyRange(*input));
        break;
      case 6:
        input->replace(at, Below(input->size() - at + 1), AnyRange(AnySeed()));
        break;
    }
    constexpr size_t kInputBytesMax = 4096;
    if (input->size() > kInputBytesMax) input->resize(kInputBytesMax);
  }

  const std::vector<std::string>& seeds_;
  std::mt19937_64 random_;
};

}  // namespace

int main(int argc, char** argv) {
  uint64_t seed = 1;
  uint64_t runs = 0;
  std::string directory;
  std::vector<std::string> seeds;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (!word.starts_with("--")) {
      seeds.push_back(halley::wire::testing::LoadVectorFile(argv[i]));
      continue;
    }
    if (++i == argc) return EXIT_FAILURE;
    if (word == "--seed") seed = std::strtoull(argv[i], nullptr, 10);
    if (word == "--runs") runs = std::strtoull(argv[i], nullptr, 10);
    if (word == "--write") directory = argv[i];
  }
  if (seeds.empty()) {
    std::fputs("no seeds given: name .hex files of tests/vectors\n", stderr);
    return EXIT_FAILURE;
  }
  for (size_t i = 0; i < seeds.size() && !directory.empty(); ++i) {
    std::ofstream(directory + "/seed" + std::to_string(i)) << seeds[i];
  }

  std::signal(SIGABRT, OnSignal);
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(PrintInput);
  } else {
    std::signal(SIGSEGV, OnSignal);
  }
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  for (const std::string& input : seeds) Run(input);
  Mutator mutator(seeds, seed);
  for (uint64_t i = 0; i < runs; ++i) Run(mutator.Next());
  return EXIT_SUCCESS;
}
