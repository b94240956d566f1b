#include "push/codec.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/assert.h"
#include "base/networks.h"
#include "push/status_codec.h"
#include "wire/goim_frame.h"

namespace halley::push {
namespace {

using shard::JobKind;

Fault Invalid(std::string error) { return {v1::CODE_INVALID_ARGUMENT, std::move(error)}; }

// Moves `names` (keys or room ids) out; `what` names one of them in a sentence.
template <typename Names>
std::optional<Fault> TakeNames(Names* names, const char* what, shard::Job* job) {
  if (names->empty()) return Invalid(absl::StrCat("no ", what, " is named: name at least one"));
  job->names.reserve(static_cast<size_t>(names->size()));
  for (int i = 0; i < names->size(); ++i) {
    if ((*names)[i].empty()) {
      return Invalid(absl::StrCat("the ", what, " at index ", i, " is empty: leave it out"));
    }
    job->names.push_back(std::move((*names)[i]));
  }
  return std::nullopt;
}

template <typename Mids>
std::optional<Fault> TakeMids(const Mids& mids, shard::Job* job) {
  if (mids.empty()) return Invalid("no mid is named: name at least one");
  const auto anonymous = std::find(mids.begin(), mids.end(), 0);
  if (anonymous != mids.end()) {
    return Invalid(absl::StrCat("the mid at index ", anonymous - mids.begin(),
                                " is 0, which stands for anonymous clients: use their keys"));
  }
  job->mids.assign(mids.begin(), mids.end());
  return std::nullopt;
}

template <typename Call>
std::optional<Fault> TakeMessage(Call* call, uint32_t body_bytes_max, shard::Job* job) {
  if (!call->has_message()) return Invalid("the message is missing: give its op and body");
  v1::Message* message = call->mutable_message();
  if (message->body().size() > body_bytes_max) {
    return Invalid(absl::StrCat("the body has ", message->body().size(),
                                " bytes, above the limit of ", body_bytes_max,
                                ": send less or raise push.body_bytes"));
  }
  if (message->batch() && !wire::IsGoimBatch(message->body())) {
    return Invalid("the batch is not one or more complete goim frames back to back: "
                   "frame it or clear the batch flag");
  }
  if (!message->batch() && wire::IsProtocolOp(message->op())) {
    return Invalid(absl::StrCat("op ", message->op(),
                                " belongs to goim's own protocol: use another, such as 1000"));
  }
  if (message->confirm_ms() > kConfirmMsMax) {
    return Invalid(absl::StrCat("a confirmation after ", message->confirm_ms(),
                                " ms is above the limit of ", kConfirmMsMax, ": wait less long"));
  }
  job->confirm_ms = message->confirm_ms();
  job->batch = message->batch();
  job->op = message->op();
  job->body = std::move(*message->mutable_body());
  return std::nullopt;
}

std::optional<shard::RoomOrder> OrderOf(v1::RoomOrder order) {
  switch (order) {
    case v1::ROOM_ORDER_NAME: return shard::RoomOrder::kName;
    case v1::ROOM_ORDER_MEMBERS: return shard::RoomOrder::kMembers;
    case v1::ROOM_ORDER_NONE: return shard::RoomOrder::kNone;
    default: return std::nullopt;  // of a later version of the protocol
  }
}

std::optional<Fault> TakeRooms(v1::Rooms* rooms, uint32_t rooms_max, shard::RoomsQuery* query) {
  if (rooms->limit() > rooms_max) {
    return Invalid(absl::StrCat("a limit of ", rooms->limit(), " rooms is above ", rooms_max,
                                ": ask for less or narrow the prefix"));
  }
  const std::optional<shard::RoomOrder> order = OrderOf(rooms->order());
  if (!order.has_value()) {
    return Invalid(absl::StrCat("an order of rooms numbered ", static_cast<int>(rooms->order()),
                                " is not known here: use ROOM_ORDER_NAME, ROOM_ORDER_MEMBERS or "
                                "ROOM_ORDER_NONE"));
  }
  query->order = *order;
  query->limit = rooms->limit() == 0 ? kRoomsDefault : rooms->limit();
  query->prefix = std::move(*rooms->mutable_prefix());
  return std::nullopt;
}

std::optional<Fault> TakeDrain(const v1::Drain& drain, shard::Job* job) {
  if (drain.grace_ms() > kDrainMsMax || drain.window_ms() > kDrainMsMax) {
    return Invalid("a drain of more than a day is none: ask for 86400000 ms at most");
  }
  if (drain.has_grace_ms()) job->grace_ms = drain.grace_ms();
  if (drain.has_window_ms()) job->window_ms = drain.window_ms();
  return std::nullopt;
}

std::optional<Fault> TakeTraceTarget(v1::TraceTarget* target, shard::TraceTarget* out) {
  const int named = (target->key().empty() ? 0 : 1) + (target->mid() == 0 ? 0 : 1) + (target->ip().empty() ? 0 : 1);
  if (named != 1) return Invalid("a trace is of one thing: name a key, a mid that is not 0, or an ip");
  if (!target->key().empty()) {
    out->kind = shard::TraceKind::kKey;
    out->name = std::move(*target->mutable_key());
    return std::nullopt;
  }
  if (target->mid() != 0) {
    out->kind = shard::TraceKind::kMid;
    out->mid = target->mid();
    return std::nullopt;
  }
  const std::optional<in6_addr> ip = base::ParseIp(target->ip());
  if (!ip.has_value()) {
    return Invalid("the ip of the trace is no address: write it as 10.0.0.1 or 2001:db8::1, without a port");
  }
  out->kind = shard::TraceKind::kIp;
  out->name = std::move(*target->mutable_ip());
  out->ip = *ip;
  return std::nullopt;
}

std::optional<Fault> TakeTrace(v1::TraceBegin* begin, shard::Job* job) {
  if (begin->seconds() > shard::kTraceSecondsMax) {
    return Invalid(absl::StrCat("a trace of ", begin->seconds(), " s is above the limit of ",
                                shard::kTraceSecondsMax, ": begin it again when it is over"));
  }
  if (begin->seconds() > 0) job->trace_s = begin->seconds();
  return TakeTraceTarget(begin->mutable_target(), &job->trace);
}

void EncodeTraced(const shard::Traced& traced, v1::TraceResult* out) {
  out->set_error(traced.error);
  for (const shard::Traced::On& on : traced.traces) {
    v1::Trace* const trace = out->add_traces();
    trace->set_seconds_left(on.seconds_left);
    switch (on.target.kind) {
      case shard::TraceKind::kKey: trace->mutable_target()->set_key(on.target.name); break;
      case shard::TraceKind::kMid: trace->mutable_target()->set_mid(on.target.mid); break;
      case shard::TraceKind::kIp: trace->mutable_target()->set_ip(on.target.name); break;
    }
  }
}

void EncodePush(const shard::JobResult& result, v1::PushResult* out) {
  if (result.deliveries.has_value()) {
    v1::Deliveries* deliveries = out->mutable_deliveries();
    deliveries->set_delivered(result.deliveries->delivered);
    deliveries->set_skipped(result.deliveries->skipped);
    deliveries->set_pending(result.deliveries->pending);
  }
  out->set_taken(result.taken);
  for (const shard::Refused& refused : result.refused) {
    v1::Refused* entry = out->add_refused();
    entry->set_index(refused.index);
    switch (refused.why) {
      case shard::Refusal::kOffline:
        entry->set_why(v1::REFUSAL_OFFLINE);
        break;
      case shard::Refusal::kNotWatching:
        entry->set_why(v1::REFUSAL_NOT_WATCHING);
        break;
      case shard::Refusal::kQueueFull:
        entry->set_why(v1::REFUSAL_QUEUE_FULL);
        break;
    }
  }
  out->mutable_sequence()->Add(result.sequence.begin(), result.sequence.end());
}

}  // namespace

std::optional<Fault> DecodeJob(v1::Request* request, const JobLimits& limits, shard::Job* job) {
  std::optional<Fault> fault;
  switch (request->call_case()) {
    case v1::Request::kPushKeys: {
      job->kind = JobKind::kPushKeys;
      v1::PushKeys* call = request->mutable_push_keys();
      fault = TakeMessage(call, limits.body_bytes, job);
      return fault ? fault : TakeNames(call->mutable_keys(), "key", job);
    }
    case v1::Request::kPushMids: {
      job->kind = JobKind::kPushMids;
      v1::PushMids* call = request->mutable_push_mids();
      fault = TakeMessage(call, limits.body_bytes, job);
      return fault ? fault : TakeMids(call->mids(), job);
    }
    case v1::Request::kPushRooms: {
      job->kind = JobKind::kPushRooms;
      v1::PushRooms* call = request->mutable_push_rooms();
      fault = TakeMessage(call, limits.body_bytes, job);
      return fault ? fault : TakeNames(call->mutable_rooms(), "room", job);
    }
    case v1::Request::kPushAll:
      job->kind = JobKind::kPushAll;
      job->pace = request->push_all().pace();
      return TakeMessage(request->mutable_push_all(), limits.body_bytes, job);
    case v1::Request::kKickKeys:
      job->kind = JobKind::kKickKeys;
      return TakeNames(request->mutable_kick_keys()->mutable_keys(), "key", job);
    case v1::Request::kKickMids:
      job->kind = JobKind::kKickMids;
      return TakeMids(request->kick_mids().mids(), job);
    case v1::Request::kRooms:
      job->kind = JobKind::kRooms;
      return TakeRooms(request->mutable_rooms(), limits.rooms, &job->rooms);
    case v1::Request::kOnline:
      job->kind = JobKind::kOnline;
      return TakeNames(request->mutable_online()->mutable_keys(), "key", job);
    case v1::Request::kStatus:
      job->kind = JobKind::kStatus;
      return std::nullopt;
    case v1::Request::kDrain:
      job->kind = JobKind::kDrain;
      return TakeDrain(request->drain(), job);
    case v1::Request::kUndrain:
      job->kind = JobKind::kUndrain;
      return std::nullopt;
    case v1::Request::kReload:
      job->kind = JobKind::kReload;
      return std::nullopt;
    case v1::Request::kTraceBegin:
      job->kind = JobKind::kTraceBegin;
      return TakeTrace(request->mutable_trace_begin(), job);
    case v1::Request::kTraceEnd:
      job->kind = JobKind::kTraceEnd;
      return TakeTraceTarget(request->mutable_trace_end()->mutable_target(), &job->trace);
    case v1::Request::kTraces:
      job->kind = JobKind::kTraces;
      return std::nullopt;
    case v1::Request::kHello:
    case v1::Request::CALL_NOT_SET:
      break;
  }
  return Fault{v1::CODE_UNIMPLEMENTED,
               "the request names no call that this node knows: use an older client or a newer "
               "node"};
}

size_t JobBytes(const shard::Job& job) {
  size_t bytes = sizeof job + job.body.size() + job.rooms.prefix.size() + job.trace.name.size() +
                 job.mids.size() * sizeof(int64_t);
  for (const std::string& name : job.names) bytes += sizeof name + name.size();
  return bytes;
}

void EncodeResult(JobKind kind, shard::JobResult result, v1::Reply* reply) {
  switch (kind) {
    case JobKind::kPushKeys:
    case JobKind::kPushMids:
    case JobKind::kPushRooms:
    case JobKind::kPushAll:
    case JobKind::kKickKeys:
    case JobKind::kKickMids:
    case JobKind::kDrain:
    case JobKind::kUndrain:
      EncodePush(result, reply->mutable_push());
      break;
    case JobKind::kRooms: HALLEY_ASSERT(false);
    case JobKind::kOnline:
      reply->mutable_online()->mutable_online()->Add(result.online.begin(), result.online.end());
      break;
    case JobKind::kReload: {
      v1::ReloadResult* reload = reply->mutable_reload();
      for (std::string& key : result.reloaded.changed) reload->add_changed(std::move(key));
      for (std::string& key : result.reloaded.need_restart) reload->add_need_restart(std::move(key));
      reload->set_error(std::move(result.reloaded.error));
      break;
    }
    case JobKind::kTraceBegin:
    case JobKind::kTraceEnd:
    case JobKind::kTraces: EncodeTraced(result.traced, reply->mutable_trace()); break;
    case JobKind::kStatus:
      reply->mutable_status();
      for (const shard::ShardStatus& status : result.status) {
        EncodeStatus(status, reply->mutable_status()->add_shards());
      }
      break;
  }
}

}  // namespace halley::push
