#include "config/listeners.h"

#include <algorithm>
#include <set>
#include <string>

#include "config/table.h"
#include "gtest/gtest.h"

namespace halley::config {
namespace {

// An option that is not in the table would be opened by nobody, and nobody would be told.
TEST(Listeners, EveryOptionThatNamesAddressesHasOneRow) {
  Options options;
  size_t count = 0;
  for (const OptionSpec& spec : OptionTable()) {
    if (spec.kind != Kind::kAddresses) continue;
    ++count;
    const auto is_it = [&](const ListenerSpec& each) { return each.option == spec.Key(); };
    ASSERT_EQ(std::ranges::count_if(kListeners, is_it), 1) << spec.Key();
    const ListenerSpec& listener = *std::ranges::find_if(kListeners, is_it);
    EXPECT_EQ(&(options.listen.*listener.list), &spec.text(options)) << spec.Key();
  }
  EXPECT_EQ(count, kListenersCount);
}

TEST(Listeners, WhatIsPrintedOfThemTellsThemApart) {
  std::set<absl::string_view> names;
  for (const ListenerSpec& each : kListeners) names.insert(each.name);
  EXPECT_EQ(names.size(), kListenersCount);
  for (size_t i = 0; i < kListenersCount; ++i) EXPECT_EQ(ListenerIndex(kListeners[i].list), i);
}

TEST(Listeners, ClientsCanHaveEverythingInsideTls) {
  for (const ListenerSpec& plain : kListeners) {
    const auto twin = std::ranges::count_if(kListeners, [&](const ListenerSpec& each) {
      return each.kind == plain.kind && each.tls;
    });
    EXPECT_EQ(twin, plain.ForClients() ? 1 : 0) << plain.option;
  }
}

TEST(Listeners, WhatEachSpeaks) {
  const auto options_where = [](auto predicate) {
    std::set<absl::string_view> options;
    for (const ListenerSpec& each : kListeners) {
      if (predicate(each)) options.insert(each.option);
    }
    return options;
  };
  using Options = std::set<absl::string_view>;
  EXPECT_EQ(options_where([](const ListenerSpec& each) { return each.SpeaksHttp(); }),
            (Options{"listen.ws", "listen.wss", "listen.gopusher", "listen.gopusher_tls", "listen.v1_ws",
                     "listen.v1_wss"}));
  EXPECT_EQ(options_where([](const ListenerSpec& each) { return !each.ForClients(); }),
            (Options{"listen.push", "listen.admin", "listen.comet_grpc"}));
  EXPECT_EQ(options_where([](const ListenerSpec& each) { return !each.OnShards(); }),
            (Options{"listen.admin", "listen.comet_grpc"}));
}

}  // namespace
}  // namespace halley::config
