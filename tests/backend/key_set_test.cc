#include "backend/key_set.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "backend/signing.h"
#include "config/temp_file.h"

namespace halley::backend {
namespace {

using testing::Pair;

std::string WhyNot(const config::JwtOptions& options) {
  const auto keys = KeySet::Load(options);
  return keys.ok() ? std::string() : std::string(keys.status().message());
}

JwtFault Verify(const KeySet& keys, Pair pair, SigningAlgorithm algorithm, const char* id) {
  return keys.Verify(algorithm, id, "text", testing::Signature(pair, "text"));
}

TEST(KeySet, LoadsAllThatIsNamed) {
  const config::TempFile secret(std::string(testing::kSecret) + "\n");
  const config::TempFile rsa(testing::PublicPem(Pair::kRsa));
  const config::TempFile p256(testing::PublicPem(Pair::kP256));
  const config::TempFile set(R"({"keys":[)" + testing::Jwk(Pair::kEd25519, R"(,"kid":"1")") + "]}");
  config::JwtOptions options;
  options.secret_file = secret.path();
  options.keys = rsa.path() + ", " + p256.path();
  options.jwks_file = set.path();
  const auto keys = KeySet::Load(options);
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_EQ((*keys)->size(), 4u);
  EXPECT_EQ((*keys)->Verify(SigningAlgorithm::kHs256, "", "text",
                            testing::Hmac(testing::kSecret, "text")),
            JwtFault::kNone) << "without the newline at the file's end";
  // Keys of PEM files have no id, so they may be any.
  EXPECT_EQ(Verify(**keys, Pair::kRsa, SigningAlgorithm::kRs256, "any"), JwtFault::kNone);
  EXPECT_EQ(Verify(**keys, Pair::kP256, SigningAlgorithm::kEs256, ""), JwtFault::kNone);
  EXPECT_EQ(Verify(**keys, Pair::kEd25519, SigningAlgorithm::kEdDsa, "1"), JwtFault::kNone);
  EXPECT_EQ(Verify(**keys, Pair::kEd25519, SigningAlgorithm::kEdDsa, ""), JwtFault::kNone);
  EXPECT_EQ(Verify(**keys, Pair::kEd25519, SigningAlgorithm::kEdDsa, "2"), JwtFault::kUnknownKey);
}

// RFC 8725 2.1: the key decides, not the token.
TEST(KeySet, HoldsAKeyToItsAlgorithm) {
  const std::string pem = testing::PublicPem(Pair::kRsa);
  const config::TempFile file(pem);
  config::JwtOptions options;
  options.keys = file.path();
  const auto keys = KeySet::Load(options);
  ASSERT_TRUE(keys.ok()) << keys.status();
  for (const std::string& secret : {pem, pem.substr(0, pem.size() - 1), std::string()}) {
    EXPECT_EQ((*keys)->Verify(SigningAlgorithm::kHs256, "", "text", testing::Hmac(secret, "text")),
              JwtFault::kUnknownKey);
  }
  EXPECT_EQ(Verify(**keys, Pair::kP256, SigningAlgorithm::kEs256, ""), JwtFault::kUnknownKey);
  EXPECT_EQ(Verify(**keys, Pair::kP256, SigningAlgorithm::kRs256, ""), JwtFault::kBadSignature);
}

TEST(KeySet, TellsWhichFileIsNoGood) {
  config::JwtOptions options;
  EXPECT_NE(WhyNot(options).find("jwt.secret_file"), std::string::npos);
  options.secret = "short";
  EXPECT_EQ(WhyNot(options), "jwt.secret: a secret of 5 bytes can be guessed: use 32 or more");
  options.secret_file = "/nowhere/secret";
  EXPECT_EQ(WhyNot(options), "jwt.secret_file: cannot read '/nowhere/secret': No such file or "
                             "directory, name a readable file");
  const config::TempFile empty("");
  options = {};
  options.keys = empty.path();
  EXPECT_EQ(WhyNot(options).find("jwt.keys: '" + empty.path() + "': it is no public key"), 0u);
  options = {};
  options.jwks_file = empty.path();
  EXPECT_EQ(WhyNot(options).find("jwt.jwks_file: '" + empty.path() + "': it is no set"), 0u);
}

TEST(KeySet, HoldsItsLimit) {
  const auto set = [](size_t count) {
    std::string text = R"({"keys":[)";
    for (size_t i = 0; i < count; ++i) {
      text += (i == 0 ? "" : ",") + testing::SecretJwk(std::string(32, static_cast<char>('a' + i)));
    }
    return text + "]}";
  };
  config::JwtOptions options;
  const config::TempFile most(set(KeySet::kKeysMax));
  options.jwks_file = most.path();
  EXPECT_EQ(WhyNot(options), "");
  const config::TempFile more(set(KeySet::kKeysMax + 1));
  options.jwks_file = more.path();
  EXPECT_NE(WhyNot(options), "");
}

TEST(KeyStore, KeepsTheOldSetUntilTheNewOneIsGoodAsAWhole) {
  config::TempFile rsa(testing::PublicPem(Pair::kRsa));
  config::TempFile p256(testing::PublicPem(Pair::kP256));
  config::JwtOptions options;
  options.keys = rsa.path() + "," + p256.path();
  const auto store = KeyStore::Create(options);
  ASSERT_TRUE(store.ok()) << store.status();
  const std::shared_ptr<const KeySet> before = (*store)->keys();
  rsa.Write(testing::PublicPem(Pair::kEd25519));
  p256.Write("broken");
  EXPECT_FALSE((*store)->Reload().ok());
  EXPECT_EQ((*store)->keys(), before);
  p256.Write(testing::PublicPem(Pair::kP256));
  EXPECT_TRUE((*store)->Reload().ok());
  EXPECT_EQ(Verify(*(*store)->keys(), Pair::kEd25519, SigningAlgorithm::kEdDsa, ""),
            JwtFault::kNone);
  EXPECT_EQ(Verify(*(*store)->keys(), Pair::kRsa, SigningAlgorithm::kRs256, ""),
            JwtFault::kUnknownKey);
  EXPECT_EQ(Verify(*before, Pair::kRsa, SigningAlgorithm::kRs256, ""), JwtFault::kNone)
      << "who had begun with the old set goes on with it";
}

std::string SetOf(const std::vector<std::string>& keys) {
  std::string text = R"({"keys":[)";
  for (size_t i = 0; i < keys.size(); ++i) text += (i == 0 ? "" : ",") + keys[i];
  return text + "]}";
}

TEST(KeyStore, PutsWhatIsFetchedBesideTheFiles) {
  config::TempFile rsa(testing::PublicPem(Pair::kRsa));
  config::JwtOptions options;
  options.keys = rsa.path();
  options.jwks_url = "https://x";
  const auto store = KeyStore::Create(options);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((*store)->keys()->size(), 1u);
  ASSERT_TRUE((*store)->TakeJwks(SetOf({testing::Jwk(Pair::kEd25519, R"(,"kid":"1")")})).ok());
  EXPECT_EQ((*store)->keys()->size(), 2u);
  EXPECT_TRUE((*store)->keys()->HasId("1"));
  EXPECT_FALSE((*store)->keys()->HasId("2"));
  // The next one takes the place of the last, and not of the files.
  ASSERT_TRUE((*store)->TakeJwks(SetOf({testing::Jwk(Pair::kP256, R"(,"kid":"2")")})).ok());
  EXPECT_EQ((*store)->keys()->size(), 2u);
  EXPECT_FALSE((*store)->keys()->HasId("1"));
  EXPECT_EQ(Verify(*(*store)->keys(), Pair::kRsa, SigningAlgorithm::kRs256, "any"), JwtFault::kNone);
  // And files that are read again do not take its place either.
  rsa.Write(testing::PublicPem(Pair::kEd25519));
  ASSERT_TRUE((*store)->Reload().ok());
  EXPECT_EQ(Verify(*(*store)->keys(), Pair::kP256, SigningAlgorithm::kEs256, "2"), JwtFault::kNone);
  EXPECT_EQ(Verify(*(*store)->keys(), Pair::kEd25519, SigningAlgorithm::kEdDsa, ""), JwtFault::kNone);
}

TEST(KeyStore, KeepsWhatWasFetchedUntilTheNextIsGoodAsAWhole) {
  config::JwtOptions options;
  options.jwks_url = "https://x";
  const auto store = KeyStore::Create(options);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((*store)->keys()->size(), 0u);
  EXPECT_EQ(Verify(*(*store)->keys(), Pair::kRsa, SigningAlgorithm::kRs256, ""),
            JwtFault::kUnknownKey);
  const std::string ed = testing::Jwk(Pair::kEd25519, R"(,"kid":"1")");
  ASSERT_TRUE((*store)->TakeJwks(SetOf({ed})).ok());
  const std::shared_ptr<const KeySet> good = (*store)->keys();
  std::vector<std::string> many(KeySet::kKeysMax + 1, ed);
  for (const std::string& bad :
       {std::string(), std::string("<html>"), std::string("{}"), SetOf({}), SetOf({ed, R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})"}),
        SetOf({ed}) + "x", SetOf({ed, testing::SecretJwk(testing::kSecret)}), SetOf(many),
        SetOf({R"({"kty":"RSA","use":"enc"})"})}) {
    const absl::Status taken = (*store)->TakeJwks(bad);
    EXPECT_FALSE(taken.ok()) << bad;
    EXPECT_EQ((*store)->keys(), good) << bad;
  }
  many.pop_back();
  EXPECT_TRUE((*store)->TakeJwks(SetOf(many)).ok());
}

TEST(KeyStore, RemembersThatAKeyWasMissed) {
  config::JwtOptions options;
  options.secret = testing::kSecret;
  const auto store = KeyStore::Create(options);
  ASSERT_TRUE(store.ok());
  EXPECT_FALSE((*store)->TakeMissedKey());
  (*store)->MissKey();
  (*store)->MissKey();
  EXPECT_TRUE((*store)->TakeMissedKey());
  EXPECT_FALSE((*store)->TakeMissedKey());
}

}  // namespace
}  // namespace halley::backend
