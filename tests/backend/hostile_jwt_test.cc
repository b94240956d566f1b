// What is refused, and for which cause. Each row names the rule it breaks.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "backend/jwt_fixture.h"
#include "config/small_file.h"

namespace halley::backend {
namespace {

using testing::Base64Url;
using testing::Pair;
using testing::Unsigned;
using testing::WithKey;
using testing::WithSecret;

struct Row {
  const char* rule;
  const char* why;
  std::string token;
};

class HostileJwtTest : public testing::JwtTest {
 protected:
  void Check(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
      EXPECT_EQ(WhyNot(row.token), row.why) << row.rule << ": " << row.token.substr(0, 300);
      const std::string object = R"({"token":")" + row.token + R"("})";
      if (row.token.find_first_of("\"\\{") == std::string::npos) {
        EXPECT_NE(WhyNot(object), "none") << row.rule << ", in an object";
      }
    }
  }

  static std::string Header(const char* header) { return WithSecret(Claims(), header); }
};

TEST_F(HostileJwtTest, Algorithms) {
  const std::string rsa = testing::PublicPem(Pair::kRsa);
  const std::string set = *config::ReadSmallFile(set_.path(), KeySet::kKeyFileBytesMax);
  const std::string none = Unsigned(R"({"alg":"none"})", Claims());
  const std::string es = Unsigned(R"({"alg":"ES256","kid":"p256"})", Claims());
  const std::string es_signature = testing::Signature(Pair::kP256, es);
  Check({
      {"RFC 8725 3.1: none", "algorithm", none + '.'},
      {"RFC 8725 3.1: none, signed all the same", "algorithm",
       none + '.' + Base64Url(testing::Hmac(testing::kSecret, none))},
      {"RFC 8725 3.1: none, in other letters", "algorithm", Header(R"({"alg":"nOnE"})")},
      {"RFC 7518 3.1: names are case-sensitive", "algorithm", Header(R"({"alg":"hs256"})")},
      {"RFC 7515 4.1.1: alg must be there", "algorithm", Header(R"({"typ":"JWT"})")},
      {"RFC 7515 4.1.1: alg is text", "bad_header", Header(R"({"alg":["HS256"]})")},
      {"RFC 7515 4.1.1: alg is text", "bad_header", Header(R"({"alg":null})")},
      {"an algorithm that is not taken", "algorithm", Header(R"({"alg":"HS512"})")},
      {"a letter that looks like another", "algorithm", Header(R"({"alg":"ＨS256"})")},
      {"a name with a byte behind it", "algorithm", Header(R"({"alg":"HS256\u0000"})")},
      {"a name with what nobody sees", "algorithm", Header("{\"alg\":\"HS256\u200b\"}")},
      {"RFC 8725 2.1: the public key as secret", "bad_signature",
       WithSecret(Claims(), R"({"alg":"HS256"})", rsa)},
      {"RFC 8725 2.1: likewise, its id named", "bad_signature",
       WithSecret(Claims(), R"({"alg":"HS256","kid":"rsa"})", rsa)},
      {"RFC 8725 2.1: the key set as secret", "bad_signature",
       WithSecret(Claims(), R"({"alg":"HS256","kid":"rsa"})", set)},
      {"RFC 8725 2.1: the other way round", "bad_signature",
       WithSecret(Claims(), R"({"alg":"RS256"})")},
      {"one key's signature under another's algorithm", "bad_signature",
       WithKey(Pair::kP256, R"({"alg":"EdDSA"})", Claims())},
      {"one key's signature under another's id", "unknown_key",
       WithKey(Pair::kRsa, R"({"alg":"RS256","kid":"p256"})", Claims())},
      {"a key that is not here", "unknown_key",
       WithKey(Pair::kRsa, R"({"alg":"RS256","kid":"old"})", Claims())},
      {"a key that is not here", "unknown_key",
       WithKey(Pair::kRsa, R"({"alg":"RS256","kid":"rsa\u0000"})", Claims())},
      {"a key of its own", "bad_signature",
       WithSecret(Claims(), R"({"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}})", "\0\0\0")},
      {"another secret", "bad_signature",
       WithSecret(Claims(), R"({"alg":"HS256"})", "another secret of 32 bytes, a lie")},
      {"no secret", "bad_signature", WithSecret(Claims(), R"({"alg":"HS256"})", "")},
      {"RFC 7518 3.4: 63 bytes", "bad_signature", es + '.' + Base64Url(es_signature.substr(0, 63))},
      {"RFC 7518 3.4: 65 bytes", "bad_signature", es + '.' + Base64Url(es_signature + '\0')},
      {"RFC 7518 3.4: R and S of zero", "bad_signature",
       es + '.' + Base64Url(std::string(64, '\0'))},
      {"no signature", "bad_signature", es + '.'},
  });
}

TEST_F(HostileJwtTest, Headers) {
  Check({
      {"RFC 7515 4.1.11: crit", "bad_header", Header(R"({"alg":"HS256","crit":["exp"],"exp":1})")},
      {"RFC 7515 4.1.11: crit, empty", "bad_header", Header(R"({"alg":"HS256","crit":[]})")},
      {"RFC 7797 6: b64", "bad_header", Header(R"({"alg":"HS256","crit":["b64"],"b64":false})")},
      {"RFC 7515 4.1.4: kid is text", "bad_header", Header(R"({"alg":"HS256","kid":7})")},
      {"RFC 8725 3.11: a token of another kind", "bad_header",
       Header(R"({"alg":"HS256","typ":"logout+jwt"})")},
      {"RFC 7515 4: a name twice", "bad_form", Header(R"({"alg":"HS256","alg":"HS256"})")},
      {"RFC 7515 4: a name twice", "bad_form", Header(R"({"alg":"none","alg":"HS256"})")},
      {"RFC 7515 4: a name twice, once escaped", "bad_form",
       Header(R"({"alg":"HS256","\u0061lg":"none"})")},
      {"RFC 7515 5.2: one object", "bad_form", Header(R"(["HS256"])")},
      {"RFC 7515 5.2: one object", "bad_form", Header(R"("HS256")")},
      {"RFC 7515 5.2: nothing behind it", "bad_form", Header(R"({"alg":"HS256"}{})")},
      {"RFC 7515 5.2: nothing behind it", "bad_form", Header("{\"alg\":\"HS256\"}\x01")},
      {"RFC 7515 5.2: UTF-8", "bad_form", Header("{\"alg\":\"HS256\",\"x\":\"\xff\"}")},
      {"RFC 8259 8.2: half a surrogate pair", "bad_form",
       Header(R"({"alg":"HS256","x":"\ud800"})")},
      {"RFC 8259: a byte order mark", "bad_form", Header("\xef\xbb\xbf{\"alg\":\"HS256\"")},
      {"no JSON", "bad_form", Header("alg=HS256")},
      {"nothing", "bad_form", Header("")},
      {"deep", "bad_form", Header((R"({"alg":"HS256","x":)" + std::string(1000, '[') +
                                   std::string(1000, ']') + '}').c_str())},
  });
}

TEST_F(HostileJwtTest, Forms) {
  const std::string good = WithSecret(Claims());
  ASSERT_EQ(WhyNot(good), "none");
  const size_t first = good.find('.');
  const size_t last = good.rfind('.');
  const std::string header = good.substr(0, first);
  const std::string payload = good.substr(first + 1, last - first - 1);
  const std::string signature = good.substr(last + 1);
  // 32 bytes leave two bits of the last character that mean nothing.
  std::string stray = good;
  stray.back() = static_cast<char>(stray.back() + 1);
  Check({
      {"nothing", "no_token", ""},
      {"one part", "bad_form", "x"},
      {"one part", "bad_form", header},
      {"RFC 7515 3.1: two parts", "bad_signature", header + '.' + '.'},
      {"RFC 7515 3.1: two parts", "bad_form", header + '.' + payload},
      {"RFC 7515 3.1: four parts", "bad_signature", good + '.' + signature},
      {"RFC 7516 3.1: encrypted", "bad_signature", header + "....."},
      {"RFC 7515 3.1: dots", "bad_form", "..."},
      {"RFC 7515 3.1: no header", "bad_form", '.' + payload + '.' + signature},
      {"RFC 7515 2: padding", "bad_form", good + '='},
      {"RFC 7515 2: padding", "bad_form", header + "=." + payload + '.' + signature},
      {"RFC 4648 3.5: stray bits", "bad_form", stray},
      {"RFC 7515 2: white space", "bad_form", good + '\n'},
      {"RFC 7515 2: white space", "bad_form", ' ' + good},
      {"RFC 7515 2: white space", "bad_form", header.substr(0, 4) + '\t' + good.substr(4)},
      {"a byte of zero", "bad_form", good + '\0'},
      {"RFC 4648 5: the other alphabet", "bad_form", "+/" + good.substr(2)},
      {"RFC 7515 7.2: JSON", "no_token",
       R"({"payload":")" + payload + R"(","protected":")" + header + R"(","signature":")" +
           signature + R"("})"},
      {"as a header of HTTP has it", "bad_form", "Bearer " + good},
      {"what is signed was changed", "bad_signature",
       header + '.' + Base64Url(Claims(R"("mid":1)")) + '.' + signature},
      {"a signature of something else", "bad_signature",
       header + '.' + payload + '.' + Base64Url(testing::Hmac(testing::kSecret, payload))},
      {"half a signature", "bad_signature",
       header + '.' + payload + '.' + Base64Url(testing::Hmac(testing::kSecret, header + '.' + payload).substr(0, 16))},
      {"too long", "too_big", good + std::string(options_.token_bytes, 'A')},
      {"much too long", "too_big", std::string(size_t{1} << 20, '.')},
      {"an object without a token", "no_token", R"({"mid":1,"key":"ann"})"},
      {"an object whose token is none", "no_token", R"({"token":{"sub":"ann"}})"},
      {"an object whose token is empty", "no_token", R"({"token":""})"},
      {"an object of the wrong types", "no_token", R"({"mid":"x","token":")" + good + R"("})"},
      {"an object and more", "no_token", R"({"token":")" + good + R"("} x)"},
      {"half an object", "no_token", R"({"token":")" + good},
  });
}

TEST_F(HostileJwtTest, Claims) {
  const auto with = [](const char* more) { return WithSecret(testing::JwtTest::Claims(more)); };
  Check({
      {"RFC 7519 4: a name twice", "bad_form", with(R"("sub":"bob")")},
      {"RFC 7519 4: a name twice, once escaped", "bad_form", with(R"("s\u0075b":"bob")")},
      {"RFC 7519 4: a name twice", "bad_form", with(R"("exp":9999999999)")},
      {"RFC 7519 7.2: one object", "bad_form", WithSecret("[]")},
      {"RFC 7519 7.2: one object", "bad_form", WithSecret("null")},
      {"RFC 7519 7.2: one object", "bad_form", WithSecret("")},
      {"RFC 7519 7.2: nothing behind it", "bad_form", WithSecret(testing::JwtTest::Claims() + "{}")},
      {"RFC 7519 7.2: UTF-8", "bad_form", with("\"x\":\"\xff\"")},
      {"RFC 7519 5.2: a token inside", "bad_form",
       WithSecret(WithSecret(testing::JwtTest::Claims()), R"({"alg":"HS256","cty":"JWT"})")},
      {"RFC 7519 2: a date is a number", "bad_claims", WithSecret(R"({"exp":"1900000000"})")},
      {"RFC 7519 2: a date is a number", "bad_claims", WithSecret(R"({"exp":true})")},
      {"RFC 7519 2: a date is a number", "bad_claims", WithSecret(R"({"exp":null})")},
      {"a date before 1970", "bad_claims", WithSecret(R"({"exp":-1})")},
      {"a date beyond all", "bad_claims", WithSecret(R"({"exp":1e300})")},
      {"a date beyond all", "bad_claims", WithSecret(R"({"exp":18446744073709551615})")},
      {"a date beyond all", "bad_form", WithSecret(R"({"exp":1e999})")},
      {"a date beyond all", "bad_form", WithSecret(R"({"exp":99999999999999999999})")},
      {"RFC 8259 6: no number", "bad_form", WithSecret(R"({"exp":NaN})")},
      {"RFC 7519 2: a date is a number", "bad_claims", with(R"("nbf":"0")")},
      {"RFC 7519 2: a date is a number", "bad_claims", with(R"("iat":[])")},
      {"RFC 7519 4.1.4", "expired", WithSecret(R"({"exp":0})")},
      {"RFC 7519 4.1.4", "expired", WithSecret(R"({"exp":1799999995})")},
      {"RFC 7519 4.1.5", "not_yet", with(R"("nbf":1800000006)")},
      {"made in the future", "not_yet", with(R"("iat":1800000006)")},
      {"RFC 7519 4.1.1: iss is text", "bad_claims", with(R"("iss":7)")},
      {"RFC 7519 4.1.2: sub is text", "bad_claims", WithSecret(R"({"exp":1800000060,"sub":7})")},
      {"RFC 7519 4.1.2: sub is text", "bad_claims", WithSecret(R"({"exp":1800000060,"sub":["a"]})")},
      {"a room is text", "bad_claims", with(R"("room_id":7)")},
      {"ops are a list", "bad_claims", with(R"("accepts":"1,2")")},
      {"ops are numbers", "bad_claims", with(R"("accepts":["1"])")},
      {"ops have 32 bits", "bad_claims", with(R"("accepts":[2147483648])")},
  });
}

// Goal: no byte of a token can be changed. Method: each is, by one bit, and so are some together.
TEST_F(HostileJwtTest, NoMangledTokenIsTaken) {
  const std::string tokens[] = {WithSecret(Claims(R"("mid":7)")),
                                WithKey(Pair::kP256, R"({"alg":"ES256"})", Claims()),
                                WithKey(Pair::kEd25519, R"({"alg":"EdDSA"})", Claims())};
  std::mt19937 random(7);
  for (const std::string& token : tokens) {
    ASSERT_EQ(WhyNot(token), "none");
    for (size_t i = 0; i < token.size(); ++i) {
      std::string mangled = token;
      mangled[i] = static_cast<char>(mangled[i] ^ (1 << random() % 8));
      EXPECT_NE(WhyNot(mangled), "none") << mangled;
      EXPECT_NE(WhyNot(token.substr(0, i)), "none") << i;
      mangled = token;
      mangled.insert(i, 1, static_cast<char>(random()));
      EXPECT_NE(WhyNot(mangled), "none") << mangled;
      mangled = token;
      mangled.erase(i, 1);
      EXPECT_NE(WhyNot(mangled), "none") << mangled;
    }
  }
}

}  // namespace
}  // namespace halley::backend
