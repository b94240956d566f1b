// JwtTest: a JwtBackend with a secret and a set of keys, and a clock that stands still.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <string_view>

#include "backend/jwt_backend.h"
#include "backend/last_reply.h"
#include "backend/signing.h"
#include "config/temp_file.h"

namespace halley::backend::testing {

inline constexpr int64_t kNowS = 1'800'000'000;

class JwtTest : public ::testing::Test {
 protected:
  JwtTest() {
    options_.secret = kSecret;
    options_.jwks_file = set_.path();
  }

  JwtBackend& backend() {
    if (backend_ == nullptr) {
      auto store = KeyStore::Create(options_);
      EXPECT_TRUE(store.ok()) << store.status();
      store_ = *std::move(store);
      backend_ = std::make_unique<JwtBackend>(options_, limits_, store_.get(),
                                              [this] { return now_ms_; });
    }
    return *backend_;
  }

  ConnectReply Login(std::string_view token, std::string_view cookie = {}) {
    LastReply sink;
    backend().Connect({.ticket = {3, 4}, .token = token, .cookie = cookie}, sink);
    EXPECT_EQ(sink.count, 1) << "answered once, in the call";
    EXPECT_EQ(sink.ticket.slot, 3u);
    return sink.reply;
  }

  // Why the login is refused; "none": it is not. Every refusal is counted once, by its cause.
  std::string WhyNot(std::string_view token, std::string_view cookie = {}) {
    std::vector<Refusals> before(backend().refusals().begin(), backend().refusals().end());
    const ConnectReply reply = Login(token, cookie);
    std::string why = "none";
    for (size_t i = 0; i < before.size(); ++i) {
      const uint64_t more = backend().refusals()[i].count - before[i].count;
      if (more == 0) continue;
      EXPECT_EQ(more, 1u);
      EXPECT_EQ(why, "none") << "counted twice";
      why = std::string(before[i].cause);
    }
    EXPECT_EQ(reply.verdict == ConnectVerdict::kAccepted, why == "none");
    EXPECT_EQ(reply.key.empty(), why != "none") << "a refusal tells nothing";
    return why;
  }

  // The same of a new token for a connection of `key` and `mid`; `*expires_in_ms` as it is told.
  std::string WhyNoRefresh(std::string_view token, std::string_view key, int64_t mid,
                           uint64_t* expires_in_ms = nullptr) {
    std::vector<Refusals> before(backend().refusals().begin(), backend().refusals().end());
    LastReply sink;
    backend().Refresh({.ticket = {3, 4}, .client = {mid, key, 5}, .token = token}, sink);
    EXPECT_EQ(sink.count, 1) << "answered once, in the call";
    EXPECT_EQ(sink.ticket.generation, 4u);
    if (expires_in_ms != nullptr) *expires_in_ms = sink.refreshed.expires_in_ms;
    std::string why;
    for (size_t i = 0; i < before.size(); ++i) {
      if (backend().refusals()[i].count != before[i].count) why += before[i].cause;
    }
    EXPECT_EQ(sink.refreshed.verdict == ConnectVerdict::kAccepted, why.empty());
    return why.empty() ? "none" : why;
  }

  // Claims that hold, with others behind them: R"("mid":7)".
  static std::string Claims(std::string_view more = "", int64_t exp_s = kNowS + 60) {
    std::string text = R"({"sub":"ann","exp":)" + std::to_string(exp_s);
    if (!more.empty()) text += ',' + std::string(more);
    return text + '}';
  }

  const config::TempFile set_{R"({"keys":[)" + Jwk(Pair::kRsa, R"(,"kid":"rsa")") + ',' +
                              Jwk(Pair::kP256, R"(,"kid":"p256")") + ',' +
                              Jwk(Pair::kEd25519, R"(,"kid":"ed")") + "]}"};
  config::JwtOptions options_;
  config::ClientOptions limits_;
  int64_t now_ms_ = kNowS * 1000;

 protected:
  KeyStore& store() { return backend(), *store_; }

 private:
  std::unique_ptr<KeyStore> store_;
  std::unique_ptr<JwtBackend> backend_;
};

}  // namespace halley::backend::testing
