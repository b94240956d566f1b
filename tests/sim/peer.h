// Peer: who sits at the other end of a simulated TCP connection, a client or a pusher.
#pragma once

#include <string_view>

namespace halley::sim {

class Peer {
 public:
  virtual ~Peer() = default;

  // The server's socket has taken these bytes: what a kernel calls sent. Called within the shard's
  // send; for looking only.
  virtual void OnTaken(std::string_view bytes) = 0;
  // The peer reads these bytes, some time after they were taken.
  virtual void OnBytes(std::string_view bytes) = 0;
  // The connection is over for the peer: everything was read and the server's end of stream came, or
  // it broke (`reset`). Called once, nothing follows.
  virtual void OnEnd(bool reset) = 0;
};

}  // namespace halley::sim
