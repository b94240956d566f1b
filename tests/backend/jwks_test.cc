#include "backend/jwks.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "backend/signing.h"

namespace halley::backend {
namespace {

using testing::Jwk;
using testing::Pair;
using testing::SecretJwk;

std::string Set(const std::vector<std::string>& keys) {
  std::string text = R"({"keys":[)";
  for (size_t i = 0; i < keys.size(); ++i) text += (i == 0 ? "" : ",") + keys[i];
  return text + "]}";
}

std::string WhyNot(const std::string& text) {
  const absl::StatusOr<std::vector<VerificationKey>> keys = ParseJwks(text);
  return keys.ok() ? std::string() : std::string(keys.status().message());
}

TEST(ParseJwks, ReadsEveryKindWithItsId) {
  const absl::StatusOr<std::vector<VerificationKey>> keys = ParseJwks(
      Set({Jwk(Pair::kRsa, R"(,"kid":"r","use":"sig","alg":"RS256","x5t":"ignored")"),
           Jwk(Pair::kP256, R"(,"kid":"e","key_ops":["verify"])"),
           Jwk(Pair::kEd25519, R"(,"kid":"ed")"),
           SecretJwk(testing::kSecret, R"(,"alg":"HS256")")}));
  ASSERT_TRUE(keys.ok()) << keys.status();
  ASSERT_EQ(keys->size(), 4u);
  EXPECT_EQ((*keys)[0].id(), "r");
  EXPECT_EQ((*keys)[0].algorithm(), SigningAlgorithm::kRs256);
  EXPECT_TRUE((*keys)[0].Verify("t", testing::Signature(Pair::kRsa, "t")));
  EXPECT_EQ((*keys)[1].id(), "e");
  EXPECT_TRUE((*keys)[1].Verify("t", testing::Signature(Pair::kP256, "t")));
  EXPECT_TRUE((*keys)[2].Verify("t", testing::Signature(Pair::kEd25519, "t")));
  EXPECT_EQ((*keys)[3].id(), "");
  EXPECT_TRUE((*keys)[3].Verify("t", testing::Hmac(testing::kSecret, "t")));
}

// RFC 7517 5: what is not understood is passed over.
TEST(ParseJwks, PassesOverKeysThatAreNotForUs) {
  const absl::StatusOr<std::vector<VerificationKey>> keys = ParseJwks(
      Set({Jwk(Pair::kP384), Jwk(Pair::kEd448), Jwk(Pair::kRsa, R"(,"use":"enc")"),
           Jwk(Pair::kRsa, R"(,"alg":"RS512")"), Jwk(Pair::kRsa, R"(,"alg":"HS256")"),
           Jwk(Pair::kRsa, R"(,"alg":"none")"), Jwk(Pair::kRsa, R"(,"key_ops":["encrypt"])"),
           R"({"kty":"new"})", R"({})", SecretJwk("short", R"(,"alg":"HS512")")}));
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_TRUE(keys->empty());
}

TEST(ParseJwks, RefusesASetWithAKeyOfOursThatIsNoGood) {
  const std::string rsa = R"({"kty":"RSA","e":"AQAB","n":")";
  const std::string ec = R"({"kty":"EC","crv":"P-256","x":")";
  const std::string zeros = testing::Base64Url(std::string(32, '\0'));
  for (const std::string& key :
       {Jwk(Pair::kRsaSmall), Jwk(Pair::kRsa, R"(,"d":"AQAB")"), Jwk(Pair::kEd25519, R"(,"d":"x")"),
        Jwk(Pair::kRsa, R"(,"d":7)"), Jwk(Pair::kRsa, R"(,"kid":7)"), Jwk(Pair::kRsa, R"(,"kty":"RSA")"),
        SecretJwk("too short to be a secret"), std::string(R"({"kty":"oct"})"),
        std::string(R"({"kty":"oct","k":"Zg=="})"), rsa + R"("})", rsa + R"(AQAB=="})",
        rsa + testing::Base64Url(std::string(1025, 'n')) + R"("})", std::string(R"({"kty":"RSA"})"),
        ec + zeros + R"(","y":")" + zeros + R"("})", ec + R"(AQ","y":"AQ"})",
        std::string(R"({"kty":"OKP","crv":"Ed25519","x":"AQ"})"), std::string("7"),
        std::string("null")}) {
    EXPECT_NE(WhyNot(Set({Jwk(Pair::kP256), key})), "") << key;
  }
}

TEST(ParseJwks, RefusesWhatIsNoSet) {
  for (const char* text : {"", "{", "[]", "{}", R"({"keys":{}})", R"({"keys":null})",
                           R"({"keys":[]} x)", R"({"keys":[],"keys":[]})"}) {
    EXPECT_NE(WhyNot(text), "") << text;
  }
  EXPECT_EQ(WhyNot(R"({"keys":[]})"), "");
}

TEST(ParseJwks, HoldsItsLimit) {
  EXPECT_EQ(WhyNot(Set(std::vector<std::string>(kJwksKeysMax, R"({"kty":"new"})"))), "");
  EXPECT_NE(WhyNot(Set(std::vector<std::string>(kJwksKeysMax + 1, R"({"kty":"new"})"))), "");
}

}  // namespace
}  // namespace halley::backend
