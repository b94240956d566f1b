// Entry: what a shard has to tell that somebody else writes down.
//
// Ownership  A value; on its way it belongs to the Feed, then to the Journal. Names of reasons and the like are
//            borrowed from tables that live as long as the process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace halley::journal {

// Of a connection, as the kernel counts it: with what was sent again, and below TLS.
struct Traffic {
  uint64_t bytes_sent = 0;
  uint64_t bytes_received = 0;
  uint32_t retransmits = 0;  // segments
};

// A client's connection that has ended: one line of the access log.
struct Ended {
  uint32_t shard = 0;
  std::string_view transport;
  std::string_view dialect;  // empty: it never said
  std::string address;       // empty: nobody knows
  std::string key;
  int64_t mid = 0;
  std::string room;
  uint64_t lasted_ns = 0;
  std::string_view reason;
  bool logged_in = false;  // ever
  std::optional<Traffic> traffic;
};

// One line of the gateway's log.
using Line = std::string;

struct Entry {
  uint64_t at_ns = 0;  // on the rings' clock, which is the monotonic one
  std::variant<Ended, Line> what;
};

// The access log's line, its end included. `wall_ms`: since 1970.
std::string AccessLine(const Ended& ended, uint64_t wall_ms);

}  // namespace halley::journal
