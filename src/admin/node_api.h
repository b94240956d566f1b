// NodeApi: what the node can be asked and told in JSON, under /v1: the calls of the push port
// (proto/halley/push.proto) in the words of proto/halley/admin.proto.
//
// Threads    Any: calls wait for the node's answer.
// Ownership  Borrows both clients.
#pragma once

#include <optional>
#include <string>

#include "admin/answer.h"
#include "admin/figures.h"
#include "halley/push_client.h"

namespace halley::admin {

class NodeApi {
 public:
  // `pusher` pushes and kicks, `observer` asks, drains and traces.
  NodeApi(PushClient* pusher, PushClient* observer);

  Answer Push(const std::string& json);
  Answer Kick(const std::string& json);
  Answer Drain(const std::string& json);
  Answer Undrain();
  Answer Reload();
  // Of a key, a mid or an address: begins it, ends it, and lists those that are on.
  Answer BeginTrace(const std::string& json);
  Answer EndTrace(const Parameters& query);
  Answer Traces();
  Answer Rooms(const Parameters& query);
  Answer Online(const Parameters& query);
  Answer Status(const std::optional<DiscoveryFigures>& discovery);

 private:
  PushClient& pusher_;
  PushClient& observer_;
};

}  // namespace halley::admin
