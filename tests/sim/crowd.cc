#include "sim/crowd.h"

#include <algorithm>

#include "base/networks.h"

namespace halley::sim {
namespace {

constexpr int32_t kOps[] = {1000, 1001, 1002, 1003};

void DrawLimits(Rng* rng, config::Options* options) {
  const auto draw = [&](uint64_t low, uint64_t high) {
    return static_cast<uint32_t>(rng->Scale(low, high));
  };
  options->shard.buckets = draw(1, 64);
  options->shard.flush_sends = draw(1, 128);
  options->shard.read_bytes = draw(4096, 65536);
  options->shard.read_frames = draw(1, 64);
  options->client.handshake_timeout_ms = draw(500, 5000);
  options->client.idle_timeout_ms = draw(3000, 60'000);
  options->client.frame_body_bytes = draw(256, 4096);
  options->client.message_bytes = options->client.frame_body_bytes + draw(16, 8192);
  options->client.personal_queue_bytes = std::max(options->client.frame_body_bytes + 64, draw(4096, 65536));
  options->client.personal_overflow = static_cast<config::PersonalOverflow>(rng->Below(4));
  options->client.stall_timeout_ms = rng->Below(2) == 0 ? 0 : draw(500, 60'000);
  options->client.duplicate_key = static_cast<config::DuplicateKey>(rng->Below(3));
  options->client.duplicate_key_max = draw(1, 4);
  options->goim_v1.idle_timeout_ms = draw(200, options->client.idle_timeout_ms / 2);
  options->push.body_bytes = draw(256, 65536);
  options->push.message_bytes = options->push.body_bytes + draw(8192, 65536);
  options->push.pipelined = draw(1, 64);
  options->room.log_bytes = std::max(4096u, 2 * options->push.body_bytes + draw(1, 262'144));
  options->room.log_messages = draw(16, 65536);
  options->room.log_age_ms = draw(200, 60'000);
  options->room.overflow = static_cast<config::RoomOverflow>(rng->Below(3));
  options->room.linger_bytes = draw(1, 65536);
  options->shard.accept_sets = rng->Below(3) == 0 ? draw(1, 3) : 1024;
  options->gateway.shutdown_timeout_ms = draw(1000, 5000);
  if (rng->Below(3) == 0) options->gateway.memory_mib = 1;
  options->room.room_class = static_cast<config::RoomClass>(rng->Below(2));
  // All of the crowd's rooms are of that type.
  if (rng->Below(3) == 0) {
    options->room_types.push_back({"live", options->room});
    options->room_types.back().options.linger_ms = draw(1, 2000);
  }
}

}  // namespace

NodeSetup Crowd::Draw(uint64_t seed, uint32_t shards) {
  Rng rng(seed ^ 0x5eed);
  NodeSetup setup;
  setup.shards = shards;
  DrawLimits(&rng, &setup.options);
  // Every fourth run has an easy time, so that what is wrong without faults shows without them.
  if (rng.Below(4) != 0) setup.faults = Faults::Draw(&rng);
  if (rng.Below(2) == 0) {
    setup.habits.delay_ns = rng.Scale(1'000, 2 * kSecond);
    setup.habits.refuses = static_cast<uint32_t>(rng.Below(300));
    setup.habits.unavailable = static_cast<uint32_t>(rng.Below(300));
    setup.habits.nonsense = static_cast<uint32_t>(rng.Below(300));
  }
  setup.habits.takes_refreshes = rng.Below(2) == 0;
  setup.habits.refresh_in_ms = rng.Below(2) == 0 ? 0 : rng.Scale(100, 100'000);
  // Limits that nobody reaches: what is counted for them must be nothing when everybody has gone.
  if (rng.Below(2) == 0) {
    setup.options.limits.ip_connections = 100'000;
    setup.options.limits.rooms = 100'000;
    setup.options.limits.messages_per_s = 1'000'000;
  }
  // Drawn from the seed itself, so that the rest of the run is what it was without.
  if (seed % 3 != 0) {
    setup.options.access_log.file = "kept in memory";
    setup.options.access_log.one_in = static_cast<uint32_t>(seed % 2 == 0 ? 1 : 1 + seed % 5);
  }
  return setup;
}

Crowd::Crowd(SimNode* node, uint64_t seed)
    : node_(*node), core_(node->core()), rng_(seed ^ 0xc0ffee) {
  pause_ns_ = rng_.Scale(10'000, 30 * kMs);
  clients_max_ = static_cast<uint32_t>(rng_.Scale(3, 40));
  stalls_ = static_cast<uint32_t>(rng_.Below(600));
  pushes_ = static_cast<uint32_t>(rng_.Between(2000, 8000));
  const uint64_t keys = rng_.Scale(2, 40);
  for (uint64_t i = 0; i < keys; ++i) keys_.push_back("key" + std::to_string(i));
  const uint64_t rooms = rng_.Scale(1, 12);
  for (uint64_t i = 0; i < rooms; ++i) rooms_.push_back("live://" + std::to_string(i));
  const uint64_t mids = rng_.Scale(1, 12);
  for (uint64_t i = 0; i < mids; ++i) mids_.push_back(static_cast<int64_t>(rng_.Next() >> 1) + 1);
  if (seed % 3 != 1) {
    const auto trace = [this](shard::TraceTarget target) {
      node_.fabric().traces().Begin(target, core_.now() + 3600 * kSecond);
    };
    trace({.kind = shard::TraceKind::kKey, .name = keys_.front()});
    trace({.kind = shard::TraceKind::kMid, .mid = mids_.front()});
    if (seed % 2 == 0) {
      trace({.kind = shard::TraceKind::kIp, .name = "10.0.0.1", .ip = base::ParseIp("10.0.0.1").value()});
    }
  }
  const uint64_t pushers = rng_.Between(1, 5);
  for (uint64_t i = 0; i < pushers; ++i) {
    pushers_.push_back(&node_.JoinPusher(static_cast<uint32_t>(rng_.Below(node_.shards()))));
  }
}

// --- the crowd acts

void Crowd::ScheduleAct() {
  core_.After(1 + rng_.Below(pause_ns_), [this] {
    if (!acting_ || core_.now() >= until_ns_) return;
    Act();
    ScheduleAct();
  });
}

void Crowd::Act() {
  if (rng_.Chance(pushes_)) {
    ActAsPusher();
    return;
  }
  if (rng_.Below(30) == 0) {
    NewVisitor();
    return;
  }
  if (rng_.Below(12) == 0) {
    NewPoller();
    return;
  }
  size_t there = 0;
  for (const Actor& actor : actors_) there += actor.client->over() ? 0 : 1;
  if (actors_.empty() || (there < clients_max_ && rng_.Below(4) == 0)) {
    NewClient();
  } else {
    ActAsClient(&rng_.Pick(actors_));
  }
}

std::vector<std::string> Crowd::SomeOf(const std::vector<std::string>& names) {
  std::vector<std::string> some;
  const uint64_t count = rng_.Below(3) == 0 ? rng_.Between(1, 4) : 1;
  for (uint64_t i = 0; i < count; ++i) some.push_back(rng_.Pick(names));
  return some;
}

std::vector<int32_t> Crowd::SomeOps() {
  std::vector<int32_t> ops;
  for (const int32_t op : kOps) {
    if (rng_.Below(2) == 0) ops.push_back(op);
  }
  return ops;
}

size_t Crowd::SomeBytes() {
  return static_cast<size_t>(rng_.Scale(Ledger::kNameBytes, node_.options().push.body_bytes));
}

void Crowd::NewClient() {
  ClientSetup setup;
  setup.websocket = rng_.Below(2) == 0;
  if (rng_.Below(20) != 0) setup.key = rng_.Pick(keys_);
  if (rng_.Below(4) != 0) setup.mid = rng_.Pick(mids_);
  if (rng_.Below(4) != 0) setup.room = rng_.Pick(rooms_);
  setup.accepts = rng_.Below(2) == 0 ? std::vector<int32_t>{1000} : SomeOps();
  SimClient& client = node_.NewClient(setup);
  client.Connect(static_cast<uint32_t>(rng_.Below(node_.shards())));
  actors_.push_back({&client, rng_.Below(10) == 0});
  if (rng_.Below(10) == 0) client.SayUnanswered(static_cast<int32_t>(rng_.Between(2, 20)) | 32);
  // Some never log in.
  if (rng_.Below(20) != 0) client.Login();
  client.link()->stalled = rng_.Below(50) == 0;
  const size_t actor = actors_.size() - 1;
  if (!actors_[actor].forgetful) BeatFor(actor);
}

void Crowd::NewVisitor() {
  SimVisitor* visitor = &node_.NewVisitor();
  const std::string behind(rng_.Below(4) == 0 ? rng_.Scale(1, 20'000) : 0, 'b');
  visitor->Ask(static_cast<uint32_t>(rng_.Below(node_.shards())),
               rng_.Below(2) == 0 ? "/" : "/halley.js", rng_.Below(4) == 0, behind);
  Distract(visitor->link());
}

void Crowd::NewPoller() {
  PollerSetup setup;
  setup.key = rng_.Below(2) == 0 ? rng_.Pick(keys_) : "";
  if (rng_.Below(4) != 0) setup.mid = rng_.Pick(mids_);
  if (rng_.Below(4) != 0) setup.room = rng_.Pick(rooms_);
  setup.script = rng_.Below(2) == 0;
  SimPoller* poller = &node_.NewPoller(setup);
  const std::string behind(rng_.Below(8) == 0 ? rng_.Scale(1, 2000) : 0, 'b');
  poller->Ask(static_cast<uint32_t>(rng_.Below(node_.shards())), behind);
  Distract(poller->link());
}

void Crowd::Distract(Link* link) {
  if (rng_.Below(4) == 0) {
    node_.net().Stall(link, true);
    core_.After(rng_.Scale(kMs, 20 * kSecond), [this, link] { node_.net().Stall(link, false); });
  }
  if (rng_.Below(4) != 0) return;
  core_.After(rng_.Scale(10'000, kSecond), [this, link, how = rng_.Below(4)] {
    if (link->over) return;
    switch (how) {
      case 0: node_.net().Finish(link); break;
      case 1: node_.net().Leave(link); break;
      case 2: node_.net().Abort(link); break;
      case 3: node_.net().Vanish(link); break;
    }
  });
}

void Crowd::BeatFor(size_t actor) {
  const uint64_t idle_ns = node_.options().client.idle_timeout_ms * kMs;
  core_.After(idle_ns / 4 + rng_.Below(idle_ns / 8), [this, actor] {
    SimClient* client = actors_[actor].client;
    if (client->over()) return;
    if (beating_ && client->read_login()) client->Heartbeat();
    BeatFor(actor);
  });
}

void Crowd::ActAsClient(Actor* actor) {
  SimClient* client = actor->client;
  if (client->over()) return;
  if (rng_.Chance(stalls_)) {
    client->Stall(true);
    core_.After(rng_.Scale(kMs, 20 * kSecond), [client] { client->Stall(false); });
    return;
  }
  if (rng_.Below(25) == 0) {
    GoAway(client);
    return;
  }
  // What is pipelined behind a login is answered after it.
  if (!client->read_login() && rng_.Below(4) != 0) return;
  switch (rng_.Below(9)) {
    case 0:
      for (uint64_t i = rng_.Scale(1, 200); i > 0; --i) client->Heartbeat();
      break;
    case 1:
    case 2: client->ChangeRoom(rng_.Below(6) == 0 ? "" : rng_.Pick(rooms_)); break;
    case 3: client->Watch(SomeOps()); break;
    case 4: client->Unwatch(SomeOps()); break;
    case 5: {
      const size_t bytes = static_cast<size_t>(rng_.Below(node_.options().client.frame_body_bytes + 1));
      client->Say(static_cast<int32_t>(rng_.Between(500, 600)), std::string(bytes, 'u'));
      break;
    }
    case 6:
      if (client->setup().websocket && client->upgraded()) client->Ping(std::string(rng_.Below(126), 'p'));
      break;
    case 7:
      if (client->read_login()) client->Login();
      break;
    case 8:
      if (node_.habits().takes_refreshes) client->Refresh(rng_.Below(4) == 0 ? "bad" : "good");
      break;
  }
}

void Crowd::GoAway(SimClient* client) {
  switch (rng_.Below(6)) {
    case 0: client->Finish(); break;
    case 1: client->Leave(); break;
    case 2: client->Abort(); break;
    case 3: client->Vanish(); break;
    case 4:
      if (client->setup().websocket && client->upgraded()) client->SendClose(1000);
      break;
    case 5: SayRubbish(client); break;
  }
}

void Crowd::SayRubbish(SimClient* client) {
  std::string rubbish;
  for (uint64_t i = rng_.Scale(1, 5000); i > 0; --i) rubbish.push_back(static_cast<char>(rng_.Next()));
  client->SendRubbish(rubbish);
}

// --- pushers

void Crowd::ActAsPusher() {
  SimPusher* pusher = rng_.Pick(pushers_);
  if (pusher->over() || pusher->link()->broken || rng_.Below(200) == 0) {
    ReplacePusher();
  } else if (rng_.Chance(stalls_ / 4)) {
    node_.net().Stall(pusher->link(), true);
    core_.After(rng_.Scale(kMs, 5 * kSecond),
                [this, pusher] { node_.net().Stall(pusher->link(), false); });
  } else if (rng_.Below(20) == 0) {
    CallSomething(pusher);
  } else {
    for (uint64_t i = rng_.Below(10) == 0 ? rng_.Scale(1, 60) : 1; i > 0; --i) PushSomething(pusher);
  }
}

void Crowd::ReplacePusher() {
  SimPusher*& pusher = rng_.Pick(pushers_);
  switch (rng_.Below(4)) {
    case 0: node_.net().Abort(pusher->link()); break;
    case 1: node_.net().Leave(pusher->link()); break;
    case 2: node_.net().Finish(pusher->link()); break;
    case 3: pusher->SendRaw(std::string(4, '\0')); break;
  }
  pusher = &node_.JoinPusher(static_cast<uint32_t>(rng_.Below(node_.shards())));
}

void Crowd::PushSomething(SimPusher* pusher) {
  Message& message = node_.ledger().Add(static_cast<PushKind>(rng_.Below(4)));
  message.op = kOps[rng_.Below(std::size(kOps))];
  message.body_bytes = SomeBytes();
  if (rng_.Below(8) == 0) {
    message.parts = static_cast<uint16_t>(rng_.Between(2, 5));
    const size_t frame = node_.options().push.body_bytes / message.parts;
    message.body_bytes = std::min(message.body_bytes, frame - 16);
  }
  if (rng_.Below(4) == 0) message.confirm_ms = static_cast<uint32_t>(rng_.Scale(1, 60'000));
  switch (message.kind) {
    case PushKind::kKeys: message.names = SomeOf(keys_); break;
    case PushKind::kRooms: message.names = SomeOf(rooms_); break;
    case PushKind::kMids:
      message.mids.push_back(rng_.Pick(mids_));
      if (rng_.Below(4) == 0) message.mids.push_back(rng_.Pick(mids_));
      break;
    case PushKind::kAll:
      if (rng_.Below(10) == 0) message.pace = static_cast<uint32_t>(rng_.Scale(10, 10'000));
      break;
  }
  pusher->Push(&message);
}

void Crowd::CallSomething(SimPusher* pusher) {
  push::v1::Request request;
  switch (rng_.Below(6)) {
    case 0: request.mutable_kick_keys()->add_keys(rng_.Pick(keys_)); break;
    case 1: request.mutable_kick_mids()->add_mids(rng_.Pick(mids_)); break;
    case 2:
      request.mutable_rooms()->set_prefix("live");
      request.mutable_rooms()->set_order(static_cast<push::v1::RoomOrder>(rng_.Below(3)));
      break;
    case 3:
      for (const std::string& key : SomeOf(keys_)) request.mutable_online()->add_keys(key);
      break;
    case 4: request.mutable_hello(); break;
    case 5: request.mutable_push_rooms(); break;  // answered with a fault
  }
  pusher->Call(std::move(request));
}

// --- and calms down

void Crowd::Run() {
  acting_ = beating_ = true;
  until_ns_ = core_.now() + rng_.Between(300, 1000) * pause_ns_ / 2;
  ScheduleAct();
  node_.world().For(until_ns_ - core_.now());
  CalmDown();
  node_.CheckDelivered();
  node_.CheckRoomOrder();
  if (core_.failed()) return;
  // Whoever stands is heard and answered.
  for (const Actor& actor : actors_) {
    if (actor.client->steady()) actor.client->Heartbeat();
  }
  CalmDown();
  node_.CheckDelivered();
  if (core_.failed()) return;
  // Whose time would be up, one after the other.
  PollersLeave();
  if (!node_.Settle()) core_.Fail("the node does not come to rest without polls");
  node_.CheckSleeps();
  if (core_.failed()) return;
  EverybodyLeaves();
  node_.CheckEmpty();
  if (core_.failed()) return;
  node_.StopAndCheck();
}

void Crowd::RunAndStop() {
  acting_ = beating_ = true;
  until_ns_ = SimCore::kNever;
  ScheduleAct();
  node_.world().For(rng_.Between(100, 1000) * pause_ns_ / 2);
  if (rng_.Chance(5'000)) {
    node_.fabric().RequestDrain({core_.now(), rng_.Between(0, 500) * pause_ns_});
    node_.world().For(rng_.Between(0, 500) * pause_ns_ / 2);
  }
  node_.CheckBooks();
  node_.StopAndCheck();
  node_.CheckRoomOrder();
}

void Crowd::CalmDown() {
  acting_ = beating_ = false;
  core_.Calm();
  node_.net().Calm();
  for (const Actor& actor : actors_) actor.client->Stall(false);
  for (const auto& pusher : node_.pushers()) node_.net().Stall(pusher->link(), false);
  const auto& visitors = node_.visitors();
  for (const auto& visitor : visitors) node_.net().Stall(visitor->link(), false);
  for (const auto& poller : node_.pollers()) node_.net().Stall(poller->link(), false);
  if (!node_.Settle(120 * kSecond)) core_.Fail("the node does not come to rest");
  // Those that vanished are waited for until their handshake's time is up.
  const uint64_t ns = (node_.options().client.handshake_timeout_ms + 2'000) * kMs;
  const bool gone = node_.world().Until(ns, [&] {
    return std::all_of(visitors.begin(), visitors.end(),
                       [](const auto& visitor) { return visitor->link()->ring == nullptr; });
  });
  if (!gone) core_.Fail("a visitor is still there");
}

void Crowd::PollersLeave() {
  for (const auto& poller : node_.pollers()) {
    if (!poller->over()) node_.net().Leave(poller->link());
  }
}

void Crowd::EverybodyLeaves() {
  for (const Actor& actor : actors_) {
    if (actor.client->over()) continue;
    // Last words and the end may arrive as one.
    if (actor.client->steady() && rng_.Below(2) == 0) actor.client->Heartbeat();
    rng_.Below(2) == 0 ? actor.client->Leave() : actor.client->Finish();
  }
  for (const auto& pusher : node_.pushers()) node_.net().Leave(pusher->link());
  for (const auto& visitor : node_.visitors()) {
    if (!visitor->over()) node_.net().Leave(visitor->link());
  }
  // Who goes properly is noticed at once, who vanishes when its time is up.
  const auto& links = node_.net().links();
  const bool vanished = std::any_of(links.begin(), links.end(), [](const auto& link) {
    return link->vanished && link->ring != nullptr;
  });
  const uint64_t ns =
      vanished ? (node_.options().client.idle_timeout_ms + 10'000) * kMs : 3 * kSecond;
  node_.world().Until(ns, [&] {
    const shard::ShardStatus sum = node_.Sum();
    return sum.connections == 0 && sum.push_connections == 0;
  });
  // And the last that lingered: a poll that was answered and has vanished has a handshake's time.
  node_.world().For((node_.options().client.handshake_timeout_ms + 1500) * kMs);
}

}  // namespace halley::sim
