// A login with a signed token, from its text to the answer, by algorithm; and one that is believed
// unverified, for comparison.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backend/embedded_backend.h"
#include "backend/jwt_backend.h"
#include "backend/signing.h"

namespace halley::backend {
namespace {

using testing::Pair;

constexpr char kClaims[] =
    R"({"iss":"https://id.example.com","sub":"a1b2c3d4","mid":123,"exp":1900000000,"iat":1700000000})";

struct Verdict final : BackendSink {
  bool accepted = false;
  void OnConnectReply(Ticket, ConnectReply reply) override {
    accepted = reply.verdict == ConnectVerdict::kAccepted;
  }
  void OnRefreshReply(Ticket, RefreshReply) override {}
};

void Login(benchmark::State& state, Backend* backend, const std::string& token) {
  Verdict verdict;
  for (auto _ : state) {
    backend->Connect({.token = token}, verdict);
    if (!verdict.accepted) {
      state.SkipWithError("refused");
      return;
    }
  }
  state.SetItemsProcessed(state.iterations());
}

void LoginWith(benchmark::State& state, VerificationKey key, const std::string& token) {
  std::vector<VerificationKey> keys;
  keys.push_back(std::move(key));
  const KeyStore store(KeySet::Of(std::move(keys)).value());
  JwtBackend backend({}, {}, &store, [] { return int64_t{1'800'000'000'000}; });
  Login(state, &backend, token);
}

void BM_Embedded(benchmark::State& state) {
  EmbeddedBackend backend(config::ClientOptions{});
  Login(state, &backend, R"({"mid":123,"key":"a1b2c3d4","room_id":"live://1"})");
}
BENCHMARK(BM_Embedded);

void BM_Hs256(benchmark::State& state) {
  LoginWith(state, VerificationKey::OfSecret(testing::kSecret, "").value(),
            testing::WithSecret(kClaims));
}
BENCHMARK(BM_Hs256);

void LoginWithPair(benchmark::State& state, Pair pair, const char* header) {
  LoginWith(state, VerificationKey::OfPem(testing::PublicPem(pair)).value(),
            testing::WithKey(pair, header, kClaims));
}
void BM_Rs256(benchmark::State& state) {
  LoginWithPair(state, Pair::kRsa, R"({"alg":"RS256"})");
}
BENCHMARK(BM_Rs256);
void BM_Es256(benchmark::State& state) {
  LoginWithPair(state, Pair::kP256, R"({"alg":"ES256"})");
}
BENCHMARK(BM_Es256);
void BM_EdDsa(benchmark::State& state) {
  LoginWithPair(state, Pair::kEd25519, R"({"alg":"EdDSA"})");
}
BENCHMARK(BM_EdDsa);

}  // namespace
}  // namespace halley::backend
