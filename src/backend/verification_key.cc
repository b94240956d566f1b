#include "backend/verification_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <array>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/assert.h"

namespace halley::backend {
namespace {

constexpr size_t kEs256SignatureBytes = 64;  // R and S (RFC 7518 3.4)
constexpr size_t kEs256DerBytesMax = 80;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

absl::Status Unusable(std::string_view why) {
  return absl::InvalidArgumentError(std::string(why));
}

bool VerifyHmac(const std::string& secret, std::string_view text, std::string_view signature) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac;
  unsigned int mac_bytes = 0;
  HALLEY_ASSERT(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), Bytes(text),
                     text.size(), mac.data(), &mac_bytes) != nullptr);
  // In a time that tells nothing of how much of it was right.
  return signature.size() == mac_bytes &&
         CRYPTO_memcmp(mac.data(), signature.data(), mac_bytes) == 0;
}

// OpenSSL wants R and S in DER. Empty: not the two numbers of 32 bytes that JWS has.
std::string_view ToDer(std::string_view signature, std::array<unsigned char, kEs256DerBytesMax>* der) {
  if (signature.size() != kEs256SignatureBytes) return {};
  constexpr int kHalf = kEs256SignatureBytes / 2;
  ECDSA_SIG* const pair = ECDSA_SIG_new();
  BIGNUM* const r = BN_bin2bn(Bytes(signature), kHalf, nullptr);
  BIGNUM* const s = BN_bin2bn(Bytes(signature) + kHalf, kHalf, nullptr);
  HALLEY_ASSERT(pair != nullptr && r != nullptr && s != nullptr);
  HALLEY_ASSERT(ECDSA_SIG_set0(pair, r, s) == 1);
  unsigned char* to = der->data();
  HALLEY_ASSERT(i2d_ECDSA_SIG(pair, nullptr) <= static_cast<int>(der->size()));
  const int bytes = i2d_ECDSA_SIG(pair, &to);
  ECDSA_SIG_free(pair);
  return {reinterpret_cast<const char*>(der->data()), static_cast<size_t>(bytes)};
}

// `digest`: null where the algorithm has its own.
bool VerifyPublic(EVP_PKEY* key, const EVP_MD* digest, std::string_view text,
                  std::string_view signature) {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  HALLEY_ASSERT(context != nullptr);
  const bool good =
      EVP_DigestVerifyInit(context, nullptr, digest, nullptr, key) == 1 &&
      EVP_DigestVerify(context, Bytes(signature), signature.size(), Bytes(text), text.size()) == 1;
  EVP_MD_CTX_free(context);
  if (!good) ERR_clear_error();
  return good;
}

absl::StatusOr<SigningAlgorithm> AlgorithmOf(const EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      if (bits < VerificationKey::kRsaBitsMin || bits > VerificationKey::kRsaBitsMax) {
        return Unusable(absl::StrCat("an RSA key has ", bits, " bits: use one of ",
                                     VerificationKey::kRsaBitsMin, " to ",
                                     VerificationKey::kRsaBitsMax));
      }
      return SigningAlgorithm::kRs256;
    case EVP_PKEY_EC: {
      char curve[64] = {};
      if (EVP_PKEY_get_group_name(key, curve, sizeof curve, nullptr) != 1 ||
          std::string_view(curve) != "prime256v1") {
        return Unusable("a key is on a curve that ES256 does not use: use P-256");
      }
      return SigningAlgorithm::kEs256;
    }
    case EVP_PKEY_ED25519: return SigningAlgorithm::kEdDsa;
    default: break;
  }
  return Unusable("a key is of a kind that is not taken: use RSA, P-256 or Ed25519");
}

}  // namespace

std::optional<SigningAlgorithm> SigningAlgorithmNamed(std::string_view name) {
  if (name == "HS256") return SigningAlgorithm::kHs256;
  if (name == "RS256") return SigningAlgorithm::kRs256;
  if (name == "ES256") return SigningAlgorithm::kEs256;
  if (name == "EdDSA") return SigningAlgorithm::kEdDsa;
  return std::nullopt;
}

void PublicKeyDeleter::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

absl::StatusOr<VerificationKey> VerificationKey::OfSecret(std::string_view secret,
                                                          std::string_view id) {
  if (secret.size() < kSecretBytesMin) {
    return Unusable(absl::StrCat("a secret of ", secret.size(), " bytes can be guessed: use ",
                                 kSecretBytesMin, " or more"));
  }
  VerificationKey key(SigningAlgorithm::kHs256, id);
  key.secret_ = secret;
  return key;
}

absl::StatusOr<VerificationKey> VerificationKey::OfPublicKey(PublicKey public_key,
                                                             std::string_view id) {
  const absl::StatusOr<SigningAlgorithm> algorithm = AlgorithmOf(public_key.get());
  if (!algorithm.ok()) return algorithm.status();
  VerificationKey key(*algorithm, id);
  key.public_key_ = std::move(public_key);
  return key;
}

absl::StatusOr<VerificationKey> VerificationKey::OfPem(std::string_view text) {
  const absl::string_view pem(text.data(), text.size());
  if (absl::StrContains(pem, "PRIVATE KEY")) {
    return Unusable("it holds a private key: give the gateway the public one only "
                    "(openssl pkey -in FILE -pubout)");
  }
  BIO* const bio = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
  HALLEY_ASSERT(bio != nullptr);
  PublicKey key(PEM_read_bio_PUBKEY(bio, nullptr, nullptr, nullptr));
  const PublicKey another(key == nullptr ? nullptr
                                         : PEM_read_bio_PUBKEY(bio, nullptr, nullptr, nullptr));
  BIO_free(bio);
  ERR_clear_error();
  if (key == nullptr) return Unusable("it is no public key in PEM (BEGIN PUBLIC KEY)");
  if (another != nullptr) return Unusable("it holds several keys: write each into its own file");
  return OfPublicKey(std::move(key), {});
}

bool VerificationKey::Verify(std::string_view text, std::string_view signature) const {
  switch (algorithm_) {
    case SigningAlgorithm::kHs256: return VerifyHmac(secret_, text, signature);
    case SigningAlgorithm::kRs256:
      return VerifyPublic(public_key_.get(), EVP_sha256(), text, signature);
    case SigningAlgorithm::kEs256: {
      std::array<unsigned char, kEs256DerBytesMax> der;
      const std::string_view in_der = ToDer(signature, &der);
      return !in_der.empty() && VerifyPublic(public_key_.get(), EVP_sha256(), text, in_der);
    }
    case SigningAlgorithm::kEdDsa:
      return VerifyPublic(public_key_.get(), nullptr, text, signature);
  }
  HALLEY_ASSERT(false);
}

}  // namespace halley::backend
