// Registration: what a node says of itself to bilibili discovery, and when. It registers, renews that
// every kRenewMs, tells what has changed every kLoadMs, and cancels at the end. Sans-IO: whoever has
// time and a connection asks for the next call, and brings what became of it.
//
// Threads    One.
// Ownership  Borrows the counts.
// Limits     One call at a time, each with its deadline; cancelling takes kStopMs in all, whatever the
//            registry does.
// Source     bilibili/discovery naming/client.go, registry/registry.go (it forgets who has not renewed
//            for 90 s).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "discovery/call.h"
#include "discovery/discovery.h"
#include "discovery/nodes.h"

namespace halley::discovery {

class Registration {
 public:
  static constexpr uint64_t kRenewMs = 30'000;
  static constexpr uint64_t kLoadMs = 10'000;
  static constexpr uint64_t kForgottenMs = 90'000;
  static constexpr uint64_t kStopMs = 1'000;
  static constexpr size_t kCancelsMax = 3;

  Registration(Instance self, std::vector<std::string> nodes, Draw draw, FailureCounts* failures);

  // That a node is offline, or no longer, is told at once.
  void SetLoad(const Load& load) { load_ = load; }
  // Cancels. Who asks abandons the call that is under way: nobody will want its outcome.
  void Stop(uint64_t now_ms);
  // What to ask now; the outcome is to be brought before the next.
  std::optional<Call> Next(uint64_t now_ms);
  // What went wrong, if anything did.
  std::optional<Failure> Answered(uint64_t now_ms, const Outcome& outcome);

  // As far as is known: the registry said so, and has not forgotten since.
  bool Registered(uint64_t now_ms) const { return in_ && now_ms < renewed_ms_ + kForgottenMs; }
  // After Stop(): there is nothing more to ask.
  bool ended() const { return ended_; }
  const std::string& node() const { return nodes_.current(); }

 private:
  std::optional<Call> Ask(Verb verb);
  std::optional<Call> NextCancel(uint64_t now_ms);
  void OnGood(uint64_t now_ms, Verb verb);
  void OnFailure(uint64_t now_ms, Verb verb, Failure failure);

  const Instance self_;
  Nodes nodes_;
  FailureCounts& failures_;
  Load load_;
  Load asked_load_;             // of the call under way
  Load told_;                   // as the registry knows it
  std::optional<Verb> asking_;  // under way
  bool in_ = false;             // the registry has said so
  bool maybe_in_ = false;       // it was asked, at least
  uint64_t not_before_ms_ = 0;
  uint64_t renew_ms_ = 0;
  uint64_t renewed_ms_ = 0;
  uint64_t load_ms_ = 0;      // when what has changed is told next
  uint64_t set_from_ms_ = 0;  // not before that, since it was refused
  bool stopping_ = false;
  bool ended_ = false;
  uint64_t stop_by_ms_ = 0;
  size_t cancels_left_ = 0;
};

}  // namespace halley::discovery
