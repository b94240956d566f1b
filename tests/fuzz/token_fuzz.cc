// Tokens: the input as what a client logs in with, as claims that were signed, and as a key set. Who
// is let in is within the limits, and who is not is counted once.
#include <memory>
#include <numeric>

#include "backend/jwks.h"
#include "backend/jwt_backend.h"
#include "backend/last_reply.h"
#include "backend/signing.h"
#include "fuzz/fuzz_feed.h"

namespace halley {
namespace {

config::JwtOptions OptionsOf() {
  config::JwtOptions options;
  options.secret = std::string(backend::testing::kSecret);
  options.require_exp = false;
  return options;
}

// One for the whole run: what a token leaves behind must not matter to the next.
struct Verifier {
  const config::JwtOptions options = OptionsOf();
  const config::ClientOptions limits;
  const std::unique_ptr<backend::KeyStore> keys = backend::KeyStore::Create(options).value();
  backend::JwtBackend jwt{options, limits, keys.get(), [] { return 1'000'000; }};

  uint64_t Refused() const {
    const auto refusals = jwt.refusals();
    return std::accumulate(refusals.begin(), refusals.end(), uint64_t{0},
                           [](uint64_t sum, const auto& each) { return sum + each.count; });
  }

  void Try(std::string_view token) {
    const uint64_t before = Refused();
    backend::testing::LastReply sink;
    jwt.Connect({.token = token}, sink);
    HALLEY_ASSERT(sink.count == 1);
    const backend::ConnectReply& reply = sink.reply;
    const bool taken = reply.verdict == backend::ConnectVerdict::kAccepted;
    HALLEY_ASSERT(Refused() - before == (taken ? 0 : 1));
    HALLEY_ASSERT(reply.key.empty() != taken);
    HALLEY_ASSERT(reply.key.size() <= limits.key_bytes && reply.room.size() <= limits.room_id_bytes &&
                  reply.accepts.size() <= limits.ops);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Verifier* const verifier = new Verifier;
  const std::string_view input = wire::testing::FuzzInput(data, size);
  verifier->Try(input);
  verifier->Try(backend::testing::WithSecret(input));
  verifier->Try(backend::testing::WithSecret(R"({"sub":"ann"})", input));
  const auto keys = backend::ParseJwks(input);
  HALLEY_ASSERT(keys.ok() || !keys.status().message().empty());
  return 0;
}

}  // namespace halley
