#include "io/secure_ring.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/assert.h"

namespace halley::io {
namespace {

constexpr size_t kReceiveBytes = 65536;

uint64_t TransitKey(uint32_t from_shard, uint32_t token) {
  return uint64_t{from_shard} << 32 | token;
}

}  // namespace

// --- on the way from shard to shard

void SecureTransit::Put(uint32_t to_shard, uint32_t from_shard, uint32_t token,
                        std::unique_ptr<SecureSession> session) {
  Arriving& arriving = arriving_[to_shard];
  const std::lock_guard lock(arriving.mutex);
  arriving.sessions[TransitKey(from_shard, token)] = std::move(session);
}

std::unique_ptr<SecureSession> SecureTransit::Take(uint32_t to_shard, uint32_t from_shard,
                                                   uint32_t token) {
  Arriving& arriving = arriving_[to_shard];
  const std::lock_guard lock(arriving.mutex);
  auto node = arriving.sessions.extract(TransitKey(from_shard, token));
  return node.empty() ? nullptr : std::move(node.mapped());
}

// --- sessions

SecureRing::SecureRing(std::unique_ptr<Ring> inner, uint32_t shard, SecureTransit* transit,
                       std::vector<SecureListener> listeners, uint32_t handshakes_per_turn)
    : RingOnRing(std::move(inner)),
      shard_(shard),
      transit_(*transit),
      listeners_(std::move(listeners)),
      handshakes_per_turn_(handshakes_per_turn),
      handshakes_left_(handshakes_per_turn),
      received_(kReceiveBytes) {}

SecureRing::~SecureRing() = default;

void SecureRing::Put(int fd, std::unique_ptr<SecureSession> session) {
  const auto number = static_cast<size_t>(fd);
  const size_t known = sessions_.size();
  if (number >= known) sessions_.resize(std::max(number + 1, 2 * known));
  HALLEY_ASSERT(sessions_[number] == nullptr);
  unsent_bytes_ += session->unsent.size();
  sessions_[number] = std::move(session);
  ++sessions_count_;
}

std::unique_ptr<SecureSession> SecureRing::Take(int fd) {
  if (SessionOf(fd) == nullptr) return nullptr;
  std::unique_ptr<SecureSession> session = std::move(sessions_[static_cast<size_t>(fd)]);
  if (session->watched_slot != SecureSession::kUnwatched) watched_[session->watched_slot] = -1;
  session->watched_slot = SecureSession::kUnwatched;
  unsent_bytes_ -= session->unsent.size();
  --sessions_count_;
  return session;
}

void SecureRing::Accept(Tag tag, int listener) {
  if (tag.slot >= accepting_.size()) accepting_.resize(tag.slot + 1, nullptr);
  for (const SecureListener& each : listeners_) {
    if (each.fd == listener) accepting_[tag.slot] = each.server;
  }
  inner_->Accept(tag, listener);
}

void SecureRing::Watch(Tag tag, int fd) {
  if (SecureSession* const session = SessionOf(fd)) {
    if (tag.slot >= watched_.size()) watched_.resize(2 * size_t{tag.slot} + 1, -1);
    session->watched_slot = tag.slot;
    watched_[tag.slot] = fd;
  }
  inner_->Watch(tag, fd);
}

void SecureRing::Close(int fd) {
  Take(fd);
  inner_->Close(fd);
}

void SecureRing::ShutdownWrite(int fd) {
  SecureSession* const session = SessionOf(fd);
  if (session != nullptr) {
    // The end comes behind what waits.
    session->ending = true;
    EndIfSent(fd, *session);
  } else {
    inner_->ShutdownWrite(fd);
  }
}

void SecureRing::EndIfSent(int fd, SecureSession& session) {
  if (!FlushUnsent(fd, session)) return;
  session.ending = false;
  reply_.clear();
  session.stream->Close(&reply_);
  Answer(fd, session);
  inner_->ShutdownWrite(fd);
}

bool SecureRing::PassDescriptors(uint32_t to_shard, absl::Span<const Passage> out) {
  // Each before its descriptor, which the other side may take at once.
  for (const Passage& passage : out) {
    if (auto session = Take(passage.fd)) {
      transit_.Put(to_shard, shard_, passage.token, std::move(session));
    }
  }
  if (inner_->PassDescriptors(to_shard, out)) return true;
  for (const Passage& passage : out) {
    if (auto session = transit_.Take(to_shard, shard_, passage.token)) {
      Put(passage.fd, std::move(session));
    }
  }
  return false;
}

size_t SecureRing::TakeDescriptors(uint32_t from_shard, absl::Span<Passage> in) {
  const size_t count = inner_->TakeDescriptors(from_shard, in);
  for (const Passage& passage : in.first(count)) {
    auto session = transit_.Take(shard_, from_shard, passage.token);
    if (session != nullptr && passage.fd >= 0) Put(passage.fd, std::move(session));
  }
  return count;
}

void SecureRing::Enter(uint64_t wait_ns) {
  handshakes_left_ = handshakes_per_turn_;
  inner_->Enter(wait_ns);
}

size_t SecureRing::Reap(absl::Span<Completion> out) {
  const size_t count = inner_->Reap(out);
  for (Completion& completion : out.first(count)) {
    if (completion.tag.op == Op::kAccept) {
      OnAccepted(completion);
    } else if (completion.tag.op == Op::kWatch && sessions_count_ > 0) {
      OnWatched(completion);
    }
  }
  return count;
}

void SecureRing::OnAccepted(const Completion& completion) {
  tls::Server* const server = accepting_[completion.tag.slot];
  if (completion.outcome != Outcome::kOk || server == nullptr) return;
  auto session = std::make_unique<SecureSession>();
  session->stream = server->Accept();
  Put(static_cast<int>(completion.value), std::move(session));
}

void SecureRing::OnWatched(Completion& completion) {
  const uint32_t slot = completion.tag.slot;
  if (slot >= watched_.size() || watched_[slot] < 0) return;
  const int fd = watched_[slot];
  SecureSession& session = *SessionOf(fd);
  // What was received and not read lies here, where the kernel does not see it.
  if (session.full) completion.value |= kReadable;
  if ((completion.value & kWritable) == 0) return;
  if (session.ending) EndIfSent(fd, session);
  if (!FlushUnsent(fd, session)) completion.value &= ~kWritable;
}

const RingCounters& SecureRing::counters() const {
  counters_ = inner_->counters();
  counters_.tls = tls_;
  counters_.held_bytes = unsent_bytes_;
  return counters_;
}

std::string SecureRing::Describe() const {
  return absl::StrCat(inner_->Describe(), "; ", tls::LibraryName());
}

// --- receiving

// A short read has emptied the socket and the session, as a plain one's has its socket.
Received SecureRing::Receive(int fd, char* buffer, size_t bytes) {
  SecureSession* const session = SessionOf(fd);
  // Of one that has failed, what else it sends is for nobody.
  if (session == nullptr || session->insecure) return inner_->Receive(fd, buffer, bytes);
  if (!session->stream->open() && handshakes_left_ == 0) return {Outcome::kExhausted, 0};
  const std::string unread = std::exchange(session->unread, {});
  std::string_view cipher = unread;
  session->full = false;
  bool emptied = false;
  size_t total = 0;
  for (;;) {
    size_t read = 0;
    const tls::ReadOutcome outcome =
        Decrypt(fd, *session, &cipher, buffer + total, bytes - total, &read);
    total += read;
    switch (outcome) {
      case tls::ReadOutcome::kMore: break;
      case tls::ReadOutcome::kFull:
        session->unread.assign(cipher);
        session->full = true;
        return {Outcome::kOk, total};
      case tls::ReadOutcome::kEnd:
      case tls::ReadOutcome::kFailed:
        // What came before it first; the stream says it again.
        if (total > 0) return {Outcome::kOk, total};
        session->insecure = outcome == tls::ReadOutcome::kFailed;
        return {session->insecure ? Outcome::kInsecure : Outcome::kEnd, 0};
    }
    if (total > 0 && emptied) return {Outcome::kOk, total};
    const Received received = inner_->Receive(fd, received_.data(), received_.size());
    if (received.outcome != Outcome::kOk) {
      return total > 0 ? Received{Outcome::kOk, total} : received;
    }
    emptied = received.bytes < received_.size();
    cipher = {received_.data(), received.bytes};
  }
}

tls::ReadOutcome SecureRing::Decrypt(int fd, SecureSession& session, std::string_view* cipher,
                                     char* to, size_t room, size_t* read) {
  *read = 0;
  if (session.broken) return tls::ReadOutcome::kFailed;
  tls::Stream& stream = *session.stream;
  const bool shaking = !stream.open();
  const bool failed = stream.failed();
  if (shaking && !cipher->empty() && handshakes_left_ > 0) --handshakes_left_;
  reply_.clear();
  const tls::ReadOutcome outcome = stream.Read(cipher, to, room, read, &reply_);
  if (shaking && stream.open()) ++(stream.resumed() ? tls_.resumed : tls_.handshakes);
  session.broken = !Answer(fd, session);
  if (!failed && (stream.failed() || session.broken)) ++tls_.failures;
  return session.broken ? tls::ReadOutcome::kFailed : outcome;
}

}  // namespace halley::io
