// SimRing: the Ring of one shard in a simulated world, with a descriptor table of its own.
//
// It behaves as ring.h promises and no better, and says so when the shard does what ring.h forbids:
// anything on a closed descriptor, closing or passing one with something armed on it, arming twice,
// two sends to one descriptor in a batch, cancelling what is not armed, batches above their limits.
//
// Threads    One.
// Ownership  Borrows core and net. Links are the net's; what stands for them here is a number.
// Invariant  A descriptor's number is the lowest free one, as in a kernel, so that numbers are used
//            again at once.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "io/ring.h"
#include "sim/sim_core.h"
#include "sim/sim_net.h"

namespace halley::sim {

// What the clock on the wall says when a run begins.
inline constexpr uint64_t kWallStartS = 1'700'000'000;

class SimRing final : public io::Ring {
 public:
  SimRing(SimCore* core, SimNet* net, uint32_t shard) : core_(*core), net_(*net), shard_(shard) {}

  // --- the world's side
  void Meet(std::vector<SimRing*> rings_by_shard);
  int32_t AddListener(Listener* listener);
  uint32_t shard() const { return shard_; }
  // Something arrived, or room came free.
  void OnEdge(int32_t fd, uint32_t readiness);
  void OnArrival(int32_t fd);
  // A thread of the shard's own, a backend's say, wakes it.
  void Poke() { PostWake(shard_); }
  bool has_completions() const { return !ready_.empty(); }
  // What the last Enter() would have waited; 0: it asked not to wait.
  uint64_t wait_ns() const { return wait_ns_; }
  // Open descriptors that the shard knows of.
  size_t descriptors_count() const { return table_.size() - unreaped_; }
  // Descriptors of connections with nothing armed on them, which nobody would ever hear of again.
  size_t unwatched_count() const;

  // --- io::Ring
  absl::Status Start() override;
  uint64_t NowNs() override { return core_.now(); }
  uint64_t WallS() override { return kWallStartS + core_.now() / 1'000'000'000; }
  void Accept(io::Tag tag, int listener) override { Arm(tag, listener, io::Op::kAccept); }
  void PollOnce(io::Tag tag, int fd) override { Arm(tag, fd, io::Op::kPollOnce); }
  void Watch(io::Tag tag, int fd) override { Arm(tag, fd, io::Op::kWatch); }
  void Cancel(io::Tag tag) override;
  io::Received Receive(int fd, char* buffer, size_t bytes) override;
  void SendSame(absl::Span<const iovec> span, absl::Span<const base::FanoutTarget> targets,
                std::vector<base::SendException>* exceptions) override;
  void SendEach(absl::Span<const io::SendRequest> requests,
                std::vector<base::SendException>* exceptions) override;
  void ShutdownWrite(int fd) override;
  void Shutdown(int fd) override;
  void Close(int fd) override;
  std::string PeerAddress(int fd) override;
  std::optional<io::Traffic> TrafficOf(int fd) override;
  uint64_t peers_asked_for() const { return peers_asked_for_; }
  void Wake(uint32_t shard) override;
  [[nodiscard]] bool PassDescriptors(uint32_t to_shard,
                                     absl::Span<const io::Passage> out) override;
  size_t TakeDescriptors(uint32_t from_shard, absl::Span<io::Passage> in) override;
  void Enter(uint64_t wait_ns) override;
  size_t Reap(absl::Span<io::Completion> out) override;
  const io::RingCounters& counters() const override { return counters_; }
  std::string Describe() const override { return "simulated"; }

 private:
  struct Descriptor {
    Link* link = nullptr;  // or
    Listener* listener = nullptr;
    io::Tag tag;             // of what is, or was last, armed
    bool armed = false;      // until its last completion has been reaped
    bool in_kernel = false;  // until its last completion has been posted
    uint64_t arming = 0;     // which arming this is
    uint32_t edges = 0;      // since its last completion
    bool due = false;        // a completion is about to be posted
  };
  struct Traveller {
    Link* link;
    uint32_t token;
  };
  // What waits for the next system call.
  struct Submission {
    enum class Kind : uint8_t { kArm, kCancel, kWake } kind;
    int32_t fd;
    uint64_t arming;
    uint32_t shard;
  };
  using TagKey = std::pair<uint64_t, io::Op>;

  static TagKey KeyOf(io::Tag tag) {
    return {uint64_t{tag.slot} << 32 | tag.generation, tag.op};
  }
  void Misuse(const char* what, int64_t detail);
  // Null, and the run has failed, when there is none.
  Descriptor* Find(int fd, const char* what);
  Descriptor* FindLink(int fd, const char* what);
  // The descriptor, if that arming is still in the kernel.
  Descriptor* InKernel(int32_t fd, uint64_t arming);
  int32_t Allocate();
  void Arm(io::Tag tag, int fd, io::Op op);
  void Submit();
  void BeginArming(int32_t fd, uint64_t arming);
  void SchedulePost(int32_t fd);
  void Post(int32_t fd, uint64_t arming);
  void PostAccept(int32_t fd, uint64_t arming);
  void PostCancelled(int32_t fd, uint64_t arming);
  void PostWake(uint32_t from);
  void AddReady(const io::Completion& completion);
  bool EndsEarly();
  void AddStale();
  void Forget(int fd);
  int32_t SendTo(int fd, absl::Span<const iovec> parts);

  SimCore& core_;
  SimNet& net_;
  const uint32_t shard_;
  std::vector<SimRing*> rings_;
  std::map<int32_t, Descriptor> table_;
  std::map<TagKey, int32_t> armed_;
  std::set<TagKey> ended_;  // by themselves, and reaped in this turn
  std::map<uint32_t, std::deque<std::vector<Traveller>>> roads_;  // by the shard they come from
  std::vector<Submission> submissions_;
  std::deque<io::Completion> ready_;
  std::vector<io::Tag> gone_;  // tags of connections that are no more
  size_t unreaped_ = 0;        // accepted descriptors that the shard has not heard of
  uint64_t next_arming_ = 0;
  uint32_t overflow_left_ = 0;
  uint64_t wait_ns_ = 0;
  bool started_ = false;
  uint64_t peers_asked_for_ = 0;
  io::RingCounters counters_;
};

}  // namespace halley::sim
