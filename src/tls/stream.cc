#include "tls/stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <utility>

#include "base/assert.h"

namespace halley::tls {

// OpenSSL's end of a stream: it reads what Read() was lent and writes to where the caller collects.
struct MemoryBio {
  static int Read(BIO* bio, char* to, size_t bytes, size_t* read) {
    auto* stream = static_cast<Stream*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    *read = std::min(bytes, stream->in_.size());
    if (*read == 0) {
      BIO_set_retry_read(bio);
      return 0;
    }
    std::memcpy(to, stream->in_.data(), *read);
    stream->in_.remove_prefix(*read);
    return 1;
  }

  static int Write(BIO* bio, const char* bytes, size_t size, size_t* written) {
    auto* stream = static_cast<Stream*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    HALLEY_ASSERT(stream->out_ != nullptr);
    stream->out_->append(bytes, size);
    *written = size;
    return 1;
  }

  static long Control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static BIO_METHOD* Method() {
    static BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "halley");
      HALLEY_ASSERT(made != nullptr);
      BIO_meth_set_read_ex(made, &Read);
      BIO_meth_set_write_ex(made, &Write);
      BIO_meth_set_ctrl(made, &Control);
      return made;
    }();
    return method;
  }
};

void SslDeleter::operator()(ssl_st* ssl) const { SSL_free(ssl); }

std::string TakeOpensslError() {
  const unsigned long code = ERR_peek_error();
  const char* const reason = ERR_reason_error_string(code);
  ERR_clear_error();
  // OpenSSL 3 has no texts for errno's values: a file that may not be read is one.
  if (ERR_SYSTEM_ERROR(code)) return std::strerror(ERR_GET_REASON(code));
  if (reason != nullptr) return reason;
  return code == 0 ? "for no reason that OpenSSL names"
                   : "OpenSSL's error " + std::to_string(code);
}

const char* LibraryName() { return OpenSSL_version(OPENSSL_VERSION); }

Stream::Stream(SslPtr ssl, std::shared_ptr<const void> keeps)
    : ssl_(std::move(ssl)), keeps_(std::move(keeps)) {
  BIO* const bio = BIO_new(MemoryBio::Method());
  HALLEY_ASSERT(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

Stream::~Stream() = default;

ReadOutcome Stream::Read(std::string_view* cipher, char* to, size_t room, size_t* bytes,
                         std::string* out) {
  *bytes = 0;
  if (failed_) return ReadOutcome::kFailed;
  in_ = *cipher;
  out_ = out;
  ReadOutcome outcome = ReadOutcome::kFull;
  if (open_ || Shake(&outcome)) {
    while (*bytes < room) {
      size_t read = 0;
      ERR_clear_error();
      const int result = SSL_read_ex(ssl_.get(), to + *bytes, room - *bytes, &read);
      *bytes += read;
      if (result == 1) continue;
      outcome = OutcomeOf(result);
      break;
    }
  }
  *cipher = std::exchange(in_, {});
  out_ = nullptr;
  return outcome;
}

bool Stream::Shake(ReadOutcome* outcome) {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) {
    *outcome = OutcomeOf(result);
    return false;
  }
  open_ = true;
  keeps_.reset();
  return true;
}

ReadOutcome Stream::OutcomeOf(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return ReadOutcome::kMore;
    case SSL_ERROR_ZERO_RETURN: return ReadOutcome::kEnd;
    default: break;
  }
  error_ = TakeOpensslError();
  failed_ = true;
  return ReadOutcome::kFailed;
}

bool Stream::resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

bool Stream::Write(std::string_view plain, std::string* out) {
  HALLEY_ASSERT(open_);
  if (failed_ || closed_) return false;
  if (plain.empty()) return true;
  out_ = out;
  size_t written = 0;
  ERR_clear_error();
  const int result = SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written);
  out_ = nullptr;
  if (result == 1) {
    HALLEY_ASSERT(written == plain.size());
    return true;
  }
  error_ = TakeOpensslError();
  failed_ = true;
  return false;
}

void Stream::Close(std::string* out) {
  if (!open_ || failed_ || std::exchange(closed_, true)) return;
  out_ = out;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  out_ = nullptr;
  ERR_clear_error();
}

}  // namespace halley::tls
