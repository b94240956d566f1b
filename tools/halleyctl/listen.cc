#include "halleyctl/listen.h"

#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "halleyctl/goim_client.h"
#include "halleyctl/text.h"
#include "tls/client.h"
#include "wire/close_reason.h"
#include "wire/goim_frame.h"
#include "wire/json_writer.h"

namespace halley::ctl {
namespace {

void Print(const GoimMessage& message, bool as_json, std::ostream& out) {
  if (as_json) {
    wire::JsonWriter json;
    json.BeginObject().Key("op").Signed(message.op).Key("seq").Signed(message.seq);
    json.Key("ver").Signed(message.ver).Bytes("body", message.body).EndObject();
    out << json.text() << "\n";
  } else {
    out << message.op << " " << Printable(message.body) << "\n";
  }
  out.flush();  // a reader at the other end of a pipe waits for it
}

// Adds what this node means by a WebSocket close code.
absl::Status WithReason(const absl::Status& status, uint16_t close_code) {
  std::vector<std::string> names;
  for (size_t i = 0; i < wire::kCloseReasonsCount && close_code != 0; ++i) {
    const auto reason = static_cast<wire::CloseReason>(i);
    if (wire::WebSocketCloseCode(reason) == close_code) {
      names.emplace_back(wire::CloseReasonName(reason));
    }
  }
  if (names.empty()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(status.message(), " (", absl::StrJoin(names, " or "), ")"));
}

bool WantsTls(const Args& args) {
  return args.tls.enabled || absl::StartsWith(args.ws, "wss://");
}

// `tls` outlives what is returned.
absl::StatusOr<std::unique_ptr<GoimClient>> Dial(const Args& args, tls::Client* tls) {
  const Security security{tls, args.tls.server_name};
  return args.ws.empty() ? GoimClient::DialTcp(args.tcp, args.timeout, security)
                         : GoimClient::DialWebSocket(args.ws, args.timeout, security);
}

// Until the next heartbeat is due, or the count is reached.
absl::Status PrintUntil(Clock::time_point until, const Args& args, GoimClient* client,
                        uint64_t* printed, std::ostream& out) {
  for (;;) {
    const absl::Duration left = absl::FromChrono(until - Clock::now());
    // Also when messages never pause.
    if (left <= absl::ZeroDuration()) return absl::OkStatus();
    const absl::StatusOr<GoimMessage> message = client->Receive(left);
    if (absl::IsDeadlineExceeded(message.status())) return absl::OkStatus();
    if (!message.ok()) return message.status();
    if (message->op == wire::op::kHeartbeatReply) continue;
    Print(*message, args.json, out);
    if (++*printed == args.count) return absl::OkStatus();
  }
}

}  // namespace

std::string TokenOf(const Args& args) {
  if (!args.token.empty()) return args.token;
  wire::JsonWriter json;
  json.BeginObject().Key("mid").Signed(args.mid).Key("key").Text(args.key);
  json.Key("room_id").Text(args.room).Key("platform").Text("halleyctl");
  json.Key("accepts").BeginArray();
  for (int32_t op : args.accepts) json.Signed(op);
  return json.EndArray().EndObject().text();
}

Outcome Listen(const Args& args, std::ostream& out, std::ostream& notes) {
  std::unique_ptr<tls::Client> tls;
  if (WantsTls(args)) {
    tls::ClientOptions options;
    options.ca_file = args.tls.ca_file;
    options.certificate = {args.tls.certificate_file, args.tls.key_file};
    absl::StatusOr<std::unique_ptr<tls::Client>> made = tls::Client::Create(options);
    if (!made.ok()) return made.status();
    tls = *std::move(made);
  }
  absl::StatusOr<std::unique_ptr<GoimClient>> client = Dial(args, tls.get());
  if (!client.ok()) return client.status();
  absl::Status status = (*client)->Login(TokenOf(args), args.timeout);
  if (!status.ok()) return WithReason(status, (*client)->close_code());
  notes << "logged in to " << (args.ws.empty() ? args.tcp : args.ws) << std::endl;
  uint64_t printed = 0;
  for (int32_t seq = 1; status.ok(); ++seq) {
    status = (*client)->Send({wire::op::kHeartbeat, seq, 1, ""}, args.timeout);
    if (status.ok()) {
      status = PrintUntil(DeadlineAfter(args.heartbeat), args, client->get(), &printed, out);
    }
    if (status.ok() && args.count != 0 && printed >= args.count) return ExitCode::kOk;
  }
  return WithReason(status, (*client)->close_code());
}

}  // namespace halley::ctl
