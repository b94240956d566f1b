#include "peers/peers.h"

namespace halley::peers {
namespace {

using ProtocolMaker = std::unique_ptr<load::Protocol> (*)(const std::string& host);
using DialogueMaker = std::unique_ptr<Dialogue> (*)(const std::string& host);

struct Peer {
  std::string_view name;
  ProtocolMaker open;
  DialogueMaker pushes;
};

constexpr Peer kTable[] = {
    {"redis", [](const std::string&) { return OpenRedis(); },
     [](const std::string&) { return RedisPushes(); }},
    {"nats", [](const std::string&) { return OpenNats(); },
     [](const std::string&) { return NatsPushes(); }},
    {"nchan", OpenNchan, NchanPushes},
    {"centrifugo", OpenCentrifugo, CentrifugoPushes},
};

}  // namespace

std::optional<load::Server> PeerServer(std::string_view name) {
  for (const Peer& peer : kTable) {
    if (peer.name != name) continue;
    return load::Server{
        [open = peer.open](const load::Plan& plan, uint64_t) {
          return open(plan.options().clients_address);
        },
        [pushes = peer.pushes](const load::Plan& plan) {
          const std::string& address = plan.options().push_address;
          return OpenSocketPort(address, pushes(address));
        }};
  }
  return std::nullopt;
}

}  // namespace halley::peers
