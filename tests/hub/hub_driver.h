// HubDriver: plays the shard to a hub, from one seed, and holds what the hub does against HubModel.
//
// It takes channels in and out, pushes at random, and sends what the hub plans to clients that take
// all, some or nothing of it, or break. After every step the books, the channels and the rooms are
// compared. Failures are reported to GoogleTest.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>

#include "absl/types/span.h"
#include "hub/hub.h"
#include "hub/hub_model.h"

namespace halley::hub {

// What differs from seed to seed.
struct HubDriverSetting {
  bool receipts = false;  // for every push
  HubLimits limits;
  bool roomy = false;       // nothing is ever let go or refused, so the model is exact
  uint64_t body_bytes = 0;  // the longest
  uint64_t take_all = 0;    // percent of sends
  uint64_t die = 0;         // permille of sends
  uint64_t busy = 0;        // percent of sending turns that are too busy to send
  // Few rooms and many slots make lanes that take several slices.
  uint32_t slots = 0;
  uint64_t rooms = 0;
  uint64_t encodings = 0;
  uint64_t sends = 0;       // the most in one slice
};

class HubDriver {
 public:
  explicit HubDriver(uint64_t seed);

  // All steps, then everything sent and everybody gone.
  void Run();

 private:
  uint64_t Below(uint64_t limit) { return random_() % limit; }
  bool Percent(uint64_t percent) { return Below(100) < percent; }
  uint64_t now_ms() const { return now_ns_ / 1'000'000; }

  void Step();
  void Join();
  void Leave();
  void EnterRoom();
  void ChangeOps();
  void Unmute();
  void PushSome();
  void Push();
  void PushPersonal(int32_t op, uint64_t id);
  bool PersonalMayBeSkipped() const;
  void CloseReceipt(uint32_t number);
  void PushToRoom(uint64_t id);
  void PushToAll(int32_t op, uint64_t id);
  void Reply();
  void FlushOwn();
  void FlushOne(uint32_t slot);
  void FlushLane();
  void Writable();
  void CloseTooSlow();
  void Settle();
  void Finish();
  void Close(uint32_t slot);

  // How much of `bytes` a client takes, or a negative number.
  int64_t Outcome(uint64_t bytes);
  void Deliver(uint32_t slot, absl::Span<const iovec> parts, uint64_t bytes);
  void CheckMaySend(uint32_t slot, int32_t fd);
  uint32_t AnySlot();
  std::string AnyRoom() { return "room-" + std::to_string(Below(setting_.rooms)); }
  std::string AnyKey() { return "key-" + std::to_string(Below(8)); }
  int32_t AnyOp() { return 1000 + static_cast<int32_t>(Below(4)); }

  void CheckBooks();
  void CheckChannels();
  void CheckRooms();

  std::mt19937 random_;
  const HubDriverSetting setting_;
  Hub hub_;
  HubModel model_;
  uint64_t now_ns_ = 1'000'000'000'000;
  uint32_t next_generation_ = 1;
  std::map<uint32_t, uint32_t> generation_;  // by slot
  std::set<uint32_t> blocked_;
  std::set<uint32_t> muted_;
  std::set<std::string> present_;  // rooms, by the changes that were told
  uint64_t expected_ = 0;
  uint32_t receipt_ = kNone;  // of the push under way
  uint64_t receipts_expected_ = 0;
  uint64_t receipts_delivered_ = 0;
  uint64_t receipts_skipped_ = 0;
  uint64_t pushed_ = 0;
  bool obliging_ = false;  // clients take everything
};

}  // namespace halley::hub
