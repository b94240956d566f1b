#include "backend/jwks_fetcher.h"

#include <gtest/gtest.h>

#include <string>

#include "backend/signing.h"

namespace halley::backend {
namespace {

bool IsAsked(const std::string& url) {
  config::JwtOptions options;
  options.jwks_url = url;
  const absl::Status checked = JwksFetcher::Check(options);
  // It may be somebody's secret.
  EXPECT_EQ(std::string(checked.message()).find("sesame"), std::string::npos);
  return checked.ok();
}

TEST(JwksFetcher, AsksHttpsAndThisHost) {
  for (const char* url :
       {"https://id.example.com/keys", "HTTPS://id.example.com:8443/keys?tenant=sesame",
        "http://127.0.0.1/keys", "http://127.8.9.1:8080/keys", "http://[::1]:1/", "http://localhost",
        "https://10.0.0.1/"}) {
    EXPECT_TRUE(IsAsked(url)) << url;
  }
}

TEST(JwksFetcher, AsksNobodyElse) {
  for (const char* url :
       {"http://id.example.com/sesame", "http://127.0.0.1.example.com/", "http://localhost.example/",
        "http://10.0.0.1/", "http://[::2]/", "http://0.0.0.0/", "ftp://127.0.0.1/", "file:///etc/sesame",
        "id.example.com/keys", "/sesame", "", "https://", "https:// /", "http://127.0.0.1@evil.example/",
        "https://user:sesame@id.example.com/", "https://user@id.example.com/"}) {
    EXPECT_FALSE(IsAsked(url)) << url;
  }
}

// Without keys there is nothing to go on with; with others there is.
TEST(JwksFetcher, StartsWithoutTheServerOnlyWithOtherKeys) {
  config::JwtOptions options;
  options.jwks_url = "http://127.0.0.1:1/sesame";
  auto store = KeyStore::Create(options).value();
  const auto alone = JwksFetcher::Create(options, store.get());
  ASSERT_FALSE(alone.ok());
  EXPECT_EQ(alone.status().message().find("jwt.jwks_url: cannot fetch: "), 0u) << alone.status();
  EXPECT_EQ(std::string(alone.status().message()).find("sesame"), std::string::npos);
  options.secret = testing::kSecret;
  store = KeyStore::Create(options).value();
  EXPECT_TRUE(JwksFetcher::Create(options, store.get()).ok());
  EXPECT_EQ(store->failed_fetches(), 1u);
}

}  // namespace
}  // namespace halley::backend
