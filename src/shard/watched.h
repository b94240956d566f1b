// Watched: what is remembered of a connection that the access log or a trace tells of, and of no other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace halley::shard {

struct Watched {
  uint64_t accepted_ns = 0;      // 0: it was here before anybody watched
  std::string address;           // the client's, as Ring::PeerAddress() has it
  std::string key;               // these from its login on, or when it ends
  int64_t mid = 0;
  std::string room;              // when it ends, or has left it to go
  std::string_view dialect;
  uint16_t places = 0;           // a bit for the place of each trace that it matches
  bool sampled = false;          // the access log gets a line
  bool address_to_come = false;  // that is a proxy's: what it sends first tells whose connection it is
  bool logged_in = false;        // ever
};

}  // namespace halley::shard
