// SecureRing: sending. Each round encrypts one record for everyone who still has something to
// send, and gives them to the inner ring together.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/assert.h"
#include "io/secure_ring.h"

namespace halley::io {
namespace {

// Ciphertext of one batch. A fan-out's messages are small: usually all its targets fit.
constexpr size_t kBatchBytes = 1 << 20;

size_t BytesIn(absl::Span<const iovec> parts) {
  size_t bytes = 0;
  for (const iovec& part : parts) bytes += part.iov_len;
  return bytes;
}

// Appends [from, from + bytes) of what the parts hold together.
void AppendRange(absl::Span<const iovec> parts, size_t from, size_t bytes, std::string* out) {
  for (const iovec& part : parts) {
    if (from >= part.iov_len) {
      from -= part.iov_len;
      continue;
    }
    const size_t taken = std::min(part.iov_len - from, bytes);
    out->append(static_cast<const char*>(part.iov_base) + from, taken);
    bytes -= taken;
    from = 0;
    if (bytes == 0) return;
  }
}

}  // namespace

void SecureRing::SendSame(absl::Span<const iovec> span,
                          absl::Span<const base::FanoutTarget> targets,
                          std::vector<base::SendException>* exceptions) {
  if (sessions_count_ == 0) {
    inner_->SendSame(span, targets, exceptions);
    return;
  }
  const size_t before = exceptions->size();
  plain_targets_.clear();
  plain_index_.clear();
  secured_.clear();
  for (uint32_t i = 0; i < targets.size(); ++i) {
    if (SecureSession* const session = SessionOf(targets[i].fd)) {
      AddSecured(i, targets[i].fd, *session, span);
    } else {
      plain_targets_.push_back(targets[i]);
      plain_index_.push_back(i);
    }
  }
  if (!plain_targets_.empty()) {
    inner_exceptions_.clear();
    inner_->SendSame(span, plain_targets_, &inner_exceptions_);
    AppendPlainExceptions(exceptions);
  }
  SendSecured();
  AppendSecuredExceptions(before, exceptions);
}

void SecureRing::SendEach(absl::Span<const SendRequest> requests,
                          std::vector<base::SendException>* exceptions) {
  if (sessions_count_ == 0) {
    inner_->SendEach(requests, exceptions);
    return;
  }
  const size_t before = exceptions->size();
  plain_requests_.clear();
  plain_index_.clear();
  secured_.clear();
  for (uint32_t i = 0; i < requests.size(); ++i) {
    const SendRequest& request = requests[i];
    if (SecureSession* const session = SessionOf(request.fd)) {
      AddSecured(i, request.fd, *session, {request.parts, request.parts_count});
    } else {
      plain_requests_.push_back(request);
      plain_index_.push_back(i);
    }
  }
  if (!plain_requests_.empty()) {
    inner_exceptions_.clear();
    inner_->SendEach(plain_requests_, &inner_exceptions_);
    AppendPlainExceptions(exceptions);
  }
  SendSecured();
  AppendSecuredExceptions(before, exceptions);
}

void SecureRing::AppendPlainExceptions(std::vector<base::SendException>* exceptions) {
  for (const base::SendException& exception : inner_exceptions_) {
    exceptions->push_back({plain_index_[exception.index], exception.result});
  }
}

void SecureRing::AddSecured(uint32_t index, int fd, SecureSession& session,
                            absl::Span<const iovec> parts) {
  Secured send{.index = index, .fd = fd, .session = &session, .parts = parts,
               .bytes = BytesIn(parts)};
  // Before the handshake is over nothing can be said; nor behind what waits.
  send.over = !session.stream->open() || !FlushUnsent(fd, session);
  secured_.push_back(send);
}

void SecureRing::SendSecured() {
  for (bool more = true; more;) {
    more = false;
    cipher_.clear();
    batch_.clear();
    for (Secured& send : secured_) {
      if (send.over || send.taken == send.bytes) continue;
      more = true;
      if (EncryptNext(send)) batch_.push_back(&send);
      if (cipher_.size() < kBatchBytes) continue;
      SendBatch();
      cipher_.clear();
      batch_.clear();
    }
    SendBatch();
  }
}

// Those behind `before` are of the same batch: all of them in ascending order.
void SecureRing::AppendSecuredExceptions(size_t before,
                                         std::vector<base::SendException>* exceptions) const {
  for (const Secured& send : secured_) {
    if (send.error != 0) {
      exceptions->push_back({send.index, send.error});
    } else if (send.taken < send.bytes) {
      exceptions->push_back({send.index, static_cast<int32_t>(send.taken)});
    }
  }
  std::sort(exceptions->begin() + static_cast<ptrdiff_t>(before), exceptions->end(),
            [](const auto& a, const auto& b) { return a.index < b.index; });
}

// Encrypts its next record behind what cipher_ holds.
bool SecureRing::EncryptNext(Secured& send) {
  const size_t bytes = std::min(send.bytes - send.taken, tls::kRecordBytesMax);
  plain_.clear();
  std::string_view plain;
  if (send.parts.size() == 1) {
    plain = {static_cast<const char*>(send.parts[0].iov_base) + send.taken, bytes};
  } else {
    AppendRange(send.parts, send.taken, bytes, &plain_);
    plain = plain_;
  }
  send.cipher_from = cipher_.size();
  if (!send.session->stream->Write(plain, &cipher_)) {
    cipher_.resize(send.cipher_from);
    send.error = -ECONNRESET;
    send.over = true;
    return false;
  }
  send.cipher_bytes = cipher_.size() - send.cipher_from;
  send.taken += bytes;
  return true;
}

void SecureRing::SendBatch() {
  cipher_parts_.clear();
  requests_.clear();
  // Requests point into the list of parts, which must not move any more.
  cipher_parts_.reserve(batch_.size());
  for (const Secured* send : batch_) {
    cipher_parts_.push_back({cipher_.data() + send->cipher_from, send->cipher_bytes});
    requests_.push_back({send->fd, &cipher_parts_.back(), 1});
  }
  if (requests_.empty()) return;
  inner_exceptions_.clear();
  inner_->SendEach(requests_, &inner_exceptions_);
  for (const base::SendException& exception : inner_exceptions_) {
    Secured& send = *batch_[exception.index];
    send.over = true;
    if (exception.result < 0) {
      send.error = exception.result;
      continue;
    }
    const auto sent = static_cast<size_t>(exception.result);
    Keep(*send.session, std::string_view(cipher_).substr(send.cipher_from + sent,
                                                         send.cipher_bytes - sent));
  }
}

bool SecureRing::Answer(int fd, SecureSession& session) {
  if (reply_.empty()) return true;
  if (!FlushUnsent(fd, session)) {
    Keep(session, reply_);
    return session.unsent.size() <= kUnsentBytesMax;
  }
  const int32_t sent = SendCipher(fd, reply_);
  if (sent < 0) return false;
  Keep(session, std::string_view(reply_).substr(static_cast<size_t>(sent)));
  return true;
}

bool SecureRing::FlushUnsent(int fd, SecureSession& session) {
  if (session.unsent.empty()) return true;
  const int32_t sent = SendCipher(fd, session.unsent);
  // On a dead connection nothing waits: whatever is sent next finds out.
  const size_t gone = sent < 0 ? session.unsent.size() : static_cast<size_t>(sent);
  unsent_bytes_ -= gone;
  session.unsent.erase(0, gone);
  if (!session.unsent.empty()) return false;
  session.unsent.shrink_to_fit();
  return true;
}

// How much the socket took, or -errno.
int32_t SecureRing::SendCipher(int fd, std::string_view cipher) {
  const iovec part{const_cast<char*>(cipher.data()), cipher.size()};
  const SendRequest request{fd, &part, 1};
  inner_exceptions_.clear();
  inner_->SendEach({&request, 1}, &inner_exceptions_);
  return inner_exceptions_.empty() ? static_cast<int32_t>(cipher.size())
                                   : inner_exceptions_.front().result;
}

void SecureRing::Keep(SecureSession& session, std::string_view cipher) {
  session.unsent.append(cipher);
  unsent_bytes_ += cipher.size();
}

}  // namespace halley::io
