#include "tls/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <time.h>

#include <cstring>

#include "base/assert.h"

namespace halley::tls {
namespace {

// Where a context keeps the keys it serves.
int KeysIndex() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  HALLEY_ASSERT(index >= 0);
  return index;
}

bool Prepare(EVP_MAC_CTX* mac, unsigned char* secret, size_t bytes) {
  char digest[] = "SHA256";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret, bytes),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

}  // namespace

TicketKeys::TicketKeys(uint32_t period_s) : period_s_(period_s) {
  HALLEY_ASSERT(period_s > 0);
  current_ = NewKey(NowS());
  previous_ = NewKey(NowS());
}

void TicketKeys::Serve(ssl_ctx_st* context) {
  SSL_CTX_set_ex_data(context, KeysIndex(), this);
  HALLEY_ASSERT(SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &OnTicket) == 1);
  SSL_CTX_set_timeout(context, static_cast<long>(period_s_));
}

void TicketKeys::Age(uint64_t seconds) {
  const std::lock_guard lock(mutex_);
  aged_s_ += seconds;
}

// As OpenSSL asks (SSL_CTX_set_tlsext_ticket_key_evp_cb(3)): -1 is an error, 0 no such key, 1 done,
// 2 done and the ticket should be made anew.
int TicketKeys::OnTicket(ssl_st* ssl, unsigned char* name, unsigned char* iv,
                         EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int sealing) {
  // Of the context that the connection began with: a certificate's own serves the same keys.
  auto* const keys = static_cast<TicketKeys*>(
      SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), KeysIndex()));
  if (sealing != 0) {
    Key key = keys->Current();
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    std::memcpy(name, key.name, sizeof key.name);
    const bool ready =
        EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), key.cipher, iv, nullptr) == 1 &&
        Prepare(mac, key.mac, sizeof key.mac);
    return ready ? 1 : -1;
  }
  Key key;
  const Found found = keys->Find(name, &key);
  if (found == Found::kNo) return 0;
  if (EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), key.cipher, iv, nullptr) != 1 ||
      !Prepare(mac, key.mac, sizeof key.mac)) {
    return -1;
  }
  return found == Found::kCurrent ? 1 : 2;
}

TicketKeys::Key TicketKeys::Current() {
  const std::lock_guard lock(mutex_);
  RotateIfDue();
  return current_;
}

TicketKeys::Found TicketKeys::Find(const unsigned char* name, Key* key) {
  const std::lock_guard lock(mutex_);
  RotateIfDue();
  const bool current = std::memcmp(name, current_.name, sizeof current_.name) == 0;
  const bool previous = std::memcmp(name, previous_.name, sizeof previous_.name) == 0;
  if (!current && !previous) return Found::kNo;
  *key = current ? current_ : previous_;
  return current ? Found::kCurrent : Found::kPrevious;
}

void TicketKeys::RotateIfDue() {
  const uint64_t now_s = NowS();
  if (now_s - current_.made_s < period_s_) return;
  // One that nobody asked for during a whole period is not to be found any longer either.
  const bool forgotten = now_s - current_.made_s >= 2 * uint64_t{period_s_};
  previous_ = forgotten ? NewKey(now_s) : current_;
  current_ = NewKey(now_s);
}

TicketKeys::Key TicketKeys::NewKey(uint64_t now_s) {
  Key key;
  HALLEY_ASSERT(RAND_bytes(key.name, sizeof key.name) == 1);
  HALLEY_ASSERT(RAND_bytes(key.cipher, sizeof key.cipher) == 1);
  HALLEY_ASSERT(RAND_bytes(key.mac, sizeof key.mac) == 1);
  key.made_s = now_s;
  return key;
}

uint64_t TicketKeys::NowS() const {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) + aged_s_;
}

}  // namespace halley::tls
