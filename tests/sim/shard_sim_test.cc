// Random runs. HALLEY_SEED=n runs that seed alone, HALLEY_SEEDS=n so many; HALLEY_TRACE=1 prints
// what happens.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

#include "sim/crowd.h"

namespace halley::sim {
namespace {

// An assertion in the node ends the process: the seed must be known by then.
char g_running[96];

void OnAbort(int) {
  const ssize_t written = write(STDERR_FILENO, g_running, std::strlen(g_running));
  static_cast<void>(written);
}

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

uint64_t RunSeed(uint64_t seed, uint32_t shards, bool stop) {
  std::snprintf(g_running, sizeof g_running, "\nHALLEY_SEED=%llu (%u shards%s)\n",
                static_cast<unsigned long long>(seed), shards, stop ? ", stopping" : "");
  SimNode node(seed, Crowd::Draw(seed, shards));
  Crowd crowd(&node, seed);
  if (stop) {
    crowd.RunAndStop();
  } else {
    crowd.Run();
  }
  EXPECT_FALSE(node.core().failed()) << g_running << node.core().failures();
  return node.core().digest();
}

void RunSeeds(uint32_t shards, uint64_t count, bool stop) {
  std::signal(SIGABRT, OnAbort);
  std::signal(SIGSEGV, OnAbort);
  const uint64_t only = FromEnvironment("HALLEY_SEED", 0);
  if (only != 0) {
    std::printf("digest %016llx\n", static_cast<unsigned long long>(RunSeed(only, shards, stop)));
    return;
  }
  count = FromEnvironment("HALLEY_SEEDS", count);
  for (uint64_t seed = 1; seed <= count && !::testing::Test::HasFailure(); ++seed) {
    RunSeed(seed, shards, stop);
  }
}

TEST(ShardSim, OneShard) { RunSeeds(1, 100, false); }
TEST(ShardSim, TwoShards) { RunSeeds(2, 100, false); }
TEST(ShardSim, FiveShards) { RunSeeds(5, 100, false); }
TEST(ShardSim, StoppedInTheMidst) { RunSeeds(3, 100, true); }

}  // namespace
}  // namespace halley::sim
