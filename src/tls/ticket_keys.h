// TicketKeys: what session tickets are sealed with, so that a client that comes back needs no full
// handshake, on whichever shard. The secrets rotate: a ticket can be opened for one to two
// periods after it was made, and nobody who learns the keys later reads what was said before.
//
// Source   RFC 5077 4, RFC 8446 4.6.1.
// Threads  Any.
#pragma once

#include <cstdint>
#include <mutex>

#include <openssl/types.h>

struct ssl_ctx_st;

namespace halley::tls {

class TicketKeys {
 public:
  // `period_s` > 0.
  explicit TicketKeys(uint32_t period_s);

  // Makes the context seal its tickets with these keys, which must outlive it.
  void Serve(ssl_ctx_st* context);
  // For tests: as if so much time had passed.
  void Age(uint64_t seconds);

 private:
  struct Key {
    unsigned char name[16];
    unsigned char cipher[32];
    unsigned char mac[32];
    uint64_t made_s = 0;
  };
  enum class Found : uint8_t { kNo, kCurrent, kPrevious };

  static int OnTicket(ssl_st* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                      EVP_MAC_CTX* mac, int sealing);
  Key Current();
  Found Find(const unsigned char* name, Key* key);
  void RotateIfDue();
  static Key NewKey(uint64_t now_s);
  uint64_t NowS() const;

  const uint32_t period_s_;
  std::mutex mutex_;
  Key current_;
  Key previous_;
  uint64_t aged_s_ = 0;
};

}  // namespace halley::tls
