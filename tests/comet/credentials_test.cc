// What is read, and when it cannot be. That callers are shown it is for tests/e2e/reload_files_test.py.
#include "comet/credentials.h"

#include <cstdio>
#include <string>

#include "gtest/gtest.h"

namespace halley::comet {
namespace {

std::string File(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + name;
  std::FILE* const file = std::fopen(path.c_str(), "w");
  EXPECT_NE(file, nullptr);
  std::fputs(text.c_str(), file);
  std::fclose(file);
  return path;
}

TEST(PemTexts, AreNoneWithoutACertificate) {
  const auto texts = ReadPemTexts({});
  ASSERT_TRUE(texts.ok());
  EXPECT_EQ(texts->identity + texts->client_ca, "");
}

TEST(PemTexts, KeyAndChainAreOneText) {
  config::CometGrpcOptions options;
  options.tls_certificate = File("comet-chain", "chain");
  EXPECT_EQ(ReadPemTexts(options)->identity, "chain\n");
  options.tls_key = File("comet-key", "key");
  options.tls_client_ca = File("comet-ca", "ca");
  const auto texts = ReadPemTexts(options);
  ASSERT_TRUE(texts.ok()) << texts.status();
  EXPECT_EQ(texts->identity, "chain\nkey\n");
  EXPECT_EQ(texts->client_ca, "ca\n");
}

TEST(PemTexts, WhatCannotBeReadIsNamedByItsOption) {
  config::CometGrpcOptions options;
  options.tls_certificate = "/nowhere.pem";
  EXPECT_EQ(ReadPemTexts(options).status().message(),
            "comet_grpc.tls_certificate: cannot read '/nowhere.pem': No such file or directory, name a readable "
            "PEM file");
  options.tls_certificate = File("comet-chain", "chain");
  options.tls_key = "/nowhere.key";
  EXPECT_EQ(ReadPemTexts(options).status().message().substr(0, 20), "comet_grpc.tls_key: ");
}

}  // namespace
}  // namespace halley::comet
