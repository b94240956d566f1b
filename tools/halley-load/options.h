// LoadOptions: what halley-load is asked to do, from the command line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "halley-load/dialect.h"

namespace halley::load {

enum class To : uint8_t { kRoom, kAll, kKey, kMid };

struct LoadOptions {
  // Who
  Transport transport = Transport::kWebSocket;
  std::string clients_address;         // --ws or --tcp
  uint32_t clients = 1000;
  uint32_t rooms = 1;                  // 0: nobody joins a room
  uint32_t mids = 0;                   // 0: every client has its own
  uint32_t threads = 0;                // 0: as few as the descriptor limit allows
  std::string sources;                 // a count of 127.0.0.x, or addresses; empty: chosen
  std::vector<uint32_t> cpus;          // every thread is pinned to one of them; empty: not pinned
  bool deflate = false;                // WebSocket clients offer permessage-deflate
  bool tls = false;                    // clients speak TLS and believe any certificate
  bool spin = false;                   // poll without sleeping
  uint32_t receive_buffer = 0;         // SO_RCVBUF; 0: the kernel's default
  uint32_t connect_rate = 0;           // per second; 0: as fast as it goes
  uint32_t connect_window = 256;       // logins under way at once
  uint32_t connect_timeout_ms = 20'000;  // per login
  uint32_t heartbeat_s = 60;           // 0: none
  uint32_t hold_s = 0;                 // quiet time after the logins, before anything is pushed
  uint32_t room_changes = 0;           // under way at once while it is held
  std::vector<int32_t> accepts;        // empty: `op`
  std::string key_prefix;              // empty: drawn, so that two runs never share a key
  std::string room_prefix;             // empty: drawn

  // What is pushed
  std::string push_address;            // --push: Halley's push port
  std::string bare_address;            // --bare: the control port of halley-limit
  std::string secret;
  std::string jwt_secret;  // empty: tokens are goim's JSON
  To to = To::kRoom;
  uint32_t batch = 1;                  // keys per push
  uint32_t pushers = 1;
  uint32_t size = 64;                  // bytes of body
  int32_t op = 1000;
  uint32_t rate = 0;                   // pushes per second, all pushers together; 0: no limit
  uint32_t window = 0;                 // pushes not yet delivered everywhere; 0: no limit
  uint64_t count = 0;                  // pushes; 0: as many as fit into `seconds`
  uint32_t seconds = 0;
  uint32_t warmup = 0;                 // pushes before the measured ones
  uint32_t stalled = 0;                // percent of clients that do not read while it is pushed
  uint32_t churn = 0;                  // reconnects per second
  uint32_t drain_ms = 10'000;          // how long nothing may arrive before the rest is lost
  uint32_t settle_ms = 500;            // quiet time before memory is read

  // What is reported
  int32_t pid = 0;                     // of the server, for its memory
  std::vector<uint32_t> softirq_cpus;  // whose ksoftirqd is counted as the server's
  uint64_t seed = 1;                   // of --stalled and --churn
  bool json = false;
  bool quiet = false;                  // no progress lines
  bool help = false;

  bool pushes() const { return !push_address.empty() || !bare_address.empty(); }
};

// Reads `args` (without the program's name) into `options` and checks them as a whole.
absl::Status ParseOptions(absl::Span<const char* const> args, LoadOptions* options);

// The text of --help.
std::string HelpText();

}  // namespace halley::load
