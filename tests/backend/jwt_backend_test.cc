#include "backend/jwt_backend.h"

#include "backend/jwt_fixture.h"

namespace halley::backend {
namespace {

using testing::kNowS;
using testing::Pair;
using testing::WithKey;
using testing::WithSecret;
using JwtBackendTest = testing::JwtTest;

TEST_F(JwtBackendTest, BelievesASignedToken) {
  const ConnectReply reply = Login(
      WithSecret(Claims(R"("mid":123,"room_id":"live://1","accepts":[1000,1001])")));
  EXPECT_EQ(reply.verdict, ConnectVerdict::kAccepted);
  EXPECT_EQ(reply.key, "ann");
  EXPECT_EQ(reply.mid, 123);
  EXPECT_EQ(reply.room, "live://1");
  EXPECT_EQ(reply.accepts, std::vector<int32_t>({1000, 1001}));
}

TEST_F(JwtBackendTest, TakesEveryAlgorithm) {
  EXPECT_EQ(WhyNot(WithKey(Pair::kRsa, R"({"alg":"RS256","kid":"rsa","typ":"JWT"})", Claims())),
            "none");
  EXPECT_EQ(WhyNot(WithKey(Pair::kP256, R"({"alg":"ES256","typ":"at+jwt"})", Claims())), "none");
  EXPECT_EQ(WhyNot(WithKey(Pair::kEd25519, R"({"kid":"ed","alg":"EdDSA"})", Claims())), "none");
  EXPECT_EQ(WhyNot(WithSecret(Claims(), R"({"alg":"HS256","kid":"whatever"})")), "none");
}

TEST_F(JwtBackendTest, GivesAKeyToWhoHasNone) {
  const std::string token = WithSecret(R"({"exp":1800000060,"mid":7})");
  const ConnectReply one = Login(token);
  const ConnectReply two = Login(token);
  EXPECT_EQ(one.verdict, ConnectVerdict::kAccepted);
  EXPECT_EQ(one.key.size(), 36u);
  EXPECT_NE(one.key, two.key);
  EXPECT_EQ(one.mid, 7);
  EXPECT_EQ(Login(WithSecret(R"({"exp":1800000060,"sub":null})")).key.size(), 36u);
  EXPECT_EQ(Login(WithSecret(R"({"exp":1800000060,"sub":""})")).key.size(), 36u);
}

TEST_F(JwtBackendTest, CallsClaimsWhatItIsTold) {
  options_.key_claim = "https://example.com/device";
  options_.mid_claim = "sub";
  options_.room_claim = "r";
  options_.accepts_claim = "ops";
  const ConnectReply reply = Login(WithSecret(
      R"({"exp":1800000060,"sub":"42","https://example.com/device":"d1","r":"x","ops":[5],"mid":1})"));
  EXPECT_EQ(reply.key, "d1");
  EXPECT_EQ(reply.mid, 42) << "as text, since sub has to be text";
  EXPECT_EQ(reply.room, "x");
  EXPECT_EQ(reply.accepts, std::vector<int32_t>({5}));
}

TEST_F(JwtBackendTest, ReadsMidsToTheirLimits) {
  EXPECT_EQ(Login(WithSecret(Claims(R"("mid":9223372036854775807)"))).mid, INT64_MAX);
  EXPECT_EQ(Login(WithSecret(Claims(R"("mid":"-9223372036854775808")"))).mid, INT64_MIN);
  for (const char* mid : {"9223372036854775808", "\"9223372036854775808\"", "1.5", "true", "\"\"",
                          "\" 7\"", "\"+7\"", "\"07\"", "\"7x\"", "\"0x7\"", "[7]", "{}"}) {
    EXPECT_EQ(WhyNot(WithSecret(Claims(std::string(R"("mid":)") + mid))), "bad_claims") << mid;
  }
}

TEST_F(JwtBackendTest, TakesRoomAndOpsOfTheClientWhereTheTokenIsSilent) {
  const auto object = [](const std::string& token) {
    return R"( {"platform":"web","room_id":"mine","accepts":[7],"token":")" + token + R"("})";
  };
  ConnectReply reply = Login(object(WithSecret(Claims())));
  EXPECT_EQ(reply.verdict, ConnectVerdict::kAccepted);
  EXPECT_EQ(reply.key, "ann");
  EXPECT_EQ(reply.room, "mine");
  EXPECT_EQ(reply.accepts, std::vector<int32_t>({7}));
  reply = Login(object(WithSecret(Claims(R"("room_id":"its","accepts":[])"))));
  EXPECT_EQ(reply.room, "its");
  EXPECT_TRUE(reply.accepts.empty());
}

// As gopush-cluster's clients come, too: key and token apart, mid 0.
TEST_F(JwtBackendTest, TakesKeyAndMidFromTheTokenAlone) {
  const auto object = [](const char* claims, const std::string& token) {
    return std::string("{") + claims + R"(,"token":")" + token + R"("})";
  };
  const std::string ann = WithSecret(Claims(R"("mid":7)"));
  EXPECT_EQ(WhyNot(object(R"("key":"ann","mid":0)", ann)), "none");
  EXPECT_EQ(WhyNot(object(R"("key":"","mid":7)", ann)), "none");
  EXPECT_EQ(WhyNot(object(R"("key":"bob","mid":0)", ann)), "other_client");
  EXPECT_EQ(WhyNot(object(R"("key":"Ann")", ann)), "other_client");
  EXPECT_EQ(WhyNot(object(R"("mid":8)", ann)), "other_client");
  const std::string nobody = WithSecret(R"({"exp":1800000060})");
  EXPECT_EQ(WhyNot(object(R"("key":"ann")", nobody)), "other_client")
      << "a token that names no key is not good for any";
  EXPECT_EQ(WhyNot(object(R"("mid":7)", nobody)), "other_client");
}

TEST_F(JwtBackendTest, HoldsTimesToTheMillisecond) {
  options_.leeway_s = 0;
  const auto at = [this](int64_t now_ms, const std::string& claims) {
    now_ms_ = now_ms;
    return WhyNot(WithSecret(claims));
  };
  EXPECT_EQ(at(999'999, R"({"exp":1000})"), "none");
  EXPECT_EQ(at(1'000'000, R"({"exp":1000})"), "expired");
  EXPECT_EQ(at(1'000'499, R"({"exp":1000.5})"), "none");
  EXPECT_EQ(at(1'000'500, R"({"exp":1000.5})"), "expired");
  EXPECT_EQ(at(999'999, R"({"exp":2000,"nbf":1000})"), "not_yet");
  EXPECT_EQ(at(1'000'000, R"({"exp":2000,"nbf":1000})"), "none");
  EXPECT_EQ(at(999'999, R"({"exp":2000,"iat":1000})"), "not_yet");
  EXPECT_EQ(at(1'000'000, R"({"exp":2000,"iat":1000})"), "none");
}

TEST_F(JwtBackendTest, GivesLeewayBothWays) {
  options_.leeway_s = 10;
  const auto at = [this](int64_t now_ms, const std::string& claims) {
    now_ms_ = now_ms;
    return WhyNot(WithSecret(claims));
  };
  EXPECT_EQ(at(1'009'999, R"({"exp":1000})"), "none");
  EXPECT_EQ(at(1'010'000, R"({"exp":1000})"), "expired");
  EXPECT_EQ(at(990'000, R"({"exp":2000,"nbf":1000,"iat":1000})"), "none");
  EXPECT_EQ(at(989'999, R"({"exp":2000,"nbf":1000})"), "not_yet");
}

TEST_F(JwtBackendTest, SaysHowLongTheTokenHolds) {
  options_.leeway_s = 10;
  options_.require_exp = false;
  now_ms_ = 999'000;
  const auto left = [this](const std::string& claims) {
    return Login(WithSecret(claims)).expires_in_ms;
  };
  EXPECT_EQ(left(R"({"sub":"ann","exp":1000})"), 11'000u);
  EXPECT_EQ(left(R"({"sub":"ann","exp":989.001})"), 1u);
  EXPECT_EQ(left(R"({"sub":"ann"})"), 0u) << "for good";
}

TEST_F(JwtBackendTest, TakesANewTokenOfTheSameClient) {
  ASSERT_TRUE(backend().TakesRefreshes());
  uint64_t expires_in_ms = 0;
  const std::string later = WithSecret(Claims(R"("mid":7,"room_id":"x","accepts":[5])", kNowS + 600));
  EXPECT_EQ(WhyNoRefresh(later, "ann", 7, &expires_in_ms), "none");
  EXPECT_EQ(expires_in_ms, 605'000u);
  EXPECT_EQ(WhyNoRefresh(R"({"token":")" + later + R"("})", "ann", 7), "none");
  EXPECT_EQ(WhyNoRefresh(R"({"key":"ann","mid":7,"token":")" + later + R"("})", "ann", 7), "none");
  EXPECT_EQ(WhyNoRefresh(R"({"key":"bob","token":")" + later + R"("})", "ann", 7), "other_client");
}

TEST_F(JwtBackendTest, TakesNoNewTokenOfAnybodyElse) {
  const std::string ann = WithSecret(Claims(R"("mid":7)"));
  EXPECT_EQ(WhyNoRefresh(ann, "bob", 7), "refresh_other_client");
  EXPECT_EQ(WhyNoRefresh(ann, "Ann", 7), "refresh_other_client");
  EXPECT_EQ(WhyNoRefresh(ann, "ann", 8), "refresh_other_client");
  EXPECT_EQ(WhyNoRefresh(ann, "ann", 0), "refresh_other_client");
  EXPECT_EQ(WhyNoRefresh(WithSecret(Claims()), "ann", 7), "refresh_other_client");
  // Not even where the login had none either.
  const std::string nobody = WithSecret(R"({"exp":1800000060})");
  EXPECT_EQ(WhyNoRefresh(nobody, Login(nobody).key, 0), "refresh_other_client");
}

TEST_F(JwtBackendTest, RefusesNewTokensForWhatItRefusesLoginsFor) {
  uint64_t expires_in_ms = 1;
  EXPECT_EQ(WhyNoRefresh(WithSecret(Claims("", kNowS - 60)), "ann", 0, &expires_in_ms), "expired");
  EXPECT_EQ(expires_in_ms, 0u);
  EXPECT_EQ(WhyNoRefresh("", "ann", 0), "no_token");
  EXPECT_EQ(WhyNoRefresh("{}", "ann", 0), "no_token");
  EXPECT_EQ(WhyNoRefresh("a.b.c", "ann", 0), "bad_form");
  EXPECT_EQ(WhyNoRefresh(WithSecret(R"({"sub":"ann"})"), "ann", 0), "no_expiry");
  EXPECT_EQ(WhyNoRefresh(std::string(options_.token_bytes + 1, 'x'), "ann", 0), "too_big");
  const std::string good = WithSecret(Claims());
  EXPECT_EQ(WhyNoRefresh(good.substr(0, good.size() - 4) + "AAAA", "ann", 0), "bad_signature");
}

TEST_F(JwtBackendTest, TakesTheTokenOfACookieWhereTheLoginHasNone) {
  options_.cookie = "jwt";
  const std::string ann = "sid=1; jwt=" + WithSecret(Claims());
  const std::string bob = WithSecret(R"({"sub":"bob","exp":1800000060})");
  EXPECT_EQ(Login("", ann).key, "ann");
  EXPECT_EQ(Login(R"({"token":""})", ann).key, "ann");
  const ConnectReply reply = Login(R"({"mid":0,"key":"","room_id":"r","accepts":[7]})", ann);
  EXPECT_EQ(reply.key, "ann");
  EXPECT_EQ(reply.room, "r");
  EXPECT_EQ(reply.accepts, std::vector<int32_t>({7}));
  EXPECT_EQ(Login(bob, ann).key, "bob") << "what the login says counts first";
  EXPECT_EQ(Login(R"({"token":")" + bob + R"("})", ann).key, "bob");
  EXPECT_EQ(WhyNot(R"({"key":"bob"})", ann), "other_client");
  EXPECT_EQ(WhyNot("nonsense", ann), "bad_form") << "a bad token is no missing one";
  EXPECT_EQ(WhyNot("{nonsense", ann), "no_token");
  EXPECT_EQ(WhyNot("", "jwt=" + bob.substr(0, bob.size() - 4) + "AAAA"), "bad_signature");
  EXPECT_EQ(WhyNot("", "jwt=a.b.c; jwt=" + bob), "bad_form") << "the first of a name";
  EXPECT_EQ(WhyNot("", "JWT=" + bob), "no_token");
  EXPECT_EQ(WhyNot("", ""), "no_token");
  EXPECT_EQ(WhyNot("", "jwt=" + std::string(options_.token_bytes + 1, 'x')), "too_big");
}

TEST_F(JwtBackendTest, CookiesAreNoLoginsUnlessOneIsNamed) {
  EXPECT_EQ(WhyNot("", "jwt=" + WithSecret(Claims())), "no_token");
  EXPECT_EQ(WhyNot("", "=" + WithSecret(Claims())), "no_token");
}

// Only a name that is not there: a bad signature would bring nothing new.
TEST_F(JwtBackendTest, SaysWhenATokenNamesAKeyThatIsNotThere) {
  const auto missed = [this](const std::string& token) {
    (void)Login(token);
    return store().TakeMissedKey();
  };
  EXPECT_TRUE(missed(WithKey(Pair::kRsa, R"({"alg":"RS256","kid":"new"})", Claims())));
  EXPECT_TRUE(missed(WithKey(Pair::kRsa, R"({"alg":"ES256","kid":"new"})", Claims())));
  const std::string good = WithKey(Pair::kRsa, R"({"alg":"RS256","kid":"rsa"})", Claims());
  EXPECT_FALSE(missed(good));
  EXPECT_FALSE(missed(good.substr(0, good.size() - 4) + "AAAA"));
  EXPECT_FALSE(missed(WithKey(Pair::kP256, R"({"alg":"RS256"})", Claims())));
  EXPECT_FALSE(missed(WithKey(Pair::kEd25519, R"({"alg":"RS256","kid":"ed"})", Claims())));
  EXPECT_FALSE(missed(WithSecret(Claims(), R"({"alg":"HS256","kid":"whatever"})")));
  EXPECT_FALSE(missed(WithSecret(Claims(), R"({"alg":"none","kid":"new"})")));
  EXPECT_FALSE(missed("no token"));
}

TEST_F(JwtBackendTest, TellsFailedFetchesWhereItIsToldTo) {
  const size_t causes = backend().refusals().size();
  backend().TellFetches();
  store().CountFailedFetch();
  store().CountFailedFetch();
  ASSERT_EQ(backend().refusals().size(), causes + 1);
  EXPECT_EQ(backend().refusals().back().cause, "key_fetch_failed");
  EXPECT_EQ(backend().refusals().back().count, 2u);
}

TEST_F(JwtBackendTest, WantsAnExpiryUnlessToldNotTo) {
  EXPECT_EQ(WhyNot(WithSecret(R"({"sub":"ann"})")), "no_expiry");
}

TEST_F(JwtBackendTest, LetsTokensLiveForeverWhenTold) {
  options_.require_exp = false;
  EXPECT_EQ(WhyNot(WithSecret(R"({"sub":"ann"})")), "none");
  EXPECT_EQ(WhyNot(WithSecret(R"({"sub":"ann","exp":1})")), "expired");
  EXPECT_EQ(WhyNot(WithSecret(R"({"sub":"ann","exp":null})")), "bad_claims");
}

TEST_F(JwtBackendTest, HoldsIssuerAndAudience) {
  options_.issuer = "https://id.example.com";
  options_.audience = "push";
  const auto with = [this](const char* parties) { return WhyNot(WithSecret(Claims(parties))); };
  EXPECT_EQ(with(R"("iss":"https://id.example.com","aud":"push")"), "none");
  EXPECT_EQ(with(R"("iss":"https://id.example.com","aud":["mail","push"])"), "none");
  EXPECT_EQ(with(R"("iss":"https://id.example.com/","aud":"push")"), "issuer");
  EXPECT_EQ(with(R"("aud":"push")"), "issuer");
  EXPECT_EQ(with(R"("iss":["https://id.example.com"],"aud":"push")"), "bad_claims");
  EXPECT_EQ(with(R"("iss":"https://id.example.com")"), "audience");
  EXPECT_EQ(with(R"("iss":"https://id.example.com","aud":["mail"])"), "audience");
  EXPECT_EQ(with(R"("iss":"https://id.example.com","aud":[])"), "audience");
  EXPECT_EQ(with(R"("iss":"https://id.example.com","aud":"pushy")"), "audience");
  EXPECT_EQ(with(R"("iss":"https://id.example.com","aud":["push",7])"), "bad_claims");
  EXPECT_EQ(with(R"("iss":"https://id.example.com","aud":null)"), "bad_claims");
}

// RFC 7519 4.1.3.
TEST_F(JwtBackendTest, RefusesATokenForOthersWhereNobodySaidWhoWeAre) {
  EXPECT_EQ(WhyNot(WithSecret(Claims(R"("aud":"mail")"))), "audience");
  EXPECT_EQ(WhyNot(WithSecret(Claims(R"("aud":"")"))), "audience");
  EXPECT_EQ(WhyNot(WithSecret(Claims(R"("iss":"anybody")"))), "none");
}

TEST_F(JwtBackendTest, HoldsEveryLimitToTheByte) {
  options_.token_bytes = 65536;
  const auto text = [](const char* name, size_t bytes) {
    return WithSecret(R"({"exp":1800000060,")" + std::string(name) + R"(":")" +
                      std::string(bytes, 'x') + R"("})");
  };
  EXPECT_EQ(WhyNot(text("sub", limits_.key_bytes)), "none");
  EXPECT_EQ(WhyNot(text("sub", limits_.key_bytes + 1)), "bad_claims");
  EXPECT_EQ(WhyNot(text("room_id", limits_.room_id_bytes)), "none");
  EXPECT_EQ(WhyNot(text("room_id", limits_.room_id_bytes + 1)), "bad_claims");
  const auto accepts = [](size_t count) {
    std::string list;
    for (size_t i = 0; i < count; ++i) list += (i == 0 ? "" : ",") + std::to_string(i);
    return WithSecret(R"({"exp":1800000060,"accepts":[)" + list + "]}");
  };
  EXPECT_EQ(WhyNot(accepts(limits_.ops)), "none");
  EXPECT_EQ(WhyNot(accepts(limits_.ops + 1)), "bad_claims");
  const auto token = [](size_t bytes) {
    std::string claims = Claims(R"("x":""})");
    claims.pop_back();
    const std::string shell = WithSecret(claims);
    for (size_t fill = (bytes - shell.size()) * 3 / 4 - 2;; ++fill) {
      std::string made = claims;
      made.insert(made.size() - 2, std::string(fill, 'x'));
      made = WithSecret(made);
      if (made.size() >= bytes) return made;
    }
  };
  const std::string longest = token(65536);
  ASSERT_EQ(longest.size(), 65536u);
  EXPECT_EQ(WhyNot(longest), "none");
  EXPECT_EQ(WhyNot(token(65537)), "too_big");
}

}  // namespace
}  // namespace halley::backend
