// What the backend hears of a client's address when proxies stand between. Every peer of the
// simulation is 10.0.0.1.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/sim_node.h"

namespace halley::sim {
namespace {

NodeSetup SetupWith(std::string proxies, bool wants_address = true) {
  NodeSetup setup;
  setup.options.listen.proxies = std::move(proxies);
  setup.habits.wants_address = wants_address;
  return setup;
}

ClientSetup Forwarded(std::string headers) {
  return {.websocket = true, .headers = std::move(headers), .key = "a"};
}

// The address of one client who logs in.
std::string Heard(const NodeSetup& setup, const ClientSetup& client) {
  SimNode node(1, setup);
  EXPECT_TRUE(node.Join(client).logged_in());
  node.StopAndCheck();
  EXPECT_EQ(node.core().failures(), "");
  const std::vector<std::string>& addresses = node.backend_books().addresses;
  EXPECT_EQ(addresses.size(), 1u);
  const bool peer = addresses[0].starts_with("10.0.0.1:") && addresses[0] != "10.0.0.1:0";
  return peer ? "the peer" : addresses[0];
}

TEST(Proxies, TheirWordAboutAnAddressIsBelieved) {
  const NodeSetup setup = SetupWith("10.0.0.0/8");
  EXPECT_EQ(Heard(setup, Forwarded("X-Forwarded-For: 1.1.1.1, 9.9.9.9\r\n")), "9.9.9.9:0");
  EXPECT_EQ(Heard(setup, Forwarded("X-Forwarded-For: 1.1.1.1, 9.9.9.9\r\n"
                                   "X-Forwarded-For: 10.0.0.2\r\n")),
            "9.9.9.9:0");
  EXPECT_EQ(Heard(setup, Forwarded("X-Forwarded-For: unknown\r\n")), "the peer");
  EXPECT_EQ(Heard(setup, Forwarded("")), "the peer");
  EXPECT_EQ(Heard(setup, {.key = "a"}), "the peer") << "on TCP";
}

TEST(Proxies, NobodyElsesIs) {
  for (const char* const proxies : {"", "10.0.0.2", "9.9.9.9, ::/0"}) {
    EXPECT_EQ(Heard(SetupWith(proxies), Forwarded("X-Forwarded-For: 9.9.9.9\r\n")), "the peer");
  }
}

// Asking for the peer is a system call: one when it is counted, and one more behind a proxy.
TEST(Proxies, ABackendHearsNoAddressThatItDoesNotWant) {
  SimNode node(1, SetupWith("10.0.0.0/8", /*wants_address=*/false));
  EXPECT_TRUE(node.Join(Forwarded("X-Forwarded-For: 9.9.9.9\r\n")).logged_in());
  EXPECT_EQ(node.world().ring(0).peers_asked_for(), 2u);
  EXPECT_EQ(node.backend_books().addresses, std::vector<std::string>{""});
}

}  // namespace
}  // namespace halley::sim
