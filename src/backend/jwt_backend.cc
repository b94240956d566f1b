#include "backend/jwt_backend.h"

#include <simdjson.h>

#include <chrono>
#include <string>
#include <utility>

#include "backend/json_object.h"
#include "wire/cookie.h"
#include "backend/jwt_reader.h"

namespace halley::backend {

// Keeps its memory from token to token.
struct JwtBackend::Json {
  explicit Json(size_t token_bytes_max) : reader(token_bytes_max) {
    PrepareJsonParser(&login_parser);
  }

  // False: it is neither a token nor an object. It may be empty, and the object without a token.
  bool ReadLogin(std::string_view text, LoginObject* login) {
    const size_t first = text.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && text[first] == '{') {
      return ReadLoginObject(&login_parser, text, login);
    }
    login->token = text;
    return true;
  }

  simdjson::dom::parser login_parser;
  JwtReader reader;
};

int64_t JwtBackend::SystemClock() {
  using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::system_clock;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

JwtBackend::JwtBackend(const config::JwtOptions& options, const config::ClientOptions& limits,
                       const KeyStore* keys, Clock clock, Entropy entropy)
    : options_(options),
      limits_(limits),
      keys_(*keys),
      clock_(std::move(clock)),
      random_keys_(std::move(entropy)),
      json_(std::make_unique<Json>(options.token_bytes)) {
  for (size_t i = 0; i < kCauses; ++i) {
    refusals_[i].cause = JwtFaultName(static_cast<JwtFault>(i + 1));
  }
  refusals_[kCauses].cause = "key_fetch_failed";
}

JwtBackend::~JwtBackend() = default;

absl::Span<const Refusals> JwtBackend::refusals() const {
  if (!tells_fetches_) return absl::MakeConstSpan(refusals_).first(kCauses);
  refusals_[kCauses].count = keys_.failed_fetches();
  return refusals_;
}

void JwtBackend::Connect(const ConnectRequest& request, BackendSink& sink) {
  ConnectReply reply;
  if (Count(Decide(request, &reply)) == JwtFault::kNone) {
    reply.verdict = ConnectVerdict::kAccepted;
  }
  sink.OnConnectReply(request.ticket, std::move(reply));
}

void JwtBackend::Refresh(const RefreshRequest& request, BackendSink& sink) {
  RefreshReply reply;
  if (Count(DecideRefresh(request, &reply)) == JwtFault::kNone) {
    reply.verdict = ConnectVerdict::kAccepted;
  }
  sink.OnRefreshReply(request.ticket, reply);
}

JwtFault JwtBackend::Count(JwtFault fault) {
  if (fault != JwtFault::kNone) ++refusals_[static_cast<size_t>(fault) - 1].count;
  return fault;
}

JwtFault JwtBackend::Read(std::string_view text, std::string_view cookie, LoginObject* login,
                          JwtClaims* claims) {
  if (!json_->ReadLogin(text, login)) return JwtFault::kNoToken;
  if (login->token.empty() && !options_.cookie.empty()) {
    login->token = wire::FindCookie(cookie, options_.cookie).value_or(std::string_view());
  }
  if (login->token.empty()) return JwtFault::kNoToken;
  simdjson::dom::object object;
  JwtFault fault = json_->reader.Read(login->token, *keys_.keys(), &object);
  if (json_->reader.missed_key()) keys_.MissKey();
  if (fault != JwtFault::kNone) return fault;
  fault = ReadJwtClaims(object, options_, clock_(), claims);
  if (fault != JwtFault::kNone) return fault;
  if (!login->key.empty() && login->key != claims->key) return JwtFault::kOtherClient;
  if (login->mid != 0 && login->mid != claims->mid) return JwtFault::kOtherClient;
  return JwtFault::kNone;
}

JwtFault JwtBackend::Decide(const ConnectRequest& request, ConnectReply* reply) {
  LoginObject login;
  JwtClaims claims;
  const JwtFault fault = Read(request.token, request.cookie, &login, &claims);
  if (fault != JwtFault::kNone) return fault;
  const std::string_view room = claims.room.value_or(login.room);
  std::vector<int32_t>& accepts = claims.accepts.has_value() ? *claims.accepts : login.accepts;
  if (claims.key.size() > limits_.key_bytes || room.size() > limits_.room_id_bytes ||
      accepts.size() > limits_.ops) {
    return JwtFault::kBadClaims;
  }
  reply->mid = claims.mid;
  reply->key = claims.key.empty() ? random_keys_.Next() : std::string(claims.key);
  reply->room = room;
  reply->accepts = std::move(accepts);
  reply->expires_in_ms = static_cast<uint64_t>(claims.ends_in_ms);
  return JwtFault::kNone;
}

JwtFault JwtBackend::DecideRefresh(const RefreshRequest& request, RefreshReply* reply) {
  LoginObject login;
  JwtClaims claims;
  // The upgrade's cookie is as old as the connection.
  const JwtFault fault = Read(request.token, /*cookie=*/{}, &login, &claims);
  if (fault != JwtFault::kNone) return fault;
  // One that names no key is nobody's, not even of who got a random key by such a one.
  if (claims.key.empty() || claims.key != request.client.key ||
      claims.mid != request.client.mid) {
    return JwtFault::kOtherRefresh;
  }
  reply->expires_in_ms = static_cast<uint64_t>(claims.ends_in_ms);
  return JwtFault::kNone;
}

}  // namespace halley::backend
