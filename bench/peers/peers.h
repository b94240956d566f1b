// The other servers that fan-client can measure: how a subscriber talks to each, and a pusher.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "halley-load/protocol.h"
#include "halley-load/run.h"
#include "peers/socket_port.h"

namespace halley::peers {

std::unique_ptr<load::Protocol> OpenRedis();
std::unique_ptr<Dialogue> RedisPushes();

std::unique_ptr<load::Protocol> OpenNats();
std::unique_ptr<Dialogue> NatsPushes();

// WebSocket subscribers at /sub, pushes by POST to /pub.
std::unique_ptr<load::Protocol> OpenNchan(const std::string& host);
std::unique_ptr<Dialogue> NchanPushes(const std::string& host);

// WebSocket subscribers at /sub that speak JSON, pushes by POST to /api/publish. Bodies travel as
// base64, because JSON cannot carry bytes: push 48 for 64 on the wire.
std::unique_ptr<load::Protocol> OpenCentrifugo(const std::string& host);
std::unique_ptr<Dialogue> CentrifugoPushes(const std::string& host);

inline constexpr std::string_view kPeers = "redis, nats, nchan, centrifugo";

// What makes a run of halley-load's engine one against this peer; nullopt: there is no such peer.
std::optional<load::Server> PeerServer(std::string_view name);

}  // namespace halley::peers
