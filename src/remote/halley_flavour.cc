// The requests of backend.kind = http as README.md describes them: one JSON object each, with an event's
// name, the node's, and what the event is about.
#include <simdjson.h>

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backend/json_object.h"
#include "backend/random_key.h"
#include "remote/http_flavour.h"
#include "wire/json_writer.h"

namespace halley::remote {
namespace {

using simdjson::dom::object;

std::string_view EventName(CallKind kind) {
  switch (kind) {
    case CallKind::kConnect: return "connect";
    case CallKind::kRefresh: return "refresh";
    case CallKind::kDisconnect: return "disconnect";
    case CallKind::kReceive: return "message";
    case CallKind::kOnline:
    case CallKind::kHeartbeat: break;
  }
  return "";
}

// False: it is there and is no such number. Absent and null leave it as it was.
template <typename Number>
bool ReadNumber(object fields, std::string_view name, Number* number) {
  simdjson::dom::element value;
  if (fields.at_key(name).get(value) != simdjson::SUCCESS || value.is_null()) return true;
  return value.get(*number) == simdjson::SUCCESS;
}

class HalleyFlavour final : public HttpFlavour {
 public:
  HalleyFlavour(const config::HttpBackendOptions& options, std::string node)
      : options_(options), node_(std::move(node)), keys_(backend::KernelEntropy) {
    backend::PrepareJsonParser(&parser_);
  }

  Traits traits() const override {
    Traits traits;
    traits.carries_serial = true;
    traits.messages = options_.messages;
    traits.refreshes = true;
    traits.address = true;
    traits.disconnects_max = options_.disconnects;
    return traits;
  }

  std::string_view user_agent() const override { return "halley"; }

  bool Write(absl::Span<const Call* const> calls, std::string* body, Result*) override {
    const Call& call = *calls.front();
    wire::JsonWriter json;
    json.BeginObject();
    json.Key("event").Text(EventName(call.kind)).Key("node").Text(node_);
    if (call.kind == CallKind::kDisconnect) {
      json.Key("clients").BeginArray();
      for (const Call* const each : calls) {
        json.BeginObject();
        WriteClient(*each, &json);
        json.EndObject();
      }
      json.EndArray();
    } else {
      WriteOne(call, &json);
    }
    json.EndObject();
    *body = json.text();
    return true;
  }

  void Read(const Call& call, std::string_view body, Result* result) override {
    result->outcome = Outcome::kAnswered;
    if (!IsLogin(call.kind)) return;
    const char* const wrong = ReadLogin(call.kind, body, result);
    if (wrong == nullptr) return;
    result->outcome = Outcome::kBadAnswer;
    result->why = wrong;
  }

  std::string WriteProbe() override {
    wire::JsonWriter json;
    json.BeginObject().Key("event").Text("ping").Key("node").Text(node_).EndObject();
    return json.text();
  }

 private:
  static void WriteClient(const Call& call, wire::JsonWriter* json) {
    json->Bytes("key", call.key);
    json->Key("mid").Signed(call.mid).Key("serial").Number(call.serial);
  }

  static void WriteOne(const Call& call, wire::JsonWriter* json) {
    if (call.kind == CallKind::kConnect) {
      json->Key("serial").Number(call.serial);
    } else {
      WriteClient(call, json);
    }
    if (call.kind == CallKind::kReceive) {
      json->Key("op").Signed(call.op).Key("seq").Signed(call.seq);
      json->Bytes("body", call.body);
      return;
    }
    json->Bytes("token", call.token);
    if (call.kind != CallKind::kConnect) return;
    json->Key("address").Text(call.address);
    if (!call.cookie.empty()) json->Bytes("cookie", call.cookie);
  }

  // Null, or what is wrong.
  const char* ReadLogin(CallKind kind, std::string_view body, Result* result) {
    const std::optional<object> fields = backend::ParseUniqueObject(&parser_, body);
    if (!fields.has_value()) return "the answer is not a JSON object";
    bool allow = false;
    if (fields->at_key("allow").get(allow) != simdjson::SUCCESS) {
      return "the answer has no \"allow\" that is true or false";
    }
    const auto verdict =
        allow ? backend::ConnectVerdict::kAccepted : backend::ConnectVerdict::kRefused;
    if (kind == CallKind::kRefresh) {
      result->refresh.verdict = verdict;
      return ReadNumber(*fields, "expires_in_ms", &result->refresh.expires_in_ms)
                 ? nullptr
                 : "\"expires_in_ms\" is not a whole number";
    }
    result->connect.verdict = verdict;
    return allow ? ReadClient(*fields, &result->connect) : nullptr;
  }

  const char* ReadClient(object fields, backend::ConnectReply* reply) {
    std::string_view key;
    std::string_view room;
    if (!ReadNullableText(fields, "key", &key)) return "\"key\" is not a text";
    if (!ReadNullableText(fields, "room", &room)) return "\"room\" is not a text";
    if (!ReadNumber(fields, "mid", &reply->mid)) return "\"mid\" is not a whole number";
    if (!ReadNumber(fields, "idle_timeout_ms", &reply->idle_timeout_ms)) {
      return "\"idle_timeout_ms\" is not a whole number";
    }
    if (!ReadNumber(fields, "expires_in_ms", &reply->expires_in_ms)) {
      return "\"expires_in_ms\" is not a whole number";
    }
    simdjson::dom::element accepts;
    if (fields.at_key("accepts").get(accepts) == simdjson::SUCCESS && !accepts.is_null() &&
        !backend::ReadOps(accepts, &reply->accepts)) {
      return "\"accepts\" is not a list of whole numbers";
    }
    reply->key = key.empty() ? keys_.Next() : std::string(key);
    reply->room = room;
    return nullptr;
  }

  static bool ReadNullableText(object fields, std::string_view name, std::string_view* text) {
    simdjson::dom::element value;
    if (fields.at_key(name).get(value) == simdjson::SUCCESS && value.is_null()) return true;
    return backend::ReadText(fields, name, text);
  }

  const config::HttpBackendOptions options_;
  const std::string node_;
  backend::RandomKeys keys_;
  simdjson::dom::parser parser_;
};

}  // namespace

std::unique_ptr<HttpFlavour> NewHalleyFlavour(const config::HttpBackendOptions& options,
                                              std::string node) {
  return std::make_unique<HalleyFlavour>(options, std::move(node));
}

// What a status means is the same in every flavour.
void ReadStatus(CallKind kind, long status, Result* result) {
  const bool denied = status == 401 || status == 403;
  if (denied && IsLogin(kind)) {
    // Both verdicts are a refusal unless something else is said.
    result->outcome = Outcome::kAnswered;
    return;
  }
  const bool later = status >= 500 || status == 408 || status == 429;
  result->outcome = later ? Outcome::kFailed : Outcome::kBadAnswer;
  result->why = absl::StrCat("HTTP status ", status);
}

}  // namespace halley::remote
