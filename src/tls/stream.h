// Stream: one TLS connection, sans-IO: ciphertext in, plaintext out, and back. OpenSSL does the
// work; it sees memory only, lent for the call, and holds buffers of its own only while a record is
// on its way in or out.
//
// Source     RFC 8446 (1.3), RFC 5246 (1.2).
// Threads    One at a time; may move between threads.
// Ownership  Borrows bytes for the call. Keeps its context (server.h, client.h) alive.
// Errors     The reason of a failure is a sentence, in error().
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/types/span.h"

struct ssl_st;

namespace halley::tls {

// Plaintext of one record.
inline constexpr size_t kRecordBytesMax = 16384;

struct SslDeleter {
  void operator()(ssl_st* ssl) const;
};
using SslPtr = std::unique_ptr<ssl_st, SslDeleter>;

enum class ReadOutcome : uint8_t {
  kMore,    // all ciphertext was used; nothing more without more of it
  kFull,    // the room for plaintext is used up; there may be more, even without ciphertext
  kEnd,     // the peer has said that it sends nothing more
  kFailed,  // the connection is over; what was appended for the peer says why
};

class Stream {
 public:
  // `keeps` is held until the handshake is over.
  Stream(SslPtr ssl, std::shared_ptr<const void> keeps);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  // Takes ciphertext off the front of `*cipher` and writes plaintext to `to`; `*bytes` says how
  // much. What the peer must be sent for it (the handshake, an alert) is appended to `*out`. The
  // first call of a client is with no ciphertext.
  ReadOutcome Read(std::string_view* cipher, char* to, size_t room, size_t* bytes,
                   std::string* out);

  // The handshake is over: Write() may be called.
  bool open() const { return open_; }
  // It took up an earlier session: no certificate was shown.
  bool resumed() const;
  // Appends `plain` to `*out` as records. False: the connection is over.
  bool Write(std::string_view plain, std::string* out);
  // Appends the last words; nothing may be written behind them. Before the handshake is over there
  // are none.
  void Close(std::string* out);

  bool failed() const { return failed_; }
  // Of a stream that failed.
  const std::string& error() const { return error_; }
  ssl_st* ssl() { return ssl_.get(); }

 private:
  friend struct MemoryBio;

  // True: go on. Otherwise `*outcome` says what the call comes to.
  bool Shake(ReadOutcome* outcome);
  ReadOutcome OutcomeOf(int result);

  SslPtr ssl_;
  std::shared_ptr<const void> keeps_;
  std::string_view in_;         // during Read(): what is left of the ciphertext
  std::string* out_ = nullptr;  // during a call: where ciphertext goes
  std::string error_;
  bool open_ = false;
  bool failed_ = false;
  bool closed_ = false;  // by us
};

// what OpenSSL says went wrong first on this thread, without its numbers; clears it.
std::string TakeOpensslError();
// "OpenSSL 3.0.19 ...".
const char* LibraryName();

}  // namespace halley::tls
