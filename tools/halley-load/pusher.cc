#include "halley-load/pusher.h"

#include <ctime>

#include "halley-load/stamp.h"
#include "halley-load/system.h"

namespace halley::load {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kMillisecondNs = 1'000'000;

void SleepUntil(uint64_t at_ns) {
  timespec at;
  at.tv_sec = static_cast<time_t>(at_ns / kSecondNs);
  at.tv_nsec = static_cast<long>(at_ns % kSecondNs);
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

}  // namespace

Pusher::Pusher(Crew& crew, uint32_t index, std::unique_ptr<PushPort> port)
    : crew_(crew),
      options_(crew.plan.options()),
      index_(index),
      port_(std::move(port)),
      window_(crew.windows.empty() ? nullptr : crew.windows[index].get()),
      // Pushers begin at different targets, so that they do not walk in step.
      next_target_(static_cast<uint32_t>(uint64_t{crew.plan.targets()} * index /
                                         options_.pushers)),
      body_(options_.size, '.') {}

void Pusher::Run(PushJob job) {
  PinThread(options_.cpus, options_.threads + index_);
  const uint64_t started_ns = NowNs();
  for (uint64_t turn = 0; job.count == 0 || turn < job.count; ++turn) {
    if (options_.rate > 0) AwaitTurn(started_ns, turn);
    if (!AwaitWindow(false)) break;
    if (job.until_ns != 0 && NowNs() >= job.until_ns) break;
    PushOne();
  }
  totals_ = port_->Finish(NowNs() + options_.drain_ms * kMillisecondNs);
  if (!stuck_) AwaitWindow(true);
}

bool Pusher::AwaitWindow(bool empty) {
  if (window_ == nullptr) return true;
  const uint64_t give_up_ns = NowNs() + options_.drain_ms * kMillisecondNs;
  while (!(empty ? window_->Idle() : window_->HasRoom())) {
    if (NowNs() >= give_up_ns) {
      stuck_ = true;
      return false;
    }
    window_->Wait(give_up_ns);
  }
  return true;
}

void Pusher::AwaitTurn(uint64_t started_ns, uint64_t turn) {
  // All pushers together keep the rate; each has its own turn within it. When the server is slower
  // than the rate, the turns that were missed follow at once.
  const double position = static_cast<double>(turn * options_.pushers + index_);
  const uint64_t at_ns =
      started_ns + static_cast<uint64_t>(position * static_cast<double>(kSecondNs) / options_.rate);
  if (NowNs() < at_ns) SleepUntil(at_ns);
}

void Pusher::PushOne() {
  Stamp stamp;
  stamp.run = crew_.plan.run();
  stamp.pusher = index_;
  stamp.target = next_target_;
  stamp.number = crew_.plan.NextNumber(index_, next_target_);
  stamp.serial = ++serial_;
  if (window_ != nullptr) {
    window_->Begin(stamp.serial, crew_.plan.HealthyMembers(next_target_));
  }
  stamp.sent_ns = NowNs();
  WriteStamp(stamp, &body_);
  port_->Push(next_target_, body_);
  next_target_ = next_target_ + 1 == crew_.plan.targets() ? 0 : next_target_ + 1;
}

}  // namespace halley::load
