// GoimApi: the HTTP API of goim's logic, so that a single node needs no logic process. Parameters
// come in the query, also of a POST, whose body is the message.
//
// Where goim has queued a message in Kafka when it answers, this node has pushed it; that nobody was
// there is success in both.
//
// Source     goim v2 internal/logic/http/*.go; answers as of gin, which it is made with.
// Threads    Any: calls wait for the node's answer.
// Ownership  Borrows both clients.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "admin/answer.h"
#include "halley/push_client.h"
#include "wire/json_writer.h"

namespace halley::admin {

// What clients are told by /goim/nodes/weighted; goim's [node].
struct NodesReply {
  std::vector<std::string> names;  // empty: the name by which it is asked
  uint32_t tcp_port = 0;           // 0: not listened on
  uint32_t ws_port = 0;
  uint32_t wss_port = 0;
  uint32_t idle_timeout_s = 0;
};

class GoimApi {
 public:
  // `pusher` pushes, `observer` asks.
  GoimApi(PushClient* pusher, PushClient* observer, NodesReply nodes);

  Answer PushKeys(const Parameters& query, std::string body);
  Answer PushMids(const Parameters& query, std::string body);
  Answer PushRoom(const Parameters& query, std::string body);
  Answer PushAll(const Parameters& query, std::string body);
  Answer OnlineTop(const Parameters& query);
  Answer OnlineRoom(const Parameters& query);
  Answer OnlineTotal();
  // `host`: of the request.
  Answer NodesWeighted(absl::string_view host) const;
  // `instances`: an array.
  Answer NodesInstances(const wire::JsonWriter& instances) const;

 private:
  PushClient& pusher_;
  PushClient& observer_;
  const NodesReply nodes_;
};

}  // namespace halley::admin
