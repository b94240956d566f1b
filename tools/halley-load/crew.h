// Crew: what the client threads of a run share with the main thread and the pushers.
//
// Threads    Any. Each field says who writes it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "halley-load/address.h"
#include "halley-load/plan.h"
#include "halley-load/protocol.h"
#include "halley-load/window.h"
#include "tls/client.h"

namespace halley::load {

enum class Phase : uint8_t {
  kConnecting,  // logins; then idle
  kPushing,     // stalled clients do not read, churned ones come and go
  kDraining,    // everybody reads
  kStopped,     // threads close their books and end
};

inline constexpr uint64_t kNever = UINT64_MAX;

// The seed tells the threads apart.
using ProtocolFactory = std::function<std::unique_ptr<Protocol>(const Plan&, uint64_t seed)>;

struct Crew {
  Crew(Plan& plan_in, Address server_in, std::vector<Address> sources_in,
       ProtocolFactory open_protocol_in)
      : plan(plan_in),
        server(std::move(server_in)),
        sources(std::move(sources_in)),
        open_protocol(std::move(open_protocol_in)) {}

  Plan& plan;
  const Address server;
  const std::vector<Address> sources;  // clients take them in turn; empty: the kernel chooses
  const ProtocolFactory open_protocol;
  std::unique_ptr<tls::Client> tls;              // null: clients are plain
  std::vector<std::unique_ptr<Window>> windows;  // one per pusher, or none

  std::atomic<Phase> phase{Phase::kConnecting};    // written by main
  // Whether clients go from room to room; written by main.
  std::atomic<bool> changing_rooms{false};
  // Messages sent at or after this are measured; written by main.
  std::atomic<uint64_t> measure_from_ns{kNever};
  // Whether threads keep Gauges::missing up to date, which costs time; written by main.
  std::atomic<bool> audit{false};
};

// One thread's figures while it runs: written by it, read by main. Relaxed, but for the audit: they
// are only watched.
struct alignas(64) Gauges {
  std::atomic<uint32_t> live{0};    // logged in
  std::atomic<uint32_t> away{0};    // reconnecting
  std::atomic<uint32_t> failed{0};  // given up
  std::atomic<uint64_t> logins{0};
  std::atomic<uint64_t> received{0};  // distinct messages, of all clients
  std::atomic<uint64_t> room_changes{0};    // answered
  std::atomic<uint32_t> changing_rooms{0};  // not yet answered
  std::atomic<uint64_t> spun_ns{0};  // CPU time of polls that found nothing, with --spin
  // Messages that clients who read still wait for, and when that was counted; the time is stored
  // after the number.
  std::atomic<uint64_t> missing{0};
  std::atomic<uint64_t> audited_ns{0};
};

}  // namespace halley::load
