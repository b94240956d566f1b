#include "halleyctl/push_commands.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "halleyctl/text.h"
#include "wire/json_writer.h"

namespace halley::ctl {
namespace {

// Above what any node takes; what a node takes, it says itself.
constexpr size_t kMessageBytesMax = size_t{64} << 20;

std::string Explain(PushRefusal why, const Args& args) {
  switch (why) {
    case PushRefusal::kOffline:
      return args.target == Target::kRoom ? "nobody is in it" : "offline";
    case PushRefusal::kNotWatching:
      return absl::StrCat("here, but not watching op ", args.op);
    case PushRefusal::kQueueFull:
      return "reads too slowly, its queue is full";
    case PushRefusal::kOther:
      break;
  }
  return "refused";
}

std::string TargetAt(const Args& args, size_t index) {
  if (args.target == Target::kMid) {
    return index < args.mids.size() ? std::to_string(args.mids[index]) : "?";
  }
  return index < args.names.size() ? args.names[index] : "?";
}

void PrintJson(const Args& args, const PushReport& report, std::ostream& out) {
  wire::JsonWriter json;
  json.BeginObject().Key("taken").Number(report.taken).Key("refused").BeginArray();
  for (const PushRefused& refused : report.refused) {
    json.BeginObject().Bytes("target", TargetAt(args, refused.index));
    json.Key("why").Text(PushRefusalName(refused.why)).EndObject();
  }
  json.EndArray();
  if (args.target == Target::kRoom) {
    json.Key("rooms").BeginArray();
    for (size_t i = 0; i < report.sequence.size(); ++i) {
      json.BeginObject().Bytes("room", TargetAt(args, i));
      json.Key("sequence").Number(report.sequence[i]).EndObject();
    }
    json.EndArray();
  }
  if (report.deliveries.has_value()) {
    json.Key("deliveries").BeginObject();
    json.Key("delivered").Number(report.deliveries->delivered);
    json.Key("skipped").Number(report.deliveries->skipped);
    json.Key("pending").Number(report.deliveries->pending).EndObject();
  }
  out << json.EndObject().text() << "\n";
}

void PrintText(const Args& args, const PushReport& report, std::ostream& out) {
  out << (args.command == Command::kKick ? "closed " : "taken by ") << report.taken
      << (report.taken == 1 ? " connection\n" : " connections\n");
  if (report.deliveries.has_value()) {
    out << "delivered to " << report.deliveries->delivered << ", skipped by "
        << report.deliveries->skipped << ", pending for " << report.deliveries->pending << "\n";
  }
  for (const PushRefused& refused : report.refused) {
    out << Printable(TargetAt(args, refused.index)) << ": " << Explain(refused.why, args) << "\n";
  }
}

Outcome Report(const Args& args, const absl::StatusOr<PushReport>& report, std::ostream& out) {
  if (!report.ok()) return report.status();
  if (args.json) {
    PrintJson(args, *report, out);
  } else {
    PrintText(args, *report, out);
  }
  const bool delivered =
      !report->deliveries.has_value() || report->deliveries->delivered == report->taken;
  const bool all = report->refused.empty() && report->taken > 0 && delivered;
  return all ? ExitCode::kOk : ExitCode::kPartial;
}

}  // namespace

absl::StatusOr<PushMessage> ReadMessage(const Args& args, std::istream& in) {
  PushMessage message{.op = args.op,
                      .body = args.text.value_or(""),
                      .batch = args.batch,
                      .confirm = args.confirm};
  if (args.text.has_value()) return message;
  std::ifstream file;
  if (!args.from_stdin) {
    file.open(args.file, std::ios::binary);
    if (!file) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot open ", args.file, ": check its name and that it may be read"));
    }
  }
  std::istream& from = args.from_stdin ? in : file;
  char buffer[65536];
  while (from.read(buffer, sizeof buffer) || from.gcount() > 0) {
    message.body.append(buffer, static_cast<size_t>(from.gcount()));
    if (message.body.size() > kMessageBytesMax) {
      return absl::InvalidArgumentError("the message is above 64 MiB: no node takes that");
    }
  }
  if (from.bad()) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read ", args.from_stdin ? "standard input" : args.file));
  }
  return message;
}

Outcome Push(const Args& args, PushMessage message, PushClient* client, std::ostream& out) {
  switch (args.target) {
    case Target::kKey:
      return Report(args, client->PushKeys(args.names, message), out);
    case Target::kMid:
      return Report(args, client->PushMids(args.mids, message), out);
    case Target::kRoom:
      return Report(args, client->PushRooms(args.names, message), out);
    case Target::kAll:
      break;
  }
  return Report(args, client->PushAll(message, args.pace), out);
}

Outcome Kick(const Args& args, PushClient* client, std::ostream& out) {
  return Report(args,
                args.target == Target::kMid ? client->KickMids(args.mids)
                                            : client->KickKeys(args.names),
                out);
}

Outcome DrainOrUndrain(const Args& args, PushClient* client, std::ostream& out) {
  const bool drain = args.command == Command::kDrain;
  const absl::StatusOr<PushReport> report =
      drain ? client->BeginDrain(args.grace, args.window) : client->EndDrain();
  if (!report.ok()) return report.status();
  if (args.json) {
    wire::JsonWriter json;
    json.BeginObject().Key("draining").Bool(drain);
    if (drain) json.Key("clients").Number(report->taken);
    out << json.EndObject().text() << "\n";
  } else if (drain) {
    out << "draining: " << report->taken << (report->taken == 1 ? " client is" : " clients are")
        << " to go\n";
  } else {
    out << "clients are let in\n";
  }
  return ExitCode::kOk;
}

Outcome Reload(const Args& args, PushClient* client, std::ostream& out) {
  const absl::StatusOr<ReloadReport> report = client->Reload();
  if (!report.ok()) return report.status();
  if (!report->error.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("nothing was changed: ", report->error));
  }
  if (args.json) {
    wire::JsonWriter json;
    json.BeginObject().Key("changed").BeginArray();
    for (const std::string& key : report->changed) json.Text(key);
    json.EndArray().Key("need_restart").BeginArray();
    for (const std::string& key : report->need_restart) json.Text(key);
    out << json.EndArray().EndObject().text() << "\n";
    return ExitCode::kOk;
  }
  if (report->changed.empty()) out << "no option has changed that counts at once\n";
  for (const std::string& key : report->changed) out << key << " counts from now on\n";
  for (const std::string& key : report->need_restart) out << key << " waits for a restart\n";
  return ExitCode::kOk;
}

Outcome Trace(const Args& args, PushClient* client, std::ostream& out) {
  const absl::StatusOr<TraceReport> report =
      args.trace == TraceAct::kBegin ? client->BeginTrace(args.traced, absl::Seconds(args.seconds))
      : args.trace == TraceAct::kEnd ? client->EndTrace(args.traced)
                                     : client->Traces();
  if (!report.ok()) return report.status();
  if (!report->error.empty()) return absl::FailedPreconditionError(report->error);
  wire::JsonWriter json;
  json.BeginObject().Key("traces").BeginArray();
  for (const TraceOn& on : report->traces) {
    const TraceTarget& target = on.target;
    json.BeginObject();
    if (!target.key.empty()) json.Bytes("key", target.key);
    if (target.mid != 0) json.Key("mid").Signed(target.mid);
    if (!target.ip.empty()) json.Key("ip").Text(target.ip);
    json.Key("seconds_left").Number(on.seconds_left).EndObject();
    if (args.json) continue;
    out << (!target.key.empty() ? absl::StrCat("key ", Printable(target.key))
            : target.mid != 0   ? absl::StrCat("mid ", target.mid)
                                : absl::StrCat("ip ", Printable(target.ip)))
        << ": " << on.seconds_left << " s left\n";
  }
  if (args.json) {
    out << json.EndArray().EndObject().text() << "\n";
  } else if (report->traces.empty()) {
    out << "no trace is on\n";
  }
  return ExitCode::kOk;
}

Outcome Rooms(const Args& args, PushClient* client, std::ostream& out) {
  const absl::StatusOr<RoomList> list =
      client->Rooms(args.names.empty() ? "" : args.names[0], args.limit);
  if (!list.ok()) return list.status();
  if (args.json) {
    wire::JsonWriter json;
    json.BeginObject().Key("total").Number(list->total).Key("rooms").BeginArray();
    for (const RoomMembers& room : list->rooms) {
      json.BeginObject().Bytes("room", room.room);
      json.Key("members").Number(room.members).EndObject();
    }
    out << json.EndArray().EndObject().text() << "\n";
    return ExitCode::kOk;
  }
  out << "members  room\n";
  for (const RoomMembers& room : list->rooms) {
    out << absl::StrFormat("%7d  %s\n", room.members, Printable(room.room));
  }
  if (list->total > list->rooms.size()) {
    out << list->rooms.size() << " of " << list->total << " rooms: narrow the prefix or raise "
        << "--limit\n";
  }
  return ExitCode::kOk;
}

Outcome Online(const Args& args, PushClient* client, std::ostream& out) {
  const absl::StatusOr<std::vector<uint32_t>> online = client->Online(args.names);
  if (!online.ok()) return online.status();
  std::vector<bool> here(args.names.size());
  for (uint32_t index : *online) {
    if (index < here.size()) here[index] = true;
  }
  wire::JsonWriter json;
  json.BeginObject().Key("keys").BeginArray();
  for (size_t i = 0; i < here.size(); ++i) {
    json.BeginObject().Bytes("key", args.names[i]).Key("online").Bool(here[i]).EndObject();
    if (!args.json) {
      out << Printable(args.names[i]) << ": " << (here[i] ? "online" : "offline") << "\n";
    }
  }
  if (args.json) out << json.EndArray().EndObject().text() << "\n";
  return std::find(here.begin(), here.end(), false) == here.end() ? ExitCode::kOk
                                                                  : ExitCode::kPartial;
}

}  // namespace halley::ctl
