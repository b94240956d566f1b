#include "shard/hub_limits.h"

#include "config/network_list.h"
#include "config/origin_list.h"
#include "web/files.h"

namespace halley::shard {
namespace {

hub::Overflow OverflowOf(config::RoomOverflow overflow) {
  switch (overflow) {
    case config::RoomOverflow::kSkip: break;
    case config::RoomOverflow::kLatest: return hub::Overflow::kLatest;
    case config::RoomOverflow::kClose: return hub::Overflow::kClose;
  }
  return hub::Overflow::kSkip;
}

hub::PersonalOverflow OverflowOf(config::PersonalOverflow overflow) {
  switch (overflow) {
    case config::PersonalOverflow::kRefuse: break;
    case config::PersonalOverflow::kSkip: return hub::PersonalOverflow::kSkip;
    case config::PersonalOverflow::kLatest: return hub::PersonalOverflow::kLatest;
    case config::PersonalOverflow::kClose: return hub::PersonalOverflow::kClose;
  }
  return hub::PersonalOverflow::kRefuse;
}

hub::LaneLimits LaneLimitsOf(const config::RoomOptions& room) {
  hub::LaneLimits limits;
  limits.log_bytes = room.log_bytes;
  limits.log_messages = room.log_messages;
  limits.log_age_ms = room.log_age_ms;
  limits.overflow = OverflowOf(room.overflow);
  limits.linger_ms = room.linger_ms;
  limits.linger_bytes = room.linger_bytes;
  limits.low_class = room.room_class == config::RoomClass::kLow;
  return limits;
}

// Requests are read as everywhere, but nothing is agreed on: Gopusher's clients know of nothing.
session::GopusherLimits GopusherLimitsOf(const config::GopusherOptions& options,
                                         const wire::UpgradeLimits& upgrade) {
  session::GopusherLimits limits;
  limits.app.key = options.app_key;
  limits.app.secret = options.app_secret;
  limits.app.node = options.node;
  limits.app.id_name = options.client_id_alias;
  limits.app.time_name = options.time_alias;
  limits.app.token_name = options.token_alias;
  limits.app.unsigned_logins = options.TakesUnsigned();
  limits.ping_ms = options.ping_ms;
  limits.pong_timeout_ms = options.pong_timeout_ms;
  limits.upgrade = upgrade;
  limits.upgrade.gopusher = true;
  limits.upgrade.deflate = false;
  limits.upgrade.subprotocols.clear();
  limits.upgrade.files = {};
  return limits;
}

}  // namespace

hub::HubLimits HubLimitsOf(const config::Options& options, uint64_t wall_offset_ms) {
  hub::HubLimits limits;
  limits.wall_offset_ms = wall_offset_ms;
  limits.lane = LaneLimitsOf(options.room);
  for (const config::RoomType& type : options.room_types) {
    limits.room_types.push_back({type.name, LaneLimitsOf(type.options)});
  }
  limits.personal_overflow = OverflowOf(options.client.personal_overflow);
  limits.stall_timeout_ms = options.client.stall_timeout_ms;
  limits.personal_queue_bytes = options.client.personal_queue_bytes;
  limits.accept_sets = options.shard.accept_sets;
  limits.ops = options.client.ops;
  limits.buckets = options.shard.buckets;
  limits.deflate_bytes = options.websocket.deflate_bytes;
  return limits;
}

session::SessionLimits SessionLimitsOf(const config::Options& options, bool refreshes) {
  const config::ClientOptions& client = options.client;
  session::SessionLimits limits;
  limits.refreshes = refreshes;
  limits.frame_body_bytes = client.frame_body_bytes;
  limits.message_bytes = client.message_bytes;
  limits.fragments = client.fragments;
  limits.event_heartbeat_ms = client.sse_heartbeat_ms;
  limits.upgrade.header_bytes_max = client.http_header_bytes;
  limits.upgrade.headers_max = client.http_headers;
  limits.upgrade.deflate = options.websocket.deflate_bytes > 0;
  limits.upgrade.subprotocols = options.websocket.subprotocols;
  limits.upgrade.origins =
      wire::OriginPolicy(config::ParseOriginList(options.websocket.origins).value());
  if (options.websocket.page) limits.upgrade.files = web::Files();
  limits.upgrade.forwarded_for = !ProxiesOf(options).empty();
  limits.gopusher = GopusherLimitsOf(options.gopusher, limits.upgrade);
  limits.v1_json_arrays = options.goim_v1.json == config::GoimV1Json::kArray;
  limits.v1_upgrade = limits.upgrade;
  limits.v1_upgrade.goim_v1 = true;
  limits.v1_upgrade.deflate = false;
  limits.v1_upgrade.files = {};
  limits.v1_idle_timeout_ms = options.goim_v1.idle_timeout_ms;
  return limits;
}

base::Networks ProxiesOf(const config::Options& options) {
  return config::ParseNetworkList(options.listen.proxies).value();
}

}  // namespace halley::shard
