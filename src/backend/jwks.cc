#include "backend/jwks.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "backend/base64url.h"
#include "backend/json_object.h"
#include "base/assert.h"

namespace halley::backend {
namespace {

using simdjson::dom::object;

constexpr size_t kCoordinateBytes = 32;  // of P-256 and Ed25519

absl::Status Broken(const char* what) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, ": write a JSON Web Key Set, {\"keys\": [...]} (RFC 7517)"));
}

struct Free {
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(OSSL_PARAM_BLD* build) const { OSSL_PARAM_BLD_free(build); }
  void operator()(OSSL_PARAM* params) const { OSSL_PARAM_free(params); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

// Null: OpenSSL finds that they are no key of that kind, or not one on its curve.
PublicKey FromParams(const char* kind, OSSL_PARAM_BLD* build) {
  const Owned<OSSL_PARAM> params(OSSL_PARAM_BLD_to_param(build));
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  HALLEY_ASSERT(params != nullptr && context != nullptr);
  EVP_PKEY* raw = nullptr;
  HALLEY_ASSERT(EVP_PKEY_fromdata_init(context.get()) == 1);
  const bool made = EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_PUBLIC_KEY, params.get()) == 1;
  PublicKey key(raw);
  const Owned<EVP_PKEY_CTX> check(made ? EVP_PKEY_CTX_new(raw, nullptr) : nullptr);
  const bool good = check != nullptr && EVP_PKEY_public_check(check.get()) == 1;
  ERR_clear_error();
  return good ? std::move(key) : nullptr;
}

// False: the member is absent, or not canonical.
bool ReadBytes(object jwk, const char* name, std::string* bytes) {
  std::string_view text;
  return ReadText(jwk, name, &text) && !text.empty() && DecodeBase64Url(text, bytes);
}

Owned<BIGNUM> NumberOf(const std::string& bytes) {
  return Owned<BIGNUM>(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                                 static_cast<int>(bytes.size()), nullptr));
}

PublicKey ReadRsa(object jwk) {
  std::string n, e;
  // The length first: what is larger than any key that is taken costs nothing.
  if (!ReadBytes(jwk, "n", &n) || !ReadBytes(jwk, "e", &e)) return nullptr;
  if (n.size() > VerificationKey::kRsaBitsMax / 8 || e.size() > sizeof(uint64_t)) return nullptr;
  const Owned<BIGNUM> modulus = NumberOf(n);
  const Owned<BIGNUM> exponent = NumberOf(e);
  const Owned<OSSL_PARAM_BLD> build(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return FromParams("RSA", build.get());
}

PublicKey ReadEc(object jwk) {
  std::string x, y;
  if (!ReadBytes(jwk, "x", &x) || !ReadBytes(jwk, "y", &y)) return nullptr;
  if (x.size() != kCoordinateBytes || y.size() != kCoordinateBytes) return nullptr;
  const std::string point = "\x04" + x + y;  // uncompressed (SEC 1 2.3.3)
  const Owned<OSSL_PARAM_BLD> build(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  return FromParams("EC", build.get());
}

PublicKey ReadOkp(object jwk) {
  std::string x;
  if (!ReadBytes(jwk, "x", &x) || x.size() != kCoordinateBytes) return nullptr;
  return PublicKey(EVP_PKEY_new_raw_public_key(
      EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(x.data()), x.size()));
}

// The algorithm that `kty` and `crv` stand for here. Nullopt: none.
std::optional<SigningAlgorithm> AlgorithmFor(std::string_view kind, std::string_view curve) {
  if (kind == "oct") return SigningAlgorithm::kHs256;
  if (kind == "RSA") return SigningAlgorithm::kRs256;
  if (kind == "EC" && curve == "P-256") return SigningAlgorithm::kEs256;
  if (kind == "OKP" && curve == "Ed25519") return SigningAlgorithm::kEdDsa;
  return std::nullopt;
}

bool MayVerify(object jwk) {
  simdjson::dom::array operations;
  if (jwk.at_key("key_ops").get(operations) != simdjson::SUCCESS) return true;
  for (const simdjson::dom::element operation : operations) {
    std::string_view name;
    if (operation.get(name) == simdjson::SUCCESS && name == "verify") return true;
  }
  return false;
}

absl::StatusOr<VerificationKey> KeyOf(SigningAlgorithm algorithm, object jwk,
                                      std::string_view id) {
  if (algorithm == SigningAlgorithm::kHs256) {
    std::string secret;
    if (!ReadBytes(jwk, "k", &secret)) return Broken("a secret key is broken");
    return VerificationKey::OfSecret(secret, id);
  }
  std::string_view private_part;
  if (!ReadText(jwk, "d", &private_part) || !private_part.empty()) {
    return absl::InvalidArgumentError(
        "a private key is in the set: give the gateway the public ones only");
  }
  PublicKey key;
  if (algorithm == SigningAlgorithm::kRs256) key = ReadRsa(jwk);
  if (algorithm == SigningAlgorithm::kEs256) key = ReadEc(jwk);
  if (algorithm == SigningAlgorithm::kEdDsa) key = ReadOkp(jwk);
  if (key == nullptr) return Broken("a public key is broken");
  return VerificationKey::OfPublicKey(std::move(key), id);
}

// Appends the key, when it is one of ours.
absl::Status ReadJwk(simdjson::dom::element item, std::vector<VerificationKey>* keys) {
  object jwk;
  if (item.get(jwk) != simdjson::SUCCESS) return Broken("a key is no object");
  if (!NamesDiffer(jwk)) return Broken("a key has a member twice");
  std::string_view kind, curve, use, name, id;
  if (!ReadText(jwk, "kty", &kind) || !ReadText(jwk, "crv", &curve) ||
      !ReadText(jwk, "use", &use) || !ReadText(jwk, "alg", &name) || !ReadText(jwk, "kid", &id)) {
    return Broken("a key has a member that should be text");
  }
  const std::optional<SigningAlgorithm> algorithm = AlgorithmFor(kind, curve);
  if (!algorithm.has_value() || !(use.empty() || use == "sig") || !MayVerify(jwk)) {
    return absl::OkStatus();
  }
  if (!name.empty() && SigningAlgorithmNamed(name) != algorithm) return absl::OkStatus();
  absl::StatusOr<VerificationKey> key = KeyOf(*algorithm, jwk, id);
  if (!key.ok()) return key.status();
  keys->push_back(*std::move(key));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<VerificationKey>> ParseJwks(std::string_view text) {
  simdjson::dom::parser parser;
  PrepareJsonParser(&parser);
  const std::optional<object> set = ParseUniqueObject(&parser, text);
  simdjson::dom::array list;
  if (!set.has_value() || set->at_key("keys").get(list) != simdjson::SUCCESS) {
    return Broken("it is no set of keys");
  }
  if (list.size() > kJwksKeysMax) return Broken("it has too many keys");
  std::vector<VerificationKey> keys;
  for (const simdjson::dom::element item : list) {
    if (absl::Status read = ReadJwk(item, &keys); !read.ok()) return read;
  }
  return keys;
}

}  // namespace halley::backend
