#include "backend/embedded_backend.h"

#include <simdjson.h>

#include <charconv>
#include <cstdint>
#include <string>
#include <utility>

#include "backend/json_object.h"
#include "backend/login_object.h"

namespace halley::backend {
namespace {

// goim v1's logic/auth.go: the whole of the token is a decimal number.
bool ReadMid(std::string_view text, LoginObject* login) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, login->mid);
  login->room = "1";
  return error == std::errc() && stop == end;
}

}  // namespace

// Keeps its memory from token to token.
struct EmbeddedBackend::Json {
  simdjson::dom::parser parser;
};

EmbeddedBackend::EmbeddedBackend(const config::ClientOptions& limits)
    : EmbeddedBackend(limits, KernelEntropy) {}

EmbeddedBackend::EmbeddedBackend(const config::ClientOptions& limits, Entropy entropy)
    : limits_(limits), keys_(std::move(entropy)), json_(std::make_unique<Json>()) {
  PrepareJsonParser(&json_->parser);
}

EmbeddedBackend::~EmbeddedBackend() = default;

void EmbeddedBackend::Connect(const ConnectRequest& request, BackendSink& sink) {
  sink.OnConnectReply(request.ticket, Decide(request.token));
}

ConnectReply EmbeddedBackend::Decide(std::string_view text) {
  ConnectReply reply;
  LoginObject login;
  if (!ReadMid(text, &login)) {
    login = {};
    if (!ReadLoginObject(&json_->parser, text, &login)) return reply;
  }
  if (login.key.size() > limits_.key_bytes) return reply;
  if (login.room.size() > limits_.room_id_bytes) return reply;
  if (login.accepts.size() > limits_.ops) return reply;
  reply.verdict = ConnectVerdict::kAccepted;
  reply.mid = login.mid;
  reply.key = login.key.empty() ? keys_.Next() : std::string(login.key);
  reply.room = login.room;
  reply.accepts = std::move(login.accepts);
  return reply;
}

}  // namespace halley::backend
