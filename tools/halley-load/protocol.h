// Protocol: what a client and its server say to each other. Behind it, one engine (ClientThread)
// measures every server alike; halley-load speaks goim's, bench/peers brings others.
//
// Sans-IO: bytes in, what they mean and bytes to send out.
//
// Threads    One object per client thread.
// Ownership  Borrows for the call.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "halley-load/plan.h"
#include "wire/goim_frame.h"

namespace halley::load {

// Who listens to one client's downlink. Any of these may end the client.
class Ears {
 public:
  virtual void OnLoggedIn() = 0;  // from now on pushes reach the client
  virtual void OnPush(std::string_view body) = 0;
  virtual void OnHeartbeatReply() = 0;
  virtual void OnRoomChanged() = 0;
  virtual void OnForeign() = 0;  // whole, but nothing that this run asked for
  virtual void OnClosing(uint16_t code) = 0;
  virtual void Say(std::string_view bytes) = 0;

 protected:
  ~Ears() = default;
};

class Protocol {
 public:
  virtual ~Protocol() = default;

  // The first bytes of a client that has just connected.
  virtual void Greet(uint32_t client, std::string* out) = 0;

  // Takes one message from the front of `bytes`. `stage` belongs to the client: how far its login
  // has come, 0 when it connects.
  virtual wire::DecodeStatus Hear(uint32_t client, uint8_t* stage, std::string_view bytes,
                                  Ears* ears, size_t* used) = 0;

  // Each appends nothing where the protocol has no such thing.
  virtual void AppendHeartbeat(std::string* out) = 0;
  virtual void AppendRoomChange(const std::string& room, std::string* out) = 0;
};

// goim over the plan's transport. `seed` is of the masks.
std::unique_ptr<Protocol> OpenGoimProtocol(const Plan& plan, uint64_t seed);

}  // namespace halley::load
