// The callbacks of Gopusher 0.2: {"method":"CheckToken","args":["id","token","node"]}, answered with
// {"code":0,"data":..,"error":""}. A client's id is the key of its login, and its token the one in it.
//
// Source     Gopusher 0.2.0, and what its backends answer.
#include <simdjson.h>

#include <initializer_list>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backend/json_object.h"
#include "backend/login_object.h"
#include "remote/http_flavour.h"
#include "wire/json_writer.h"

namespace halley::remote {
namespace {

class GopusherFlavour final : public HttpFlavour {
 public:
  explicit GopusherFlavour(std::string node) : node_(std::move(node)) {
    backend::PrepareJsonParser(&parser_);
  }

  Traits traits() const override {
    Traits traits;
    traits.announces = true;
    return traits;
  }

  std::string_view user_agent() const override { return "Gopusher 1.0"; }

  bool Write(absl::Span<const Call* const> calls, std::string* body, Result* result) override {
    const Call& call = *calls.front();
    switch (call.kind) {
      case CallKind::kConnect: return WriteCheck(call, body, result);
      case CallKind::kOnline: *body = Method("Online", {call.key, node_}); return true;
      case CallKind::kDisconnect: *body = Method("Offline", {call.key, node_}); return true;
      case CallKind::kRefresh:
      case CallKind::kHeartbeat:
      case CallKind::kReceive: break;
    }
    // Its traits have none of these.
    result->outcome = Outcome::kBadAnswer;
    return false;
  }

  void Read(const Call& call, std::string_view body, Result* result) override {
    int64_t code = 0;
    const auto answer = backend::ParseUniqueObject(&parser_, body);
    if (!answer.has_value() || answer->at_key("code").get(code) != simdjson::SUCCESS) {
      result->outcome = Outcome::kBadAnswer;
      result->why = "the answer is not a JSON object with a code";
      return;
    }
    if (call.kind != CallKind::kConnect) {
      result->outcome = code == 0 ? Outcome::kAnswered : Outcome::kBadAnswer;
      if (code != 0) result->why = absl::StrCat("the answer has code ", code);
      return;
    }
    result->outcome = Outcome::kAnswered;
    // Not read before it is asked, since others may be asked meanwhile.
    backend::LoginObject login;
    if (code != 0 || !ReadLogin(call, &login)) return;
    result->connect.verdict = backend::ConnectVerdict::kAccepted;
    result->connect.key = login.key;
    result->connect.room = login.room;
    result->connect.accepts = std::move(login.accepts);
  }

  // Told once to whoever is there first.
  std::string WriteProbe() override { return joined_ ? "" : Method("JoinCluster", {node_}); }
  void OnProbeAnswered() override { joined_ = true; }

 private:
  static std::string Method(std::string_view name, std::initializer_list<std::string_view> args) {
    wire::JsonWriter json;
    json.BeginObject().Key("method").Text(name).Key("args").BeginArray();
    for (const std::string_view arg : args) json.Text(arg);
    json.EndArray().EndObject();
    return json.text();
  }

  bool ReadLogin(const Call& call, backend::LoginObject* login) {
    return backend::ReadLoginObject(&parser_, call.token, login) && !login->key.empty();
  }

  bool WriteCheck(const Call& call, std::string* body, Result* result) {
    backend::LoginObject login;
    if (!ReadLogin(call, &login)) {
      // Nobody that the backend could know: refused.
      result->outcome = Outcome::kAnswered;
      return false;
    }
    *body = Method("CheckToken", {login.key, login.token, node_});
    return true;
  }

  const std::string node_;
  bool joined_ = false;
  simdjson::dom::parser parser_;
};

}  // namespace

std::unique_ptr<HttpFlavour> NewGopusherFlavour(std::string node) {
  return std::make_unique<GopusherFlavour>(std::move(node));
}

}  // namespace halley::remote
