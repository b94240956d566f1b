#include "remote/engine.h"

#include <algorithm>
#include <array>
#include <optional>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "base/assert.h"

namespace halley::remote {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
// A transport is to end an exchange by itself; so much later we do not wait for it any more.
constexpr uint64_t kGiveUpExtraMs = 500;

Ending EndingOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAnswered: return Ending::kAnswered;
    case Outcome::kNotSent: return Ending::kNotSent;
    case Outcome::kFailed: return Ending::kFailed;
    case Outcome::kTimedOut: return Ending::kTimedOut;
    case Outcome::kBadAnswer: break;
  }
  return Ending::kBadAnswer;
}

}  // namespace

Engine::Engine(const EngineOptions& options, Transport* transport, AnswerSink* sink,
               Figures* figures, Tell tell, uint64_t seed)
    : options_(options),
      transport_(*transport),
      sink_(*sink),
      figures_(*figures),
      tell_(std::move(tell)),
      traits_(transport->traits()),
      book_(options, seed),
      random_(static_cast<std::minstd_rand::result_type>(seed ^ seed >> 32)) {
  HALLEY_ASSERT(options.concurrency > 0 && options.queue > 0 && traits_.disconnects_max > 0);
}

void Engine::SetAddresses(absl::Span<const std::string> names) {
  std::vector<AddressId> added;
  std::vector<AddressId> removed;
  book_.Set(names, now_ns_, &added, &removed);
  for (const AddressId address : removed) transport_.Remove(address);
  for (const AddressId address : added) transport_.Add(address, book_.NameOf(address));
  Publish();
}

// What the protocol has no serials for is told key by key.
uint64_t Engine::ChainOf(const Call& call) const {
  if (traits_.carries_serial) return call.serial;
  return absl::Hash<absl::string_view>()(call.key);
}

bool Engine::MayWait(const Call& call, Ending* why_not) const {
  *why_not = Ending::kQueueFull;
  if (IsLogin(call.kind)) {
    if (logins_held_ >= options_.queue) return false;
    *why_not = Ending::kNoBackend;
    return book_.AnyOpen();
  }
  // A disconnect that is lost leaves somebody on line for the backend; a message does not.
  const bool lasting = call.kind == CallKind::kDisconnect || call.kind == CallKind::kOnline;
  if (others_held_ >= (lasting ? options_.queue : options_.queue / 2)) return false;
  if (!lasting) {
    *why_not = Ending::kClientQueueFull;
    if (chains_.Length(ChainOf(call)) >= options_.queue_per_client) return false;
    *why_not = Ending::kNoBackend;
    return book_.AnyOpen();
  }
  return true;
}

void Engine::Submit(std::unique_ptr<Call> call) {
  Ending why_not;
  const bool may_wait = MayWait(*call, &why_not);
  const bool login = IsLogin(call->kind);
  if (!may_wait && !login) return figures_.Add(call->kind, why_not);
  ++(login ? logins_held_ : others_held_);
  auto item = std::make_unique<Item>();
  item->call = std::move(call);
  if (login) {
    if (!may_wait) return EndLogin(std::move(item), why_not, nullptr);
    item->expires_ns = now_ns_ + options_.timeout_ms * kNsPerMs;
    logins_.push_back(std::move(item));
    return;
  }
  item->expires_ns = now_ns_ + options_.retry_for_ms * kNsPerMs;
  item->chain = ChainOf(*item->call);
  const uint64_t chain = item->chain;
  if (ItemPtr head = chains_.Join(chain, std::move(item))) Enqueue(std::move(head));
}

void Engine::Enqueue(ItemPtr item) {
  Queue& queue = item->call->kind == CallKind::kDisconnect ? disconnects_ : others_;
  queue.push_back(std::move(item));
}

uint64_t Engine::Advance(uint64_t now_ns) {
  now_ns_ = now_ns;
  GiveUpLate();
  ReleaseRetries();
  ExpireWaiting();
  Dispatch();
  Probe();
  ForgetGone();
  Publish();
  uint64_t next = book_.NextProbeNs();
  if (!retries_.empty()) next = std::min(next, retries_.begin()->first);
  if (!logins_.empty()) next = std::min(next, logins_.front()->expires_ns);
  if (!give_ups_.empty()) next = std::min(next, give_ups_.front().first);
  return next;
}

// A login does not last longer than its time, so what ended before it began is of no use.
void Engine::ForgetGone() {
  const uint64_t kept_ns = (options_.timeout_ms + kGiveUpExtraMs) * kNsPerMs;
  while (!gone_order_.empty() && gone_order_.front().first + kept_ns < now_ns_) {
    const auto [when, chain] = gone_order_.front();
    gone_order_.pop_front();
    const auto found = gone_.find(chain);
    if (found != gone_.end() && found->second == when) gone_.erase(found);
  }
}

// Exchanges that their transport has forgotten.
void Engine::GiveUpLate() {
  while (!give_ups_.empty()) {
    const auto [when, id] = give_ups_.front();
    const bool under_way = exchanges_.contains(id);
    if (under_way && now_ns_ < when) return;
    give_ups_.pop_front();
    if (!under_way) continue;
    transport_.Cancel(id);
    OnDone(id, {.outcome = Outcome::kTimedOut, .why = "no answer in time"});
  }
}

void Engine::ReleaseRetries() {
  while (!retries_.empty() && retries_.begin()->first <= now_ns_) {
    ItemPtr item = std::move(retries_.extract(retries_.begin()).mapped());
    Enqueue(std::move(item));
  }
}

void Engine::ExpireWaiting() {
  while (!logins_.empty() && logins_.front()->expires_ns <= now_ns_) {
    ItemPtr item = std::move(logins_.front());
    logins_.pop_front();
    EndLogin(std::move(item), Ending::kTimedOut, nullptr);
  }
  for (Queue* const queue : {&disconnects_, &others_}) {
    while (!queue->empty() &&
           (queue->front()->superseded || queue->front()->expires_ns <= now_ns_)) {
      ItemPtr item = std::move(queue->front());
      queue->pop_front();
      const Ending ending = item->superseded ? Ending::kSuperseded : Ending::kTimedOut;
      End(std::move(item), ending);
    }
  }
}

// No address is open: disconnects and announcements wait for one, nothing else does.
void Engine::EndWhatCannotWait() {
  while (!logins_.empty()) {
    ItemPtr item = std::move(logins_.front());
    logins_.pop_front();
    EndLogin(std::move(item), Ending::kNoBackend, nullptr);
  }
  // An end may put the chain's next one at the back; that is for the next turn.
  for (size_t left = others_.size(); left > 0 && !others_.empty(); --left) {
    ItemPtr item = std::move(others_.front());
    others_.pop_front();
    if (item->call->kind == CallKind::kOnline) {
      others_.push_back(std::move(item));
    } else {
      End(std::move(item), Ending::kNoBackend);
    }
  }
}

void Engine::Probe() {
  std::vector<AddressId> due;
  book_.DueProbes(now_ns_, &due);
  for (const AddressId address : due) transport_.Probe(address, options_.probe_timeout_ms);
}

void Engine::Dispatch() {
  if (!book_.AnyOpen()) return EndWhatCannotWait();
  while (exchanges_.size() < options_.concurrency) {
    // Ends what was superseded or is too late, wherever it has come to the front.
    ExpireWaiting();
    Queue* const queue = NextQueue();
    if (queue == nullptr) return;
    const std::optional<AddressId> address = book_.Pick(queue->front()->last);
    // Those that are open have as many as they can take.
    if (!address.has_value()) return;
    Start(queue, *address);
  }
}

// Logins, disconnects and the rest in turn, so that none waits for all of another.
Engine::Queue* Engine::NextQueue() {
  const std::array<Queue*, 3> queues = {&logins_, &disconnects_, &others_};
  for (size_t i = 0; i < queues.size(); ++i) {
    turn_ = (turn_ + 1) % queues.size();
    if (!queues[turn_]->empty()) return queues[turn_];
  }
  return nullptr;
}

void Engine::Start(Queue* queue, AddressId address) {
  const size_t most = queue == &disconnects_ ? traits_.disconnects_max : 1;
  const ExchangeId id = ++last_exchange_;
  Exchange& exchange = exchanges_[id];
  exchange.address = address;
  exchange.begun_ns = now_ns_;
  uint64_t timeout_ms = options_.timeout_ms;
  std::vector<const Call*> calls;
  while (!queue->empty() && exchange.items.size() < most) {
    ItemPtr item = std::move(queue->front());
    queue->pop_front();
    if (item->superseded) {
      End(std::move(item), Ending::kSuperseded);
      continue;
    }
    if (++item->attempts > 1) figures_.repeats.fetch_add(1, std::memory_order_relaxed);
    item->last = address;
    item->in_flight = true;
    if (IsLogin(item->call->kind)) {
      // It waited for a part of its time.
      timeout_ms = std::max<uint64_t>((item->expires_ns - now_ns_) / kNsPerMs, 1);
    }
    calls.push_back(item->call.get());
    exchange.items.push_back(std::move(item));
  }
  exchange.give_up_ns = now_ns_ + (timeout_ms + kGiveUpExtraMs) * kNsPerMs;
  // Ordered but for logins that have waited, which are given up a little later than they could be.
  const uint64_t after = give_ups_.empty() ? 0 : give_ups_.back().first;
  give_ups_.emplace_back(std::max(after, exchange.give_up_ns), id);
  figures_.exchanges.fetch_add(1, std::memory_order_relaxed);
  transport_.Start(id, address, calls, timeout_ms);
}

void Engine::OnDone(ExchangeId id, Result result) {
  auto node = exchanges_.extract(id);
  if (node.empty()) return;
  Exchange exchange = std::move(node.mapped());
  const bool good = result.outcome == Outcome::kAnswered;
  if (book_.Ended(exchange.address, good, now_ns_)) Changed(exchange.address, result.why);
  std::vector<ItemPtr> items = std::move(exchange.items);
  for (ItemPtr& item : items) Settle(std::move(item), exchange, result);
}

void Engine::Settle(ItemPtr item, const Exchange& exchange, Result& result) {
  item->in_flight = false;
  const CallKind kind = item->call->kind;
  if (result.outcome != Outcome::kAnswered && Repeats(*item, result.outcome)) {
    Repeat(std::move(item), result.outcome);
    return;
  }
  if (kind == CallKind::kDisconnect && traits_.repairs) {
    gone_[item->chain] = now_ns_;
    gone_order_.emplace_back(now_ns_, item->chain);
  }
  if (!IsLogin(kind)) {
    End(std::move(item), EndingOf(result.outcome));
    return;
  }
  if (result.outcome != Outcome::kAnswered) {
    EndLogin(std::move(item), EndingOf(result.outcome), nullptr);
    return;
  }
  const backend::ConnectVerdict verdict =
      kind == CallKind::kConnect ? result.connect.verdict : result.refresh.verdict;
  const bool accepted = verdict == backend::ConnectVerdict::kAccepted;
  if (accepted && kind == CallKind::kConnect) {
    Supersede(result.connect, *item->call, exchange.begun_ns);
  }
  EndLogin(std::move(item), accepted ? Ending::kAnswered : Ending::kRefused, &result);
}

bool Engine::Repeats(const Item& item, Outcome outcome) const {
  if (item.superseded || item.expires_ns <= now_ns_) return false;
  if (IsRepeatable(item.call->kind)) return outcome != Outcome::kBadAnswer;
  if (outcome != Outcome::kNotSent || item.attempts >= kLoginAttempts) return false;
  // At once, so elsewhere.
  return book_.OpenCount() > (book_.IsOpen(item.last) ? 1 : 0);
}

void Engine::Repeat(ItemPtr item, Outcome outcome) {
  if (IsLogin(item->call->kind)) {
    logins_.push_front(std::move(item));
    return;
  }
  if (!IsRepeatable(item->call->kind)) {
    others_.push_front(std::move(item));
    return;
  }
  // Full jitter, so that what failed together does not come again together.
  const uint32_t doublings = std::min(item->attempts - 1, 16u);
  const uint64_t ceiling_ms = std::min<uint64_t>(uint64_t{options_.retry_min_ms} << doublings,
                                                 options_.retry_max_ms);
  const uint64_t again_ns = now_ns_ + random_() % (ceiling_ms + 1) * kNsPerMs;
  if (again_ns >= item->expires_ns) return End(std::move(item), EndingOf(outcome));
  retries_.emplace(again_ns, std::move(item));
}

void Engine::EndLogin(ItemPtr item, Ending ending, Result* result) {
  --logins_held_;
  figures_.Add(item->call->kind, ending);
  Answer answer;
  answer.kind = item->call->kind;
  answer.ticket = item->call->ticket;
  if (result != nullptr) {
    answer.connect = std::move(result->connect);
    answer.refresh = result->refresh;
  } else {
    answer.connect.verdict = backend::ConnectVerdict::kUnavailable;
    answer.refresh.verdict = backend::ConnectVerdict::kUnavailable;
  }
  answer.connect.serial = item->call->serial;
  sink_.OnAnswer(item->call->shard, std::move(answer));
}

void Engine::End(ItemPtr item, Ending ending) {
  --others_held_;
  figures_.Add(item->call->kind, ending);
  if (ItemPtr next = chains_.Next(item->chain)) Enqueue(std::move(next));
}

// The key has logged in: of its disconnects, those that are unsent must never be, and one that the
// backend may have heard after the login is made good.
void Engine::Supersede(const backend::ConnectReply& login, const Call& call, uint64_t begun_ns) {
  if (traits_.carries_serial || traits_.announces) return;
  auto online = std::make_unique<Call>();
  online->kind = CallKind::kOnline;
  online->shard = call.shard;
  online->serial = call.serial;
  online->mid = login.mid;
  online->key = login.key;
  const uint64_t id = ChainOf(*online);
  const auto gone = gone_.find(id);
  bool overtaken = gone != gone_.end() && gone->second >= begun_ns;
  const auto is_stale = [&](const Item& item) {
    return item.call->kind == CallKind::kDisconnect && item.call->key == login.key;
  };
  if (Chains<Item>::Chain* const chain = chains_.Find(id)) {
    if (is_stale(*chain->head)) {
      chain->head->superseded = true;
      // Sent now, or sent before and to be repeated.
      if (chain->head->attempts > 0) overtaken = true;
    }
    std::erase_if(chain->waiting, [&](const ItemPtr& item) {
      if (!is_stale(*item)) return false;
      --others_held_;
      figures_.Add(CallKind::kDisconnect, Ending::kSuperseded);
      return true;
    });
  }
  if (overtaken && traits_.repairs) Submit(std::move(online));
}

void Engine::OnProbed(AddressId address, bool usable, std::string_view why) {
  if (!usable) figures_.bad_probes.fetch_add(1, std::memory_order_relaxed);
  if (book_.Probed(address, usable, now_ns_)) Changed(address, why);
}

void Engine::Changed(AddressId address, std::string_view why) {
  tell_({book_.NameOf(address), book_.IsOpen(address), why});
}

void Engine::Publish() {
  const auto set = [](Figures::Count& gauge, size_t value) {
    gauge.store(value, std::memory_order_relaxed);
  };
  size_t in_flight = 0;
  for (const auto& [id, exchange] : exchanges_) in_flight += exchange.items.size();
  set(figures_.in_flight, exchanges_.size());
  set(figures_.queued, logins_held_ + others_held_ - in_flight);
  set(figures_.addresses, book_.count());
  set(figures_.open_addresses, book_.OpenCount());
}

}  // namespace halley::remote
