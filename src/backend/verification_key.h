// VerificationKey: what a signature is checked with: a secret, or the public half of a pair.
//
// A key is for one algorithm, which follows from what it is; a token's header cannot choose another
// for it. So nobody can sign with a public key as if it were a secret (RFC 8725 2.1, 3.1).
//
// Source     RFC 7518 3 (HS256, RS256, ES256), RFC 8037 3.1 (EdDSA, with Ed25519 alone).
// Threads    Immutable; any number of threads may verify with one.
// Errors     One sentence of cause and cure, to stand behind the name of the file.
// Limits     Secrets of 32 bytes and more (RFC 7518 3.2), RSA of 2048 to 8192 bits, P-256.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

struct evp_pkey_st;

namespace halley::backend {

enum class SigningAlgorithm : uint8_t { kHs256, kRs256, kEs256, kEdDsa };

// By the value of `alg` (RFC 7515 4.1.1), letter for letter. Nullopt: none that is taken.
std::optional<SigningAlgorithm> SigningAlgorithmNamed(std::string_view name);

struct PublicKeyDeleter {
  void operator()(evp_pkey_st* key) const;
};
using PublicKey = std::unique_ptr<evp_pkey_st, PublicKeyDeleter>;

class VerificationKey {
 public:
  static constexpr size_t kSecretBytesMin = 32;
  static constexpr int kRsaBitsMin = 2048;
  static constexpr int kRsaBitsMax = 8192;

  // `id`: the key's `kid`; empty: it has none.
  static absl::StatusOr<VerificationKey> OfSecret(std::string_view secret, std::string_view id);
  static absl::StatusOr<VerificationKey> OfPublicKey(PublicKey key, std::string_view id);
  // One public key ("BEGIN PUBLIC KEY"), which has no id.
  static absl::StatusOr<VerificationKey> OfPem(std::string_view text);

  SigningAlgorithm algorithm() const { return algorithm_; }
  const std::string& id() const { return id_; }

  // Whether `signature`, as JWS writes it, is this key's over `text`.
  bool Verify(std::string_view text, std::string_view signature) const;

 private:
  VerificationKey(SigningAlgorithm algorithm, std::string_view id)
      : algorithm_(algorithm), id_(id) {}

  SigningAlgorithm algorithm_;
  std::string id_;
  std::string secret_;    // of kHs256
  PublicKey public_key_;  // of the others
};

}  // namespace halley::backend
