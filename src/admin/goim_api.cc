#include "admin/goim_api.h"

#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace halley::admin {
namespace {

using wire::JsonWriter;

constexpr int32_t kBadRequest = -400;
constexpr int32_t kServerError = -500;
// goim's own numbers, of its example configuration.
constexpr uint32_t kHeartbeatsMax = 2;
constexpr uint32_t kBackoffMaxDelayS = 300;
constexpr uint32_t kBackoffBaseDelayS = 3;
constexpr double kBackoffFactor = 1.8;
constexpr double kBackoffJitter = 0.3;

Answer GoimAnswer(int32_t code, absl::string_view message, int status = 200,
                  const JsonWriter* data = nullptr) {
  JsonWriter json;
  json.BeginObject().Key("code").Signed(code).Key("message").Text(ReadableText(message));
  if (data != nullptr) json.Key("data").Value(*data);
  return {status, "application/json", json.EndObject().text()};
}

Answer GoimData(const JsonWriter& data) { return GoimAnswer(0, "", 200, &data); }

// gin's answer to parameters that are missing or wrong keeps its status.
Answer BadParameter(absl::string_view sentence) { return GoimAnswer(kBadRequest, sentence, 400); }

Answer Pushed(const absl::StatusOr<PushReport>& report) {
  if (report.ok()) return GoimAnswer(0, "");
  const absl::string_view why = report.status().message();
  const bool theirs = absl::IsInvalidArgument(report.status());
  return GoimAnswer(theirs ? kBadRequest : kServerError, {why.data(), why.size()});
}

Answer Failed(const absl::Status& status) {
  return GoimAnswer(kServerError, {status.message().data(), status.message().size()});
}

std::optional<std::string> Find(const Parameters& query, const std::string& name) {
  const auto found = query.find(name);
  if (found == query.end()) return std::nullopt;
  return found->second;
}

// All of a name, in their order.
std::vector<std::string> All(const Parameters& query, const std::string& name) {
  std::vector<std::string> values;
  const auto [first, last] = query.equal_range(name);
  for (auto each = first; each != last; ++each) values.push_back(each->second);
  return values;
}

std::optional<int32_t> FindNumber(const Parameters& query, const std::string& name) {
  const std::optional<std::string> text = Find(query, name);
  int32_t number = 0;
  if (!text.has_value() || !absl::SimpleAtoi(*text, &number)) return std::nullopt;
  return number;
}

// goim shows the host part of a room's key, which is a URL.
absl::string_view IdOf(absl::string_view room) {
  const size_t scheme = room.find("://");
  return scheme == absl::string_view::npos ? room : room.substr(scheme + 3);
}

}  // namespace

GoimApi::GoimApi(PushClient* pusher, PushClient* observer, NodesReply nodes)
    : pusher_(*pusher), observer_(*observer), nodes_(std::move(nodes)) {}

Answer GoimApi::PushKeys(const Parameters& query, std::string body) {
  const std::optional<int32_t> op = FindNumber(query, "operation");
  const std::vector<std::string> keys = All(query, "keys");
  if (!op.has_value()) return BadParameter("operation is missing or no number: add operation=1000");
  if (keys.empty()) return BadParameter("keys are missing: add keys=KEY, once for each");
  return Pushed(pusher_.PushKeys(keys, {.op = *op, .body = std::move(body)}));
}

Answer GoimApi::PushMids(const Parameters& query, std::string body) {
  const std::optional<int32_t> op = FindNumber(query, "operation");
  if (!op.has_value()) return BadParameter("operation is missing or no number: add operation=1000");
  std::vector<int64_t> mids;
  for (const std::string& text : All(query, "mids")) {
    int64_t mid = 0;
    if (!absl::SimpleAtoi(text, &mid)) return BadParameter("a mid is no number: use mids=123");
    mids.push_back(mid);
  }
  if (mids.empty()) return BadParameter("mids are missing: add mids=MID, once for each");
  return Pushed(pusher_.PushMids(mids, {.op = *op, .body = std::move(body)}));
}

Answer GoimApi::PushRoom(const Parameters& query, std::string body) {
  const int32_t op = FindNumber(query, "operation").value_or(0);
  const std::string type = Find(query, "type").value_or("");
  const std::string room = Find(query, "room").value_or("");
  if (op == 0) return BadParameter("operation is missing, or 0: add operation=1000");
  if (type.empty() || room.empty()) {
    return BadParameter("type or room is missing: add type=live&room=1000 for live://1000");
  }
  return Pushed(
      pusher_.PushRooms({absl::StrCat(type, "://", room)}, {.op = op, .body = std::move(body)}));
}

Answer GoimApi::PushAll(const Parameters& query, std::string body) {
  const int32_t op = FindNumber(query, "operation").value_or(0);
  if (op == 0) return BadParameter("operation is missing, or 0: add operation=1000");
  const int32_t speed = query.contains("speed") ? FindNumber(query, "speed").value_or(-1) : 0;
  if (speed < 0) return BadParameter("speed is no number of deliveries per second: use speed=10000");
  return Pushed(
      pusher_.PushAll({.op = op, .body = std::move(body)}, static_cast<uint32_t>(speed)));
}

Answer GoimApi::OnlineTop(const Parameters& query) {
  const std::optional<std::string> type = Find(query, "type");
  const int32_t limit = FindNumber(query, "limit").value_or(0);
  if (!type.has_value() || type->empty()) return BadParameter("type is missing: add type=live");
  if (limit <= 0) return BadParameter("limit is missing, or not above 0: add limit=10");
  const absl::StatusOr<RoomList> list =
      observer_.Rooms(*type, static_cast<uint32_t>(limit), RoomOrder::kMembers);
  if (!list.ok()) return Failed(list.status());
  JsonWriter data;
  data.BeginArray();
  for (const RoomMembers& each : list->rooms) {
    data.BeginObject().Key("room_id").Text(ReadableText(IdOf(each.room)));
    data.Key("count").Number(each.members).EndObject();
  }
  return GoimData(data.EndArray());
}

Answer GoimApi::OnlineRoom(const Parameters& query) {
  const std::optional<std::string> type = Find(query, "type");
  const std::vector<std::string> asked = All(query, "rooms");
  if (!type.has_value() || type->empty()) return BadParameter("type is missing: add type=live");
  if (asked.empty()) return BadParameter("rooms are missing: add rooms=1000, once for each");
  const std::string prefix = absl::StrCat(*type, "://");
  const absl::StatusOr<RoomList> list = observer_.Rooms(prefix, UINT32_MAX, RoomOrder::kNone);
  if (!list.ok()) return Failed(list.status());
  absl::flat_hash_map<absl::string_view, uint64_t> members;
  for (const std::string& id : asked) members[id] = 0;
  for (const RoomMembers& each : list->rooms) {
    const auto found = members.find(absl::string_view(each.room).substr(prefix.size()));
    if (found != members.end()) found->second = each.members;
  }
  JsonWriter data;
  data.BeginObject();
  for (const std::string& id : asked) data.Key(ReadableText(id)).Number(members[id]);
  return GoimData(data.EndObject());
}

Answer GoimApi::OnlineTotal() {
  const absl::StatusOr<NodeFigures> node = observer_.Status();
  if (!node.ok()) return Failed(node.status());
  uint64_t channels = 0;
  uint64_t addresses = 0;
  for (const ShardFigures& shard : node->shards) {
    channels += shard.channels;
    addresses += shard.addresses;
  }
  JsonWriter data;
  data.BeginObject().Key("ip_count").Number(addresses).Key("conn_count").Number(channels);
  return GoimData(data.EndObject());
}

Answer GoimApi::NodesWeighted(absl::string_view host) const {
  // Of "name:port" and "[v6]:port" the name.
  const size_t colon = host.rfind(':');
  const bool port = colon != absl::string_view::npos && host.find(']', colon) == absl::string_view::npos;
  const absl::string_view asked = port ? host.substr(0, colon) : host;
  std::vector<std::string> names = nodes_.names;
  if (names.empty()) names.emplace_back(asked);
  JsonWriter data;
  data.BeginObject().Key("domain").Text(ReadableText(names.front()));
  data.Key("heartbeat").Number(nodes_.idle_timeout_s / kHeartbeatsMax);
  data.Key("heartbeat_max").Number(kHeartbeatsMax);
  // goim leaves out what is 0.
  if (nodes_.tcp_port != 0) data.Key("tcp_port").Number(nodes_.tcp_port);
  if (nodes_.ws_port != 0) data.Key("ws_port").Number(nodes_.ws_port);
  if (nodes_.wss_port != 0) data.Key("wss_port").Number(nodes_.wss_port);
  data.Key("nodes").BeginArray();
  for (const std::string& name : names) data.Text(ReadableText(name));
  data.EndArray().Key("backoff").BeginObject();
  data.Key("max_delay").Number(kBackoffMaxDelayS).Key("base_delay").Number(kBackoffBaseDelayS);
  data.Key("factor").Real(kBackoffFactor).Key("jitter").Real(kBackoffJitter).EndObject();
  return GoimData(data.EndObject());
}

Answer GoimApi::NodesInstances(const JsonWriter& instances) const { return GoimData(instances); }

}  // namespace halley::admin
