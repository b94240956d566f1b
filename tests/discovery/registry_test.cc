#include "discovery/registry.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "discovery/static_list.h"

namespace halley::discovery {
namespace {

RegistrySetup Nobody() {
  RegistrySetup setup;
  setup.self = {.zone = "z", .env = "e", .appid = "goim.comet", .hostname = "h", .addrs = {"grpc://h:1"}};
  setup.nodes = {"127.0.0.1:1"};  // nobody is there
  setup.watched = "goim.logic";
  setup.load = [] { return Load(); };
  setup.on_addresses = [](const std::vector<std::string>&) { FAIL(); };
  setup.tell = [](const absl::Status&) {};
  return setup;
}

TEST(Registry, WithNobodyThereItCountsTellsOnceAndEndsInTime) {
  std::atomic<int> told{0};
  RegistrySetup setup = Nobody();
  setup.tell = [&](const absl::Status& status) {
    EXPECT_FALSE(status.ok());
    ++told;
  };
  Registry registry(std::move(setup));
  registry.Start();
  const auto failed = [&] {
    return registry.figures().failures[static_cast<size_t>(Failure::kUnreachable)];
  };
  while (failed() < 6) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(told, 1);
  EXPECT_FALSE(registry.figures().registered);
  const auto began = std::chrono::steady_clock::now();
  registry.Stop();
  registry.Stop();
  EXPECT_LE(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
}

TEST(Registry, EndsWithoutAStart) {
  Registry registry(Nobody());
  registry.Stop();
}

TEST(StaticList, TellsWhatItWasGiven) {
  std::vector<std::string> told;
  StaticList list({"a:1", "b:2"}, [&](std::vector<std::string> addresses) { told = std::move(addresses); });
  EXPECT_TRUE(told.empty());
  list.Start();
  EXPECT_EQ(told, (std::vector<std::string>{"a:1", "b:2"}));
  EXPECT_EQ(list.figures().addresses, told);
  EXPECT_FALSE(list.figures().registered);
  list.Set({"c:3"});
  EXPECT_EQ(told, (std::vector<std::string>{"c:3"}));
  EXPECT_EQ(list.figures().addresses, told);
  list.Stop();
}

TEST(Failure, EachHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kFailuresCount; ++i) names.insert(FailureName(static_cast<Failure>(i)));
  EXPECT_EQ(names.size(), kFailuresCount);
}

}  // namespace
}  // namespace halley::discovery
