// EpollRing: the Ring on epoll, for hosts where io_uring is forbidden or too old.
//
// Whatever is armed is a registration in one epoll set, made at once: a watch is edge-triggered, a
// one-shot poll disables itself, a listener is level-triggered and accepted from in Enter(). Sends
// are system calls of their own. A wake is a bit in the other ring and a write to its eventfd; that
// one is edge-triggered and never read.
//
// Why no edge comes under a wrong tag: a registration carries its Tag, so the kernel reports an
// edge under the tag that was armed or not at all. It is taken out of the set before its last
// completion is queued and before its descriptor is closed or passed on; the kernel itself would
// drop it only with the last copy of the descriptor, which may be in another table.
//
// Threads    As UringRing. Wake() reaches into the other ring, so rings that were connected live
//            until every owner has ended.
// Ownership  Owns its set, its eventfd, its roads to the other shards, and accepted descriptors
//            until Reap() reports them.
// Invariant  armed_ holds the tags whose last completion is not queued yet.
// Limits     One operation armed per descriptor; 2^24 slots, generations and shards in a tag.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/ring_buffer.h"
#include "io/descriptor_road.h"
#include "io/ring.h"

namespace halley::io {

struct EpollOptions {
  // Waits to the nanosecond where the kernel can (Linux 5.11); otherwise in whole milliseconds.
  bool precise_wait = true;
};

class EpollRing final : public Ring {
 public:
  static absl::StatusOr<std::unique_ptr<EpollRing>> Create(const EpollOptions& options = {});
  // Lets the rings wake each other and pass descriptors; shard i is rings_by_shard[i]. Once.
  static absl::Status Connect(absl::Span<EpollRing* const> rings_by_shard);
  ~EpollRing() override;
  // By shard; our own is not open.
  const std::vector<DescriptorRoad>& roads() const { return roads_; }

  absl::Status Start() override;
  uint64_t NowNs() override;
  uint64_t WallS() override;
  void Accept(Tag tag, int listener) override;
  void PollOnce(Tag tag, int fd) override;
  void Watch(Tag tag, int fd) override;
  void Cancel(Tag tag) override;
  Received Receive(int fd, char* buffer, size_t bytes) override;
  void SendSame(absl::Span<const iovec> span, absl::Span<const base::FanoutTarget> targets,
                std::vector<base::SendException>* exceptions) override;
  void SendEach(absl::Span<const SendRequest> requests,
                std::vector<base::SendException>* exceptions) override;
  void ShutdownWrite(int fd) override;
  void Shutdown(int fd) override;
  void Close(int fd) override;
  std::string PeerAddress(int fd) override;
  std::optional<Traffic> TrafficOf(int fd) override;
  void Wake(uint32_t shard) override;
  [[nodiscard]] bool PassDescriptors(uint32_t to_shard, absl::Span<const Passage> out) override;
  size_t TakeDescriptors(uint32_t from_shard, absl::Span<Passage> in) override;
  void Enter(uint64_t wait_ns) override;
  size_t Reap(absl::Span<Completion> out) override;
  const RingCounters& counters() const override { return counters_; }
  std::string Describe() const override;

 private:
  // What a turn takes from the kernel at once.
  static constexpr size_t kReadyMax = 256;

  using ArmedMap = absl::flat_hash_map<uint64_t, int>;  // by packed tag: the descriptor

  EpollRing() = default;

  // Registers `fd` under `tag`, or says in its place what was registered before.
  void Arm(Tag tag, int fd, uint32_t events);
  // Ends the registration and queues its last completion.
  void End(ArmedMap::iterator armed, Outcome outcome);
  bool Registered(int fd) const;
  // Takes the descriptor out of the set, if it is in.
  void Unregister(int fd);

  int WaitForEvents(uint64_t wait_ns);
  void OnEvent(uint32_t events, uint64_t tag);
  void AcceptSome(uint64_t tag);
  void TakeWakes();

  void CountSends(size_t count);
  void NoteException(uint32_t index, int32_t taken, uint64_t bytes,
                     std::vector<base::SendException>* exceptions);

  int epoll_fd_ = -1;
  int event_fd_ = -1;
  bool precise_wait_ = false;
  std::string kernel_;
  uint64_t owner_ = 0;  // number of the thread that started it

  uint32_t shard_ = 0;
  std::vector<EpollRing*> rings_;       // by shard
  std::vector<DescriptorRoad> roads_;   // by shard; our own is not open
  // Who has woken us, a bit for each shard; set by the others' threads, cleared by ours.
  std::vector<std::atomic<uint64_t>> wakers_;

  ArmedMap armed_;
  std::vector<bool> registered_;  // by descriptor: it is in the set, armed or not
  base::RingBuffer<Completion> ready_;
  std::array<epoll_event, kReadyMax> events_;
  RingCounters counters_;
};

}  // namespace halley::io
