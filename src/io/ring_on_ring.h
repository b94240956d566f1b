// RingOnRing: a Ring above another one, which it owns. It passes everything on; who derives from it
// changes what it is there for.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/ring.h"

namespace halley::io {

class RingOnRing : public Ring {
 public:
  explicit RingOnRing(std::unique_ptr<Ring> inner) : inner_(std::move(inner)) {}

  absl::Status Start() override { return inner_->Start(); }
  uint64_t NowNs() override { return inner_->NowNs(); }
  uint64_t WallS() override { return inner_->WallS(); }
  void Accept(Tag tag, int listener) override { inner_->Accept(tag, listener); }
  void PollOnce(Tag tag, int fd) override { inner_->PollOnce(tag, fd); }
  void Watch(Tag tag, int fd) override { inner_->Watch(tag, fd); }
  void Cancel(Tag tag) override { inner_->Cancel(tag); }
  Received Receive(int fd, char* buffer, size_t bytes) override {
    return inner_->Receive(fd, buffer, bytes);
  }
  void SendSame(absl::Span<const iovec> span, absl::Span<const base::FanoutTarget> targets,
                std::vector<base::SendException>* exceptions) override {
    inner_->SendSame(span, targets, exceptions);
  }
  void SendEach(absl::Span<const SendRequest> requests,
                std::vector<base::SendException>* exceptions) override {
    inner_->SendEach(requests, exceptions);
  }
  void ShutdownWrite(int fd) override { inner_->ShutdownWrite(fd); }
  void Shutdown(int fd) override { inner_->Shutdown(fd); }
  void Close(int fd) override { inner_->Close(fd); }
  std::string PeerAddress(int fd) override { return inner_->PeerAddress(fd); }
  std::optional<Traffic> TrafficOf(int fd) override { return inner_->TrafficOf(fd); }
  void Wake(uint32_t shard) override { inner_->Wake(shard); }
  [[nodiscard]] bool PassDescriptors(uint32_t to_shard, absl::Span<const Passage> out) override {
    return inner_->PassDescriptors(to_shard, out);
  }
  size_t TakeDescriptors(uint32_t from_shard, absl::Span<Passage> in) override {
    return inner_->TakeDescriptors(from_shard, in);
  }
  void Enter(uint64_t wait_ns) override { inner_->Enter(wait_ns); }
  size_t Reap(absl::Span<Completion> out) override { return inner_->Reap(out); }
  const RingCounters& counters() const override { return inner_->counters(); }
  std::string Describe() const override { return inner_->Describe(); }

 protected:
  const std::unique_ptr<Ring> inner_;
};

}  // namespace halley::io
