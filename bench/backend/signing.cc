#include "backend/signing.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>

#include "absl/strings/escaping.h"
#include "base/assert.h"

namespace halley::backend::testing {
namespace {

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

EVP_PKEY* Make(Pair pair) {
  switch (pair) {
    case Pair::kRsa: return EVP_RSA_gen(2048);
    case Pair::kRsaSmall: return EVP_RSA_gen(1024);
    case Pair::kP256: return EVP_EC_gen("P-256");
    case Pair::kP384: return EVP_EC_gen("P-384");
    case Pair::kEd25519: return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    case Pair::kEd448: return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448");
  }
  return nullptr;
}

std::string TakeText(BIO* bio) {
  char* text = nullptr;
  const long bytes = BIO_get_mem_data(bio, &text);
  std::string taken(text, static_cast<size_t>(bytes));
  BIO_free(bio);
  return taken;
}

std::string Number(EVP_PKEY* key, const char* name, int bytes = 0) {
  BIGNUM* number = nullptr;
  HALLEY_ASSERT(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  std::string out(static_cast<size_t>(bytes == 0 ? BN_num_bytes(number) : bytes), '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
  BN_free(number);
  return out;
}

std::string FromDer(const std::string& der) {
  const unsigned char* at = Bytes(der);
  ECDSA_SIG* const pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  std::string out(64, '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(pair), to, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(pair), to + 32, 32);
  ECDSA_SIG_free(pair);
  return out;
}

}  // namespace

std::string Base64Url(std::string_view bytes) {
  return absl::WebSafeBase64Escape(absl::string_view(bytes.data(), bytes.size()));
}

EVP_PKEY* KeyOf(Pair pair) {
  static std::array<EVP_PKEY*, 6> keys{};
  EVP_PKEY*& key = keys[static_cast<size_t>(pair)];
  if (key == nullptr) key = Make(pair);
  HALLEY_ASSERT(key != nullptr);
  return key;
}

std::string PublicPem(Pair pair) {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, KeyOf(pair));
  return TakeText(bio);
}

std::string PrivatePem(Pair pair) {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, KeyOf(pair), nullptr, nullptr, 0, nullptr, nullptr);
  return TakeText(bio);
}

std::string Jwk(Pair pair, std::string_view more) {
  EVP_PKEY* const key = KeyOf(pair);
  std::string members;
  if (pair == Pair::kRsa || pair == Pair::kRsaSmall) {
    members = R"("kty":"RSA","n":")" + Base64Url(Number(key, OSSL_PKEY_PARAM_RSA_N)) +
              R"(","e":")" + Base64Url(Number(key, OSSL_PKEY_PARAM_RSA_E)) + '"';
  } else if (pair == Pair::kP256 || pair == Pair::kP384) {
    const bool p256 = pair == Pair::kP256;
    const int bytes = p256 ? 32 : 48;
    members = R"("kty":"EC","crv":")" + std::string(p256 ? "P-256" : "P-384") + R"(","x":")" +
              Base64Url(Number(key, OSSL_PKEY_PARAM_EC_PUB_X, bytes)) + R"(","y":")" +
              Base64Url(Number(key, OSSL_PKEY_PARAM_EC_PUB_Y, bytes)) + '"';
  } else {
    std::string raw(57, '\0');
    size_t bytes = raw.size();
    EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(raw.data()), &bytes);
    members = R"("kty":"OKP","crv":")" +
              std::string(pair == Pair::kEd25519 ? "Ed25519" : "Ed448") + R"(","x":")" +
              Base64Url(raw.substr(0, bytes)) + '"';
  }
  return '{' + members + std::string(more) + '}';
}

std::string SecretJwk(std::string_view secret, std::string_view more) {
  return R"({"kty":"oct","k":")" + Base64Url(secret) + '"' + std::string(more) + '}';
}

std::string Hmac(std::string_view secret, std::string_view text) {
  std::string mac(32, '\0');
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), Bytes(text), text.size(),
       reinterpret_cast<unsigned char*>(mac.data()), nullptr);
  return mac;
}

std::string Signature(Pair pair, std::string_view text) {
  const bool edwards = pair == Pair::kEd25519 || pair == Pair::kEd448;
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  std::string out(1024, '\0');
  size_t bytes = out.size();
  HALLEY_ASSERT(EVP_DigestSignInit(context, nullptr, edwards ? nullptr : EVP_sha256(), nullptr,
                                   KeyOf(pair)) == 1);
  HALLEY_ASSERT(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &bytes,
                               Bytes(text), text.size()) == 1);
  EVP_MD_CTX_free(context);
  out.resize(bytes);
  return pair == Pair::kP256 ? FromDer(out) : out;
}

std::string Unsigned(std::string_view header, std::string_view payload) {
  return Base64Url(header) + '.' + Base64Url(payload);
}

std::string WithSecret(std::string_view payload, std::string_view header,
                       std::string_view secret) {
  const std::string text = Unsigned(header, payload);
  return text + '.' + Base64Url(Hmac(secret, text));
}

std::string WithKey(Pair pair, std::string_view header, std::string_view payload) {
  const std::string text = Unsigned(header, payload);
  return text + '.' + Base64Url(Signature(pair, text));
}

}  // namespace halley::backend::testing
