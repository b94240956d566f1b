// LogicTransport: a remote::Transport to goim v2's logic, over gRPC.
//
// goim has no serials: a disconnect names key and server only, so that the engine keeps what concerns one
// key in order. It has no word for a client that is here, either: its Heartbeat enters one that logic does
// not have, and stands for it (Traits::repairs).
//
// Any error of Connect but those of gRPC itself is a refusal, for goim's logic has no other way to say no.
//
// Source     goim v2 internal/logic/conn.go, internal/comet/server.go; gRPC's status codes.
// Threads    The engine's; gRPC's own leave what they have heard in a queue that Report() empties.
// Ownership  An exchange's buffers live until gRPC has told of its end, be it cancelled or not.
// Limits     kAnswerBytesMax of an answer; at most as many exchanges as the engine begins.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "remote/transport.h"

namespace halley::goim_logic {

inline constexpr int kAnswerBytesMax = 1 << 20;

// `server`: what this node calls itself. Nothing is opened before the first exchange or probe.
std::unique_ptr<remote::Transport> NewLogicTransport(std::string server);

}  // namespace halley::goim_logic
