#include "discovery/registration.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "discovery/reply.h"

namespace halley::discovery {
namespace {

std::optional<Failure> FailureOf(const Outcome& outcome) {
  if (outcome.failure.has_value()) return outcome.failure;
  const std::optional<int64_t> code = ReadCode(outcome.body);
  if (!code.has_value()) return Failure::kBadAnswer;
  if (*code == kCodeOk) return std::nullopt;
  return *code == kCodeNotFound ? Failure::kNotFound : Failure::kRefused;
}

}  // namespace

Registration::Registration(Instance self, std::vector<std::string> nodes, Draw draw,
                           FailureCounts* failures)
    : self_(std::move(self)), nodes_(std::move(nodes), std::move(draw)), failures_(*failures) {}

void Registration::Stop(uint64_t now_ms) {
  if (stopping_) return;
  stopping_ = true;
  asking_.reset();
  stop_by_ms_ = now_ms + kStopMs;
  cancels_left_ = std::min(nodes_.size(), kCancelsMax);
}

std::optional<Call> Registration::Ask(Verb verb) {
  asking_ = verb;
  asked_load_ = load_;
  if (verb == Verb::kRegister) maybe_in_ = true;
  return CallFor(verb, nodes_.current(), self_, load_);
}

std::optional<Call> Registration::Next(uint64_t now_ms) {
  if (asking_.has_value() || ended_) return std::nullopt;
  if (stopping_) return NextCancel(now_ms);
  if (now_ms < not_before_ms_) return std::nullopt;
  if (!in_) return Ask(Verb::kRegister);
  if (now_ms >= renew_ms_) return Ask(Verb::kRenew);
  if (load_ == told_ || now_ms < set_from_ms_) return std::nullopt;
  if (now_ms < load_ms_ && load_.offline == told_.offline) return std::nullopt;
  return Ask(Verb::kSet);
}

// A registration whose outcome is not known is cancelled, too. One that was under way may come after it:
// the registry forgets that one by itself.
std::optional<Call> Registration::NextCancel(uint64_t now_ms) {
  if (!maybe_in_ || cancels_left_ == 0 || now_ms >= stop_by_ms_) {
    ended_ = true;
    return std::nullopt;
  }
  std::optional<Call> call = Ask(Verb::kCancel);
  // Whoever does not answer leaves time for the others.
  call->deadline_ms = static_cast<uint32_t>(
      std::max<uint64_t>(1, (stop_by_ms_ - now_ms) / cancels_left_));
  --cancels_left_;
  return call;
}

std::optional<Failure> Registration::Answered(uint64_t now_ms, const Outcome& outcome) {
  HALLEY_ASSERT(asking_.has_value());
  const Verb verb = *std::exchange(asking_, std::nullopt);
  const std::optional<Failure> failure = FailureOf(outcome);
  if (failure.has_value()) {
    failures_.Add(*failure);
    OnFailure(now_ms, verb, *failure);
  } else {
    nodes_.Succeed();
    OnGood(now_ms, verb);
  }
  return failure;
}

void Registration::OnGood(uint64_t now_ms, Verb verb) {
  switch (verb) {
    case Verb::kRegister:
      in_ = true;
      told_ = asked_load_;
      load_ms_ = now_ms + kLoadMs;
      [[fallthrough]];
    case Verb::kRenew:
      renewed_ms_ = now_ms;
      renew_ms_ = now_ms + kRenewMs;
      break;
    case Verb::kSet:
      told_ = asked_load_;
      load_ms_ = now_ms + kLoadMs;
      break;
    case Verb::kCancel:
      in_ = maybe_in_ = false;
      break;
  }
}

void Registration::OnFailure(uint64_t now_ms, Verb verb, Failure failure) {
  const bool answered = failure == Failure::kNotFound || failure == Failure::kRefused;
  if (verb == Verb::kCancel) {
    if (failure == Failure::kNotFound) in_ = maybe_in_ = false;
    nodes_.Switch();
    return;
  }
  if (verb == Verb::kRenew && failure == Failure::kNotFound) {
    in_ = maybe_in_ = false;
    return;
  }
  if (verb == Verb::kSet && answered) {
    // It refuses that, too, of a node that it does not know: a renewal tells which it is.
    set_from_ms_ = now_ms + kLoadMs;
    renew_ms_ = now_ms;
    return;
  }
  if (verb == Verb::kRegister && answered) maybe_in_ = false;
  nodes_.Switch();
  not_before_ms_ = now_ms + nodes_.Fail();
}

}  // namespace halley::discovery
