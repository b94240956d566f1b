#include "backend/verification_key.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backend/base64url.h"
#include "backend/jwks.h"
#include "backend/signing.h"

namespace halley::backend {
namespace {

using testing::Pair;

// One signature from a standard: the key as the standard prints it.
struct Vector {
  const char* source;
  SigningAlgorithm algorithm;
  const char* jwk;
  const char* text;
  const char* signature;
};

constexpr char kJoe[] =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

const Vector kVectors[] = {
    {"RFC 7515 A.1, RFC 7519 3.1", SigningAlgorithm::kHs256,
     R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})",
     "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
    {"RFC 7515 A.2", SigningAlgorithm::kRs256,
     R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"})",
     "eyJhbGciOiJSUzI1NiJ9",
     "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"},
    {"RFC 7515 A.3", SigningAlgorithm::kEs256,
     R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})",
     "eyJhbGciOiJFUzI1NiJ9",
     "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
    {"RFC 8037 A.4", SigningAlgorithm::kEdDsa,
     R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
     "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
};

std::string TextOf(const Vector& vector) {
  const std::string text = vector.text;
  return text.find('.') == std::string::npos ? text + '.' + kJoe : text;
}

std::string Decoded(std::string_view text) {
  std::string bytes;
  EXPECT_TRUE(DecodeBase64Url(text, &bytes)) << text;
  return bytes;
}

std::vector<VerificationKey> KeysOf(const std::string& jwk) {
  absl::StatusOr<std::vector<VerificationKey>> keys = ParseJwks(R"({"keys":[)" + jwk + "]}");
  EXPECT_TRUE(keys.ok()) << keys.status();
  return keys.ok() ? *std::move(keys) : std::vector<VerificationKey>();
}

TEST(VerificationKey, TakesTheSignaturesOfTheStandards) {
  for (const Vector& vector : kVectors) {
    SCOPED_TRACE(vector.source);
    const std::vector<VerificationKey> keys = KeysOf(vector.jwk);
    ASSERT_EQ(keys.size(), 1u);
    EXPECT_EQ(keys[0].algorithm(), vector.algorithm);
    EXPECT_TRUE(keys[0].Verify(TextOf(vector), Decoded(vector.signature)));
  }
}

TEST(VerificationKey, TakesNoOther) {
  for (const Vector& vector : kVectors) {
    SCOPED_TRACE(vector.source);
    const std::vector<VerificationKey> keys = KeysOf(vector.jwk);
    ASSERT_EQ(keys.size(), 1u);
    const std::string text = TextOf(vector);
    const std::string signature = Decoded(vector.signature);
    for (size_t i = 0; i < signature.size(); ++i) {
      std::string wrong = signature;
      wrong[i] = static_cast<char>(wrong[i] ^ 1);
      EXPECT_FALSE(keys[0].Verify(text, wrong)) << "bit 0 of byte " << i;
      EXPECT_FALSE(keys[0].Verify(text, signature.substr(0, i))) << "cut at " << i;
    }
    EXPECT_FALSE(keys[0].Verify(text, signature + '\0'));
    EXPECT_FALSE(keys[0].Verify(text, signature + signature));
    EXPECT_FALSE(keys[0].Verify(text + ' ', signature));
    EXPECT_FALSE(keys[0].Verify(text, std::string(signature.size(), '\0')));
    for (const Vector& other : kVectors) {
      if (other.algorithm != vector.algorithm) {
        EXPECT_FALSE(keys[0].Verify(text, Decoded(other.signature))) << other.source;
      }
    }
  }
}

// RFC 7518 3.4: R and S, each of 32 bytes, and nothing that OpenSSL would take besides.
TEST(VerificationKey, TakesEs256InNoOtherForm) {
  const VerificationKey key = std::move(KeysOf(testing::Jwk(Pair::kP256)).front());
  const std::string text = "text";
  const std::string signature = testing::Signature(Pair::kP256, text);
  EXPECT_TRUE(key.Verify(text, signature));
  EXPECT_FALSE(key.Verify(text, std::string(1, '\0') + signature));
  EXPECT_FALSE(key.Verify(text, std::string(32, '\0') + signature.substr(32)));
  EXPECT_FALSE(key.Verify(text, signature.substr(0, 32) + std::string(32, '\0')));
  EXPECT_FALSE(key.Verify(text, std::string(64, '\xff')));
}

TEST(VerificationKey, ReadsPems) {
  const std::pair<Pair, SigningAlgorithm> pairs[] = {{Pair::kRsa, SigningAlgorithm::kRs256},
                                                     {Pair::kP256, SigningAlgorithm::kEs256},
                                                     {Pair::kEd25519, SigningAlgorithm::kEdDsa}};
  for (const auto& [pair, algorithm] : pairs) {
    const absl::StatusOr<VerificationKey> key = VerificationKey::OfPem(testing::PublicPem(pair));
    ASSERT_TRUE(key.ok()) << key.status();
    EXPECT_EQ(key->algorithm(), algorithm);
    EXPECT_EQ(key->id(), "");
    EXPECT_TRUE(key->Verify("text", testing::Signature(pair, "text")));
    EXPECT_FALSE(key->Verify("text", testing::Signature(pair, "other")));
  }
}

TEST(VerificationKey, RefusesKeysThatAreNotGoodEnough) {
  const auto why = [](const std::string& pem) {
    const absl::StatusOr<VerificationKey> key = VerificationKey::OfPem(pem);
    return key.ok() ? std::string() : std::string(key.status().message());
  };
  EXPECT_NE(why(testing::PublicPem(Pair::kRsaSmall)).find("1024 bits: use"), std::string::npos);
  EXPECT_NE(why(testing::PublicPem(Pair::kP384)).find("use P-256"), std::string::npos);
  EXPECT_NE(why(testing::PublicPem(Pair::kEd448)).find("of a kind"), std::string::npos);
  EXPECT_NE(why(testing::PrivatePem(Pair::kRsa)).find("private"), std::string::npos);
  EXPECT_NE(why("").find("no public key"), std::string::npos);
  EXPECT_NE(why("-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n").find("no public"),
            std::string::npos);
  EXPECT_NE(why(testing::PublicPem(Pair::kP256) + testing::PublicPem(Pair::kRsa)).find("several"),
            std::string::npos);
}

// RFC 7518 3.2.
TEST(VerificationKey, RefusesSecretsThatCanBeGuessed) {
  EXPECT_FALSE(VerificationKey::OfSecret(std::string(31, 's'), "").ok());
  EXPECT_TRUE(VerificationKey::OfSecret(std::string(32, 's'), "").ok());
}

TEST(SigningAlgorithmNamed, KnowsNoneButItsOwn) {
  EXPECT_EQ(SigningAlgorithmNamed("HS256"), SigningAlgorithm::kHs256);
  EXPECT_EQ(SigningAlgorithmNamed("EdDSA"), SigningAlgorithm::kEdDsa);
  for (const std::string_view name :
       {"", "none", "None", "NONE", "nOnE", "hs256", "HS256 ", "HS384", "HS512", "RS384", "PS256",
        "ES384", "ES256K", "Ed25519", "eddsa"}) {
    EXPECT_EQ(SigningAlgorithmNamed(name), std::nullopt) << name;
  }
  EXPECT_EQ(SigningAlgorithmNamed(std::string_view("HS256\0", 6)), std::nullopt);
}

TEST(DecodeBase64Url, TakesTheCanonicalFormAlone) {
  std::string bytes;
  for (const std::string& each : {std::string(), std::string("f"), std::string("fo"),
                                  std::string("foo"), std::string("\xff\xfe\xfb\0", 4)}) {
    EXPECT_TRUE(DecodeBase64Url(testing::Base64Url(each), &bytes));
    EXPECT_EQ(bytes, each);
  }
  for (const std::string_view text : {"Zg==", "Zh", "Zm9=", "Zm9", "Zg=", "Z", "Zm9vZ", "Zm 9v",
                                      "Zm9v\n", " Zm9v", "__+_", "//8", "Zm9v.", "Zm\xc3\xa9v"}) {
    EXPECT_FALSE(DecodeBase64Url(text, &bytes)) << text;
  }
}

}  // namespace
}  // namespace halley::backend
