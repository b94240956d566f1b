// Watch: traces. And how a shard is asked for them.
#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/assert.h"
#include "shard/shard.h"

namespace halley::shard {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

uint16_t BitOf(uint32_t place) { return static_cast<uint16_t>(1u << place); }
static_assert(kTracesMax <= 16);

std::string WhatOf(const Job& job) {
  return absl::StrCat(job.batch ? "a batch for op " : "op ", job.op, ", ", job.body.size(), " bytes");
}

}  // namespace

// --- which clients a trace matches

uint16_t Watch::PlacesOfAddress(std::string_view address) const {
  if (of_kind_[static_cast<size_t>(TraceKind::kIp)] == 0) return 0;
  const std::optional<base::Endpoint> endpoint = base::ParseEndpoint(address);
  if (!endpoint.has_value()) return 0;
  uint16_t places = 0;
  for (const Seen& each : seen_) {
    if (each.trace.id == 0 || each.trace.target.kind != TraceKind::kIp) continue;
    const bool same = std::memcmp(&each.trace.target.ip, &endpoint->ip, sizeof endpoint->ip) == 0;
    if (same) places |= BitOf(each.trace.place);
  }
  return places;
}

uint16_t Watch::PlacesOfName(std::string_view key, int64_t mid) const {
  uint16_t places = 0;
  for (const Seen& each : seen_) {
    const TraceTarget& target = each.trace.target;
    if (each.trace.id == 0 || target.kind == TraceKind::kIp) continue;
    if (target.kind == TraceKind::kKey ? target.name == key : target.mid == mid) {
      places |= BitOf(each.trace.place);
    }
  }
  return places;
}

void Watch::Match(Connection& connection, uint16_t places) {
  const uint32_t slot = SlotOf(connection);
  Watched& watched = Of(slot);
  if ((places & ~watched.places) == 0) return;
  if (watched.places == 0) {
    if (traced_.size() >= kTracedMax) {
      for (Seen& each : seen_) {
        if (each.trace.id == 0 || (places & BitOf(each.trace.place)) == 0) continue;
        if (std::exchange(each.full, true)) continue;
        Announce(absl::StrCat("trace of ", each.described, ": shard ", setup_.shard, " traces ", kTracedMax,
                              " connections, which is as many as it may, and leaves the others out"));
      }
      if (!watched.sampled && !watched.address_to_come) Forget(connection);
      return;
    }
    traced_.push_back(slot);
    if (setup_.hub->Live(slot)) setup_.hub->Observe(slot, true);
  }
  watched.places |= places;
}

// It may be one that is watched already.
void Watch::Discover(Connection& connection, uint16_t places) {
  if (places == 0) return;
  const uint32_t slot = SlotOf(connection);
  if (!connection.watched) {
    Watched watched;
    watched.address = setup_.ring->PeerAddress(connection.fd);
    Insert(connection, std::move(watched));
  }
  if ((places & ~Of(slot).places) == 0) return;
  Match(connection, places);
  if (!connection.watched || !setup_.hub->Live(slot)) return;
  Watched& watched = Of(slot);
  watched.logged_in = true;
  if (watched.places == 0) return;
  const hub::Channel& channel = setup_.hub->channel(slot);
  const hub::Room* const room = setup_.hub->RoomOf(slot);
  Tell(watched, absl::StrCat("is here with key ", OnOneLine(channel.key.view()), ", mid ", channel.mid,
                             room == nullptr ? "" : absl::StrCat(", room ", OnOneLine(room->id())),
                             "; speaks ", std::string(wire::EncodingName(channel.encoding))));
}

void Watch::Unmatch(uint16_t places) {
  slots_ = traced_;
  for (const uint32_t slot : slots_) {
    Watched& watched = Of(slot);
    if ((watched.places & places) == 0) continue;
    const uint16_t left = watched.places & static_cast<uint16_t>(~places);
    if (left == 0 && !watched.sampled) {
      Forget(setup_.connections->Get(slot));
      continue;
    }
    watched.places = left;
    if (left != 0) continue;
    std::erase(traced_, slot);
    setup_.hub->Observe(slot, false);
  }
}

// --- traces

void Watch::TakeTraces() {
  number_ = setup_.traces->number();
  const std::vector<Trace> list = setup_.traces->List();
  std::array<const Trace*, kTracesMax> now{};
  for (const Trace& trace : list) now[trace.place] = &trace;
  // All that end before any begins: their names are looked up among those that are on.
  std::vector<const Trace*> begin;
  for (uint32_t place = 0; place < kTracesMax; ++place) {
    Seen& seen = seen_[place];
    if (now[place] != nullptr && now[place]->id == seen.trace.id) {
      seen.trace.end_ns = now[place]->end_ns;
      continue;
    }
    if (seen.trace.id != 0) {
      Unmatch(BitOf(place));
      --of_kind_[static_cast<size_t>(seen.trace.target.kind)];
      --traces_;
      scan_places_ &= static_cast<uint16_t>(~BitOf(place));
      seen = Seen{};
    }
    if (now[place] != nullptr) begin.push_back(now[place]);
  }
  for (const Trace* const trace : begin) BeginTrace(*trace);
}

void Watch::BeginTrace(const Trace& trace) {
  Seen& seen = seen_[trace.place];
  seen.trace = trace;
  seen.described = Described(trace.target);
  ++traces_;
  ++of_kind_[static_cast<size_t>(trace.target.kind)];
  slots_.clear();
  switch (trace.target.kind) {
    case TraceKind::kKey: setup_.hub->FindKey(trace.target.name, &slots_); break;
    case TraceKind::kMid: setup_.hub->FindMid(trace.target.mid, &slots_); break;
    case TraceKind::kIp:
      // Nobody knows by address who is here: all are asked, over as many turns as it takes.
      scan_places_ |= BitOf(trace.place);
      scan_next_ = 0;
      break;
  }
  for (const uint32_t slot : std::vector<uint32_t>(slots_)) {
    Discover(setup_.connections->Get(slot), BitOf(trace.place));
  }
}

// What stands in X-Forwarded-For was forgotten after the login: behind such a proxy only who comes later is found.
void Watch::Scan() {
  const uint32_t end = std::min(scan_next_ + kScannedPerTurn, setup_.connections->used());
  for (; scan_next_ < end; ++scan_next_) {
    Connection* const connection = setup_.connections->At(scan_next_);
    if (connection == nullptr || connection->fd < 0 || connection->phase == Phase::kRpc ||
        connection->phase >= Phase::kLingering) {
      continue;
    }
    const uint16_t places = connection->watched
                                ? PlacesOfAddress(Of(scan_next_).address)
                                : PlacesOfAddress(setup_.ring->PeerAddress(connection->fd));
    Discover(*connection, places & scan_places_);
  }
  if (scan_next_ >= setup_.connections->used()) scan_places_ = 0;
}

void Watch::Tick() {
  if (traces_ == 0) return;
  bool over = false;
  for (const Seen& seen : seen_) over |= seen.trace.id != 0 && seen.trace.end_ns <= now_ns_;
  if (over) {
    for (const Trace& trace : setup_.traces->Expire(now_ns_)) {
      Announce(absl::StrCat("trace of ", Described(trace.target), ": its time is over"));
    }
  }
  if (now_ns_ - second_ns_ < kSecondNs) return;
  second_ns_ = now_ns_;
  for (Seen& seen : seen_) {
    if (seen.left_out > 0) {
      Announce(absl::StrCat("trace of ", seen.described, ": ", seen.left_out,
                            seen.left_out == 1 ? " line was" : " lines were", " left out in a second on shard ",
                            setup_.shard));
    }
    seen.lines = 0;
    seen.left_out = 0;
  }
}

// --- telling

void Watch::Announce(std::string_view line) {
  if (setup_.feed != nullptr) setup_.feed->Offer(now_ns_, std::string(line));
}

// One line, however many traces match: it is the first one's that may say something more in this second.
void Watch::Tell(const Watched& watched, std::string_view what) {
  if (watched.places == 0 || setup_.feed == nullptr) return;
  Seen* first = nullptr;
  for (Seen& seen : seen_) {
    if (seen.trace.id == 0 || (watched.places & BitOf(seen.trace.place)) == 0) continue;
    if (first == nullptr) first = &seen;
    if (seen.lines >= kLinesPerSecond) continue;
    ++seen.lines;
    if (!setup_.feed->Offer(now_ns_, absl::StrCat("trace of ", seen.described, ", from ",
                                                  watched.address.empty() ? "an unknown address" : watched.address,
                                                  ": ", std::string(what)))) {
      ++seen.left_out;
    }
    return;
  }
  if (first != nullptr) ++first->left_out;
}

void Watch::TellSkipped() {
  for (const hub::Skipped& skipped : setup_.hub->TakeSkipped()) {
    const auto found = watched_.find(skipped.slot);
    if (found == watched_.end()) continue;
    Tell(*found->second, absl::StrCat("will never get ", skipped.messages,
                                      skipped.messages == 1 ? " message" : " messages",
                                      ", for it is too slow (", std::string(hub::SkipReasonName(skipped.why)), ")"));
  }
}

void Watch::OnPush(const Job& job, uint32_t room, const JobPart& part) {
  for (const uint32_t slot : traced_) {
    if (!setup_.hub->Live(slot) || setup_.connections->Get(slot).retired) continue;
    const hub::Channel& channel = setup_.hub->channel(slot);
    const Watched& watched = Of(slot);
    const bool watching = setup_.hub->Accepts(slot, job.op);
    const auto tell_personal = [&](std::string_view to, Fate fate) {
      Tell(watched, absl::StrCat("push to its ", std::string(to), ": ", WhatOf(job),
                                 !watching                     ? "; skipped, for it does not watch that op"
                                 : fate == Fate::kQueueFull ? "; skipped, for its queue is full"
                                                               : ""));
    };
    switch (job.kind) {
      case JobKind::kPushRooms:
        if (!setup_.hub->InRoom(slot, job.names[room])) break;
        Tell(watched, absl::StrCat("push to room ", OnOneLine(job.names[room]), ": ", WhatOf(job)));
        break;
      case JobKind::kPushAll:
        Tell(watched, absl::StrCat("push to all: ", WhatOf(job),
                                   watching ? "" : "; skipped, for it does not watch that op"));
        break;
      case JobKind::kPushKeys:
        for (size_t i = 0; i < job.names.size(); ++i) {
          if (job.names[i] == channel.key.view()) tell_personal("key", part.fates[i]);
        }
        break;
      case JobKind::kPushMids:
        for (size_t i = 0; i < job.mids.size(); ++i) {
          if (job.mids[i] == channel.mid) tell_personal("mid", part.fates[i]);
        }
        break;
      default: return;
    }
  }
}

// --- asking for them

// The table is the node's; what was changed counts on every shard before it is answered.
void Shard::OrderTrace(const base::Ref<SharedJob>& job) {
  const TraceTarget& target = job->job.trace;
  TraceTable& table = fabric_.traces();
  std::string error;
  if (job->job.kind == JobKind::kTraceBegin) {
    error = table.Begin(target, now_ns_ + job->job.trace_s * kSecondNs);
    if (error.empty()) {
      watch_.Announce(absl::StrCat("trace of ", Described(target), ": begins, for ", job->job.trace_s, " s"));
    }
  } else if (job->job.kind == JobKind::kTraceEnd) {
    if (table.End(target)) {
      watch_.Announce(absl::StrCat("trace of ", Described(target), ": ends, as was asked for"));
    } else {
      error = absl::StrCat("there is no trace of ", Described(target), ": see halleyctl trace list");
    }
  }
  if (error.empty() && job->job.kind != JobKind::kTraces) {
    RouteEverywhere(job);
    return;
  }
  JobPart part;
  part.traced = TracedNow();
  part.traced->error = std::move(error);
  jobs_.Expect(job->ticket, 1, 0);
  jobs_.AddPart(job->ticket, std::move(part));
}

Traced Shard::TracedNow() {
  Traced traced;
  for (const Trace& trace : fabric_.traces().List()) {
    if (trace.end_ns <= now_ns_) continue;
    const uint64_t left_s = (trace.end_ns - now_ns_ + kSecondNs - 1) / kSecondNs;
    traced.traces.push_back({trace.target, static_cast<uint32_t>(left_s)});
  }
  return traced;
}

}  // namespace halley::shard
