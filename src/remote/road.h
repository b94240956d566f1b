// Road: calls from one shard to the engine's thread, and answers back; and how each side wakes the
// other. A shard has a table of descriptors of its own, so both ends of a wake-up are descriptors that
// were there before the tables parted, under the same number in each.
//
// Threads    Ask() and Take() on the shard's; TakeCall(), Reply() and Publish() on the engine's.
//            Constructed before both, and outlives both.
// Limits     kCalls, kAnswers. A full road is an ordinary answer for a shard; answers that do not fit
//            wait on the engine's side, no more of them than logins are held.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "base/spsc_queue.h"
#include "remote/call.h"

namespace halley::remote {

// An eventfd, and whether whom it wakes has been told. Not closed here.
class Doorbell {
 public:
  // -1: not yet.
  explicit Doorbell(int descriptor) : descriptor_(descriptor) {}

  // After what it announces has been published; in the ringing thread's table.
  void Ring();
  // Before what it announces is looked for; in the woken thread's. `clear`: reads it, too, for who waits
  // for a level and not for an edge.
  void Answer(bool clear);

  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
  std::atomic<uint32_t> rung_{0};
};

class Road {
 public:
  static constexpr size_t kCalls = 4096;
  static constexpr size_t kAnswers = 1024;

  // Borrows the engine's bell. `shard_descriptor`: an eventfd for the other.
  Road(Doorbell* engine, int shard_descriptor)
      : engine_(*engine), shard_(shard_descriptor), calls_(kCalls), answers_(kAnswers) {}

  // False: it is full, and the call is still the caller's.
  [[nodiscard]] bool Ask(std::unique_ptr<Call>&& call);
  // The shard's bell has to be answered first.
  [[nodiscard]] bool Take(Answer* answer) { return answers_.TryPop(answer); }

  [[nodiscard]] bool TakeCall(std::unique_ptr<Call>* call) { return calls_.TryPop(call); }
  void Reply(Answer answer) { waiting_.push_back(std::move(answer)); }
  // Answers that fit go out. True: some are left.
  bool Publish();

  Doorbell& shard_bell() { return shard_; }

 private:
  Doorbell& engine_;
  Doorbell shard_;
  base::SpscQueue<std::unique_ptr<Call>> calls_;
  base::SpscQueue<Answer> answers_;
  std::deque<Answer> waiting_;  // the engine's
};

}  // namespace halley::remote
