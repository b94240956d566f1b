#include "journal/entry.h"

#include "absl/time/time.h"
#include "wire/json_writer.h"

namespace halley::journal {

std::string AccessLine(const Ended& ended, uint64_t wall_ms) {
  wire::JsonWriter json;
  json.BeginObject().Key("time").Text(absl::FormatTime(
      "%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(static_cast<int64_t>(wall_ms)), absl::UTCTimeZone()));
  json.Key("shard").Number(ended.shard).Key("transport").Text(ended.transport);
  if (!ended.dialect.empty()) json.Key("dialect").Text(ended.dialect);
  if (!ended.address.empty()) json.Key("address").Text(ended.address);
  json.Key("logged_in").Bool(ended.logged_in);
  if (ended.logged_in) {
    json.Bytes("key", ended.key).Key("mid").Signed(ended.mid);
    json.Bytes("room", ended.room);
  }
  // To the millisecond, so that no line is full of digits that say nothing.
  json.Key("seconds").Real(static_cast<double>(ended.lasted_ns / 1'000'000) / 1000);
  json.Key("reason").Text(ended.reason);
  if (ended.traffic.has_value()) {
    json.Key("bytes_sent").Number(ended.traffic->bytes_sent);
    json.Key("bytes_received").Number(ended.traffic->bytes_received);
    json.Key("retransmits").Number(ended.traffic->retransmits);
  }
  return json.EndObject().text() + "\n";
}

}  // namespace halley::journal
