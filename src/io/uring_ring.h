// UringRing: the Ring on io_uring (Linux 6.1 or newer, liburing 2.3 or newer).
//
// Sends are submitted to be decided when the enter returns: MSG_DONTWAIT | MSG_WAITALL with success
// completions skipped, so that no completion means that every byte was taken. ProbeUring() proves
// at start that the kernel keeps this; where it does not, successes are counted instead.
//
// Threads    Create() and Connect() on the main thread, before the shards' threads start and their
//            descriptor tables part; Start() and the rest on the owner's. Destroyed on the owner's
//            thread, or on any once it has ended.
// Ownership  Owns its descriptor, its roads to the other shards, and accepted descriptors until
//            Reap() reports them.
// Invariant  At most one batch of sends is in the kernel, and only during SendSame() or SendEach().
// Limits     Options; at most 2^24 slots, generations and shards in a tag.
#pragma once

#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "io/descriptor_road.h"
#include "io/ring.h"
#include "io/uring_queue.h"

namespace halley::io {

// What ProbeUring() found out.
struct UringFeatures {
  bool skip_success = true;  // a send without a completion has taken every byte
};

struct UringOptions {
  uint32_t sq_entries = 1024;
  // Must exceed the worst burst of one turn. Beyond it nothing is lost, but multishots end early.
  uint32_t cq_entries = 32768;
  UringFeatures features;
};

class UringRing final : public Ring {
 public:
  static absl::StatusOr<std::unique_ptr<UringRing>> Create(const UringOptions& options);
  // Lets the rings wake each other and pass descriptors; shard i is rings_by_shard[i]. Once.
  static absl::Status Connect(absl::Span<UringRing* const> rings_by_shard);
  ~UringRing() override;
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
  explicit UringRing(const UringOptions& options) : features_(options.features) {}

  // Turns a completion into what the owner sees; false for those of the ring's own operations.
  bool Translate(const RawCqe& cqe, Completion* completion);
  void OnWakeFailed(uint32_t shard, int error);

  // A send that is decided at once, all but its descriptor and user_data.
  io_uring_sqe PrepareSend(const void* operand, uint32_t operand_length, bool is_message) const;
  uint64_t BatchTag(uint32_t index) const;
  // Submits the batch and appends what did not go as asked.
  void SendOne(const SendRequest& request, std::vector<base::SendException>* exceptions);
  void DecideBatch(size_t count, std::vector<base::SendException>* exceptions);
  void SyncCounters();

  const UringFeatures features_;
  UringQueue queue_;
  std::string kernel_;

  uint32_t shard_ = 0;
  std::vector<int> ring_fds_;           // by shard
  std::vector<DescriptorRoad> roads_;   // by shard; our own is not open
  std::vector<uint32_t> wakes_failed_;  // shards to wake with the next Enter()

  uint32_t batch_ = 0;
  std::array<uint64_t, kBatchMax> batch_bytes_{};  // asked for, by index in the batch
  std::array<msghdr, kBatchMax> batch_messages_{};

  RingCounters counters_;
};

}  // namespace halley::io
