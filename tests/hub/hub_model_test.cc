// The hub against a naive model of it. HALLEY_SEED names the first seed, HALLEY_SEEDS how many to
// run.
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "gtest/gtest.h"
#include "hub/hub_driver.h"

namespace halley::hub {
namespace {

constexpr uint64_t kSeedsDefault = 400;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Which seed an assertion in the hub ended.
char running[128];
void TellSeed(int) { (void)!write(STDERR_FILENO, running, std::strlen(running)); }

TEST(HubModel, TheHubDoesWhatTheModelSays) {
  const uint64_t first = FromEnvironment("HALLEY_SEED", 1);
  const uint64_t count = FromEnvironment("HALLEY_SEEDS", kSeedsDefault);
  std::signal(SIGABRT, TellSeed);
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const std::string rerun = "rerun with HALLEY_SEEDS=1 HALLEY_SEED=" + std::to_string(seed);
    std::snprintf(running, sizeof running, "%s\n", rerun.c_str());
    SCOPED_TRACE(rerun);
    HubDriver driver(seed);
    driver.Run();
    if (HasFailure()) break;
  }
  std::signal(SIGABRT, SIG_DFL);
}

}  // namespace
}  // namespace halley::hub
