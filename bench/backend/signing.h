// Makes tokens, for benchmarks and tests: good ones, and those that nobody should make.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

namespace halley::backend::testing {

std::string Base64Url(std::string_view bytes);

inline constexpr std::string_view kSecret = "a secret of thirty-two bytes ...";

// One pair of keys per kind and program.
enum class Pair { kRsa, kRsaSmall, kP256, kP384, kEd25519, kEd448 };
EVP_PKEY* KeyOf(Pair pair);
std::string PublicPem(Pair pair);
std::string PrivatePem(Pair pair);
// A member of a key set; `more` is added to it: R"(,"kid":"1")".
std::string Jwk(Pair pair, std::string_view more = "");
std::string SecretJwk(std::string_view secret, std::string_view more = "");

std::string Hmac(std::string_view secret, std::string_view text);
// As JWS writes it: of P-256 the two numbers, not DER.
std::string Signature(Pair pair, std::string_view text);

std::string Unsigned(std::string_view header, std::string_view payload);  // "a.b"
std::string WithSecret(std::string_view payload, std::string_view header = R"({"alg":"HS256"})",
                       std::string_view secret = kSecret);
std::string WithKey(Pair pair, std::string_view header, std::string_view payload);

}  // namespace halley::backend::testing
