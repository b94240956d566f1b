#include "admin/node_api.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "halley/admin.pb.h"

namespace halley::admin {
namespace {

constexpr uint32_t kRoomsDefault = 1000;

absl::Status Wrong(absl::string_view sentence) { return absl::InvalidArgumentError(sentence); }

absl::Status Read(const std::string& json, google::protobuf::Message* message) {
  const auto read = google::protobuf::util::JsonStringToMessage(json, message);
  if (read.ok()) return absl::OkStatus();
  return Wrong(absl::StrCat("the body is not the JSON object that is wanted (",
                            read.message().ToString(), "): see /v1/openapi.json"));
}

uint32_t Narrow(uint64_t count) {
  return static_cast<uint32_t>(std::min<uint64_t>(count, UINT32_MAX));
}

Answer Reported(const absl::StatusOr<PushReport>& report) {
  if (!report.ok()) return ErrorAnswer(report.status());
  v1::PushReply reply;
  reply.set_taken(Narrow(report->taken));
  for (const PushRefused& refused : report->refused) {
    v1::Refused* entry = reply.add_refused();
    entry->set_index(refused.index);
    entry->set_why(PushRefusalName(refused.why));
  }
  reply.mutable_sequence()->Add(report->sequence.begin(), report->sequence.end());
  if (report->deliveries.has_value()) {
    reply.mutable_deliveries()->set_delivered(Narrow(report->deliveries->delivered));
    reply.mutable_deliveries()->set_skipped(Narrow(report->deliveries->skipped));
    reply.mutable_deliveries()->set_pending(Narrow(report->deliveries->pending));
  }
  return JsonAnswer(reply);
}

template <typename List>
std::vector<std::string> Texts(const List& list) {
  return {list.begin(), list.end()};
}

template <typename List>
std::vector<int64_t> Numbers(const List& list) {
  return {list.begin(), list.end()};
}

absl::Status Check(const v1::PushRequest& request) {
  const int kinds = (request.keys().empty() ? 0 : 1) + (request.mids().empty() ? 0 : 1) +
                    (request.rooms().empty() ? 0 : 1) + (request.all() ? 1 : 0);
  if (kinds != 1) return Wrong("name one kind of target: keys, mids, rooms or all");
  if (!request.text().empty() && !request.data().empty()) {
    return Wrong("text and data are both there: keep one");
  }
  if (request.pace() != 0 && !request.all()) return Wrong("only a push to all has a pace");
  return absl::OkStatus();
}

Answer Traced(const absl::StatusOr<TraceReport>& report) {
  if (!report.ok()) return ErrorAnswer(report.status());
  if (!report->error.empty()) return ErrorAnswer(absl::FailedPreconditionError(report->error));
  v1::TracesReply reply;
  for (const TraceOn& on : report->traces) {
    v1::Trace* const trace = reply.add_traces();
    if (!on.target.key.empty()) trace->set_key(ReadableText(on.target.key));
    if (on.target.mid != 0) trace->set_mid(on.target.mid);
    if (!on.target.ip.empty()) trace->set_ip(ReadableText(on.target.ip));
    trace->set_seconds_left(on.seconds_left);
  }
  return JsonAnswer(reply);
}

}  // namespace

NodeApi::NodeApi(PushClient* pusher, PushClient* observer)
    : pusher_(*pusher), observer_(*observer) {}

Answer NodeApi::Push(const std::string& json) {
  v1::PushRequest request;
  absl::Status good = Read(json, &request);
  if (good.ok()) good = Check(request);
  if (!good.ok()) return ErrorAnswer(good);
  PushMessage message;
  message.op = request.op();
  message.body = request.text().empty() ? request.data() : request.text();
  message.batch = request.batch();
  message.confirm = absl::Milliseconds(request.confirm_ms());
  if (!request.keys().empty()) return Reported(pusher_.PushKeys(Texts(request.keys()), message));
  if (!request.mids().empty()) return Reported(pusher_.PushMids(Numbers(request.mids()), message));
  if (!request.rooms().empty()) return Reported(pusher_.PushRooms(Texts(request.rooms()), message));
  return Reported(pusher_.PushAll(message, request.pace()));
}

Answer NodeApi::Kick(const std::string& json) {
  v1::KickRequest request;
  if (const absl::Status good = Read(json, &request); !good.ok()) return ErrorAnswer(good);
  if (request.keys().empty() == request.mids().empty()) {
    return ErrorAnswer(Wrong("name one kind of target: keys or mids"));
  }
  return Reported(request.mids().empty() ? pusher_.KickKeys(Texts(request.keys()))
                                         : pusher_.KickMids(Numbers(request.mids())));
}

Answer NodeApi::Drain(const std::string& json) {
  v1::DrainRequest request;
  if (!json.empty()) {
    if (const absl::Status good = Read(json, &request); !good.ok()) return ErrorAnswer(good);
  }
  std::optional<absl::Duration> grace;
  std::optional<absl::Duration> window;
  if (request.has_grace_ms()) grace = absl::Milliseconds(request.grace_ms());
  if (request.has_window_ms()) window = absl::Milliseconds(request.window_ms());
  const absl::StatusOr<PushReport> report = observer_.BeginDrain(grace, window);
  if (!report.ok()) return ErrorAnswer(report.status());
  v1::DrainReply reply;
  reply.set_clients(Narrow(report->taken));
  return JsonAnswer(reply);
}

Answer NodeApi::Reload() {
  const absl::StatusOr<ReloadReport> report = observer_.Reload();
  if (!report.ok()) return ErrorAnswer(report.status());
  if (!report->error.empty()) return ErrorAnswer(absl::FailedPreconditionError(report->error));
  v1::ReloadReply reply;
  reply.mutable_changed()->Add(report->changed.begin(), report->changed.end());
  reply.mutable_need_restart()->Add(report->need_restart.begin(), report->need_restart.end());
  return JsonAnswer(reply);
}

Answer NodeApi::Undrain() {
  const absl::StatusOr<PushReport> report = observer_.EndDrain();
  if (!report.ok()) return ErrorAnswer(report.status());
  return JsonAnswer(v1::DrainReply());
}

Answer NodeApi::BeginTrace(const std::string& json) {
  v1::TraceRequest request;
  if (const absl::Status good = Read(json, &request); !good.ok()) return ErrorAnswer(good);
  return Traced(observer_.BeginTrace({request.key(), request.mid(), request.ip()},
                                     absl::Seconds(request.seconds())));
}

Answer NodeApi::EndTrace(const Parameters& query) {
  TraceTarget target;
  for (const auto& [name, value] : query) {
    if (name == "key") {
      target.key = value;
    } else if (name == "ip") {
      target.ip = value;
    } else if (name == "mid" && !absl::SimpleAtoi(value, &target.mid)) {
      return ErrorAnswer(Wrong("mid is no whole number: use mid=123"));
    }
  }
  return Traced(observer_.EndTrace(target));
}

Answer NodeApi::Traces() { return Traced(observer_.Traces()); }

Answer NodeApi::Rooms(const Parameters& query) {
  const auto prefix = query.find("prefix");
  const auto limit = query.find("limit");
  uint32_t listed = kRoomsDefault;
  if (limit != query.end() && !absl::SimpleAtoi(limit->second, &listed)) {
    return ErrorAnswer(Wrong("limit is no number of rooms: use limit=1000"));
  }
  const auto order = query.find("order");
  const bool by_members = order != query.end() && order->second == "members";
  if (order != query.end() && !by_members && order->second != "name") {
    return ErrorAnswer(Wrong("order is none that is known: use order=name or order=members"));
  }
  const absl::StatusOr<RoomList> list =
      observer_.Rooms(prefix == query.end() ? "" : prefix->second, listed,
                      by_members ? RoomOrder::kMembers : RoomOrder::kName);
  if (!list.ok()) return ErrorAnswer(list.status());
  v1::RoomsReply reply;
  for (const RoomMembers& each : list->rooms) {
    v1::Room* room = reply.add_rooms();
    room->set_room(ReadableText(each.room));
    room->set_members(Narrow(each.members));
  }
  reply.set_total(Narrow(list->total));
  return JsonAnswer(reply);
}

Answer NodeApi::Online(const Parameters& query) {
  std::vector<std::string> keys;
  const auto [first, last] = query.equal_range("key");
  for (auto each = first; each != last; ++each) keys.push_back(each->second);
  if (keys.empty()) return ErrorAnswer(Wrong("keys are missing: add key=KEY, once for each"));
  const absl::StatusOr<std::vector<uint32_t>> online = observer_.Online(keys);
  if (!online.ok()) return ErrorAnswer(online.status());
  v1::OnlineReply reply;
  for (const uint32_t index : *online) reply.add_online(ReadableText(keys[index]));
  return JsonAnswer(reply);
}

Answer NodeApi::Status(const std::optional<DiscoveryFigures>& discovery) {
  const absl::StatusOr<NodeFigures> node = observer_.Status();
  if (!node.ok()) return ErrorAnswer(node.status());
  return {200, "application/json", FiguresAsJson(*node, discovery)};
}

}  // namespace halley::admin
