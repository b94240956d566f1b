// SecureRing: a Ring that speaks TLS for those who connected to its secure listeners, on top of
// another Ring. Whoever uses it sends and receives plaintext and need not know.
//
// A fan-out goes to plain targets as it is, in the inner ring's one batch; for each secure one it is
// encrypted and sent as a request of its own. What was encrypted is committed: when a socket takes
// only part of it, the rest (one record at most, beside the handshake's) waits here, its plaintext
// counts as taken, and further sends take nothing until it is gone. The watch's writable edge is
// passed on only then.
//
// Handshakes cost what hundreds of frames do, so one turn does a limited number of their steps;
// whoever comes later is told kExhausted and looks again next turn.
//
// Threads    As the inner ring.
// Ownership  Owns the inner ring and the streams of the descriptors it accepted or was passed.
// Invariant  A descriptor has a Session from its accept until Close() or until it is passed on.
// Limits     kUnsentBytesMax waiting per descriptor: who asks for more answers than it takes is cut.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "io/ring_on_ring.h"
#include "tls/server.h"
#include "tls/stream.h"

namespace halley::io {

// One secure descriptor.
struct SecureSession {
  std::unique_ptr<tls::Stream> stream;
  std::string unread;  // ciphertext that there was no room to decrypt
  std::string unsent;  // ciphertext that the socket did not take yet
  uint32_t watched_slot = kUnwatched;
  bool full = false;      // the last read had no room for all there is
  bool ending = false;    // the end of our stream comes when nothing is unsent
  bool broken = false;    // it cannot be answered
  bool insecure = false;  // it has failed, and our owner knows

  static constexpr uint32_t kUnwatched = UINT32_MAX;
};

// Where sessions wait while their descriptors are on the way from shard to shard.
class SecureTransit {
 public:
  explicit SecureTransit(uint32_t shards) : arriving_(shards) {}

  void Put(uint32_t to_shard, uint32_t from_shard, uint32_t token,
           std::unique_ptr<SecureSession> session);
  // Null when there is none.
  std::unique_ptr<SecureSession> Take(uint32_t to_shard, uint32_t from_shard, uint32_t token);

 private:
  struct Arriving {
    std::mutex mutex;
    absl::flat_hash_map<uint64_t, std::unique_ptr<SecureSession>> sessions;
  };
  std::vector<Arriving> arriving_;  // by shard
};

struct SecureListener {
  int fd = -1;
  tls::Server* server = nullptr;  // outlives the ring
};

class SecureRing final : public RingOnRing {
 public:
  static constexpr size_t kUnsentBytesMax = 65536;

  // `transit` is shared by the rings of all shards and outlives them.
  SecureRing(std::unique_ptr<Ring> inner, uint32_t shard, SecureTransit* transit,
             std::vector<SecureListener> listeners, uint32_t handshakes_per_turn);
  ~SecureRing() override;

  void Accept(Tag tag, int listener) override;
  void Watch(Tag tag, int fd) override;
  Received Receive(int fd, char* buffer, size_t bytes) override;
  void SendSame(absl::Span<const iovec> span, absl::Span<const base::FanoutTarget> targets,
                std::vector<base::SendException>* exceptions) override;
  void SendEach(absl::Span<const SendRequest> requests,
                std::vector<base::SendException>* exceptions) override;
  void ShutdownWrite(int fd) override;
  void Close(int fd) override;
  [[nodiscard]] bool PassDescriptors(uint32_t to_shard, absl::Span<const Passage> out) override;
  size_t TakeDescriptors(uint32_t from_shard, absl::Span<Passage> in) override;
  void Enter(uint64_t wait_ns) override;
  size_t Reap(absl::Span<Completion> out) override;
  const RingCounters& counters() const override;
  std::string Describe() const override;

 private:
  // What goes out encrypted of one batch.
  struct Secured {
    uint32_t index;  // of the caller's
    int fd;
    SecureSession* session;
    absl::Span<const iovec> parts;
    size_t bytes;              // of them, together
    size_t taken = 0;          // of them, encrypted
    size_t cipher_from = 0;    // of what is sent now, in cipher_
    size_t cipher_bytes = 0;
    int32_t error = 0;
    bool over = false;         // nothing more of it can be sent now
  };

  SecureSession* SessionOf(int fd) const {
    const auto number = static_cast<size_t>(fd);
    return number < sessions_.size() ? sessions_[number].get() : nullptr;
  }
  void Put(int fd, std::unique_ptr<SecureSession> session);
  std::unique_ptr<SecureSession> Take(int fd);

  void EndIfSent(int fd, SecureSession& session);

  tls::ReadOutcome Decrypt(int fd, SecureSession& session, std::string_view* cipher, char* to,
                           size_t room, size_t* read);

  // --- sending (secure_send.cc)
  // Sends `reply_` behind what waits. False: the connection is dead, or its peer asks for more
  // answers than it takes.
  bool Answer(int fd, SecureSession& session);
  // True: nothing waits any more.
  bool FlushUnsent(int fd, SecureSession& session);
  void Keep(SecureSession& session, std::string_view cipher);
  void AddSecured(uint32_t index, int fd, SecureSession& session, absl::Span<const iovec> parts);
  void SendSecured();
  bool EncryptNext(Secured& send);
  void SendBatch();
  int32_t SendCipher(int fd, std::string_view cipher);
  void AppendPlainExceptions(std::vector<base::SendException>* exceptions);
  void AppendSecuredExceptions(size_t before, std::vector<base::SendException>* exceptions) const;

  void OnAccepted(const Completion& completion);
  void OnWatched(Completion& completion);

  const uint32_t shard_;
  SecureTransit& transit_;
  const std::vector<SecureListener> listeners_;
  const uint32_t handshakes_per_turn_;

  std::vector<std::unique_ptr<SecureSession>> sessions_;  // by descriptor
  size_t sessions_count_ = 0;
  std::vector<tls::Server*> accepting_;  // by the accept's slot
  std::vector<int> watched_;             // by slot: the secure descriptor, or -1
  uint32_t handshakes_left_;
  TlsCounters tls_;
  uint64_t unsent_bytes_ = 0;
  mutable RingCounters counters_;  // the inner ring's and ours, put together when asked for

  // Scratch.
  std::vector<char> received_;
  std::string reply_;
  std::string plain_;
  std::string cipher_;
  std::vector<Secured> secured_;
  std::vector<Secured*> batch_;
  std::vector<iovec> cipher_parts_;
  std::vector<SendRequest> requests_;
  std::vector<base::FanoutTarget> plain_targets_;
  std::vector<SendRequest> plain_requests_;
  std::vector<uint32_t> plain_index_;  // of the caller's, by place in the inner ring's batch
  std::vector<base::SendException> inner_exceptions_;
};

}  // namespace halley::io
