// Pusher: one push connection and the thread's work of keeping it busy: so many pushes, at a rate,
// within a window, each target in turn.
//
// Threads    Run() on a thread of its own; everything else while it does not run.
// Ownership  Borrows the crew; owns its port.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "halley-load/crew.h"
#include "halley-load/push_port.h"

namespace halley::load {

struct PushJob {
  uint64_t count = 0;     // this pusher's share; 0: no limit
  uint64_t until_ns = 0;  // 0: no limit
};

class Pusher {
 public:
  Pusher(Crew& crew, uint32_t index, std::unique_ptr<PushPort> port);

  // Pushes; returns when all is answered and, with a window, has arrived everywhere, or when
  // nothing has moved for options.drain_ms.
  void Run(PushJob job);

  PushPort& port() { return *port_; }
  uint64_t pushed() const { return serial_; }
  const PushTotals& totals() const { return totals_; }
  // A window did not move for drain_ms: some client waits for a message that does not come.
  bool stuck() const { return stuck_; }

 private:
  // Waits until the window, if there is one, has room, or is empty. False: it does not move.
  bool AwaitWindow(bool empty);
  void AwaitTurn(uint64_t started_ns, uint64_t turn);
  void PushOne();

  Crew& crew_;
  const LoadOptions& options_;
  const uint32_t index_;
  const std::unique_ptr<PushPort> port_;
  Window* const window_;  // borrowed; null: no window
  uint32_t next_target_;
  uint64_t serial_ = 0;
  bool stuck_ = false;
  PushTotals totals_;
  std::string body_;
};

}  // namespace halley::load
