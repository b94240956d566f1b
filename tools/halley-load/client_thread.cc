#include "halley-load/client_thread.h"

#include <sched.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>

#include "base/assert.h"
#include "halley-load/system.h"

namespace halley::load {
namespace {

constexpr int kEventsMax = 512;
constexpr int kTickMs = 10;
constexpr size_t kBufferBytes = 256 * 1024;

uint32_t ShareOf(uint32_t all, uint32_t index, uint32_t step) {
  return all / step + (index < all % step ? 1 : 0);
}

double PerThread(uint32_t per_second, uint32_t threads) {
  return static_cast<double>(per_second) / threads;
}

}  // namespace

ClientThread::ClientThread(Crew& crew, uint32_t index, uint32_t step)
    : crew_(crew),
      options_(crew.plan.options()),
      protocol_(crew.open_protocol(crew.plan, options_.seed + index)),
      index_(index),
      step_(step),
      clients_(ShareOf(options_.clients, index, step)),
      ledger_(static_cast<uint32_t>(clients_.size()), options_.pushers),
      random_(options_.seed + index),
      buffer_(kBufferBytes),
      login_pace_(PerThread(options_.connect_rate, step)),
      churn_pace_(PerThread(options_.churn, step)),
      heartbeat_pace_(options_.heartbeat_s == 0 ? 0.0
                                                : static_cast<double>(clients_.size()) /
                                                      options_.heartbeat_s) {
  for (uint32_t local = 0; local < clients(); ++local) {
    clients_[local].target = crew.plan.TargetOf(NumberOf(local));
    clients_[local].stalled = crew.plan.Stalled(NumberOf(local));
    if (clients_[local].stalled) ledger_.SetStalled(local);
  }
  for (const std::unique_ptr<Window>& window : crew.windows) {
    arrivals_.emplace_back(window->slots());
  }
}

ClientThread::~ClientThread() = default;

void ClientThread::Run() {
  PinThread(options_.cpus, index_);
  PartDescriptorTable();
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  HALLEY_ASSERT(epoll_fd_ >= 0);
  now_ns_ = NowNs();
  login_pace_.Start(now_ns_);
  churn_pace_.Start(now_ns_);
  heartbeat_pace_.Start(now_ns_);

  while (true) {
    now_ns_ = NowNs();
    const Phase before = phase_;
    phase_ = crew_.phase.load(std::memory_order_acquire);
    if (phase_ == Phase::kStopped) break;
    if (phase_ == Phase::kDraining && before != Phase::kDraining) ReadStalled();
    StartLogins();
    EnforceDeadlines();
    SendHeartbeats();
    Churn();
    ChangeRooms();
    Serve(!options_.spin);
    Audit();
  }
  CloseBooks();
}

void ClientThread::Serve(bool sleep) {
  epoll_event events[kEventsMax];
  const int count = epoll_wait(epoll_fd_, events, kEventsMax, sleep ? kTickMs : 0);
  for (int i = 0; i < count; ++i) {
    const uint32_t local = static_cast<uint32_t>(events[i].data.u64);
    // An event of a connection that was given up since: its descriptor may already be another's.
    if (static_cast<uint16_t>(events[i].data.u64 >> 32) != clients_[local].attempt) continue;
    OnEvents(local, events[i].events);
  }
  PublishArrivals();
  gauges_.received.store(ledger_.healthy().received + ledger_.stalled().received,
                         std::memory_order_relaxed);
  if (sleep) return;
  CountSpun(count <= 0);
  // The pushers may share this CPU.
  if (count <= 0) sched_yield();
}

void ClientThread::CountSpun(bool empty) {
  // From the end of one empty poll to the end of the next, so that busy turns pay for no clock.
  const uint64_t before_ns = spun_from_ns_;
  spun_from_ns_ = empty ? ThreadCpuNs() : 0;
  if (!empty || before_ns == 0) return;
  gauges_.spun_ns.fetch_add(spun_from_ns_ - before_ns, std::memory_order_relaxed);
}

void ClientThread::PublishArrivals() {
  for (const auto& [pusher, slot] : arrived_) {
    uint32_t& deliveries = arrivals_[pusher][slot];
    if (!crew_.windows[pusher]->Arrived(slot, deliveries)) report_.foreign += deliveries;
    deliveries = 0;
  }
  arrived_.clear();
}

void ClientThread::Audit() {
  if (!crew_.audit.load(std::memory_order_acquire)) return;
  const uint64_t begin_ns = NowNs();
  if (begin_ns < next_audit_ns_) return;
  // A turn begun in an earlier phase would leave out the stalled ones.
  if (phase_ != crew_.phase.load(std::memory_order_acquire)) return;
  next_audit_ns_ = begin_ns + uint64_t{kTickMs} * 1'000'000;
  uint64_t missing = 0;
  for (uint32_t local = 0; local < clients(); ++local) {
    const Client& client = clients_[local];
    if (client.state != State::kLive) continue;
    if (client.stalled && phase_ == Phase::kPushing) continue;
    crew_.plan.ReadSent(client.target, &sent_);
    missing += ledger_.Missing(local, sent_);
  }
  gauges_.missing.store(missing, std::memory_order_relaxed);
  gauges_.audited_ns.store(begin_ns, std::memory_order_release);
}

void ClientThread::StartLogins() {
  const uint32_t at_once = std::max(1u, options_.connect_window / step_);
  while (logging_in_ < at_once) {
    const bool retry = !retries_.empty() && retries_.front().at_ns <= now_ns_;
    if (!retry && next_login_ == clients()) return;
    if (options_.connect_rate > 0 && !login_pace_.Take(now_ns_)) return;
    if (retry) {
      const uint32_t local = retries_.front().client;
      retries_.pop_front();
      Connect(local);
    } else {
      Connect(next_login_++);
    }
  }
}

void ClientThread::EnforceDeadlines() {
  while (!deadlines_.empty()) {
    const Deadline oldest = deadlines_.front();
    const Client& client = clients_[oldest.client];
    const bool under_way = client.attempt == oldest.attempt && client.state != State::kLive &&
                           client.fd >= 0;
    if (under_way && now_ns_ < oldest.at_ns) return;
    deadlines_.pop_front();
    if (under_way) LoginFailed(oldest.client, "no answer in time");
  }
}

void ClientThread::SendHeartbeats() {
  // Late is better than never: what a busy turn missed is made up in the next ones.
  while (heartbeat_pace_.Take(now_ns_)) {
    const uint32_t local = next_heartbeat_;
    next_heartbeat_ = next_heartbeat_ + 1 == clients() ? 0 : next_heartbeat_ + 1;
    if (clients_[local].state != State::kLive) continue;
    out_.clear();
    protocol_->AppendHeartbeat(&out_);
    if (out_.empty()) return;
    // A heartbeat that overtakes the answer to the one before is not measured.
    if (clients_[local].asked_ns == 0) clients_[local].asked_ns = NowNs();
    ++report_.heartbeats;
    SendNow(local, out_);
  }
}

void ClientThread::Churn() {
  if (phase_ != Phase::kPushing || options_.churn == 0) return;
  while (churn_pace_.Take(now_ns_)) {
    const uint32_t local = static_cast<uint32_t>(random_() % clients());
    if (clients_[local].state != State::kLive || clients_[local].stalled) continue;
    gauges_.live.fetch_sub(1, std::memory_order_relaxed);
    gauges_.away.fetch_add(1, std::memory_order_relaxed);
    Drop(local);
    clients_[local].state = State::kWaiting;
    retries_.push_front({now_ns_, local});
  }
}

void ClientThread::ChangeRooms() {
  if (!crew_.changing_rooms.load(std::memory_order_acquire)) return;
  const uint32_t at_once = std::max(1u, options_.room_changes / step_);
  // At most one round over the clients, should none of them be there.
  for (uint32_t tried = 0; tried < clients(); ++tried) {
    if (gauges_.changing_rooms.load(std::memory_order_relaxed) >= at_once) return;
    const uint32_t local = next_change_;
    const uint32_t room = (NumberOf(local) + changes_turn_) % options_.rooms;
    if (++next_change_ == clients()) {
      next_change_ = 0;
      ++changes_turn_;
    }
    if (clients_[local].state != State::kLive) continue;
    out_.clear();
    protocol_->AppendRoomChange(crew_.plan.Room(room), &out_);
    gauges_.changing_rooms.fetch_add(1, std::memory_order_relaxed);
    SendNow(local, out_);
  }
}

void ClientThread::ReadStalled() {
  for (uint32_t local = 0; local < clients(); ++local) {
    if (clients_[local].stalled && clients_[local].fd >= 0) Read(local, true);
  }
}

void ClientThread::CloseBooks() {
  for (uint32_t local = 0; local < clients(); ++local) {
    // A client that is away, or never came, has no life to account for; neither has one that did
    // not read and was closed for it.
    const Client& client = clients_[local];
    if (client.state == State::kLive || (client.state == State::kClosed && !client.stalled)) {
      crew_.plan.ReadSent(client.target, &sent_);
      ledger_.Close(local, sent_);
    }
    Drop(local);
  }
  close(epoll_fd_);
}

}  // namespace halley::load
