#include "config/reload.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "config/room_type.h"

namespace halley::config {
namespace {

// Whole sections end in a dot. What is not here sizes what is made once: shards, rings, listeners,
// buffers, and what was agreed on with clients.
constexpr absl::string_view kMayChange[] = {
    "limits.ip_connections", "limits.ip_connects_per_s", "limits.ip_connects_burst",
    "limits.connects_per_s", "limits.connects_burst", "limits.handshakes", "limits.messages_per_s",
    "limits.messages_burst", "limits.bytes_per_s", "limits.bytes_burst", "limits.rooms",
    "client.handshake_timeout_ms", "client.idle_timeout_ms", "client.lifetime_s",
    "client.sse_heartbeat_ms", "client.ops", "client.personal_queue_bytes",
    "client.personal_overflow", "client.stall_timeout_ms", "client.duplicate_key",
    "client.duplicate_key_max", "gopush.subscribers", "gopusher.time_window_s",
    "gopusher.duplicate", "goim_v1.idle_timeout_ms", "room.", "push.secret", "push.secret_file",
    "admin.token", "admin.token_file", "gateway.shutdown_timeout_ms", "gateway.drain_grace_ms",
    "gateway.drain_window_ms", "gateway.drain_retry_ms", "gateway.memory_mib", "gateway.log_level",
    "access_log."};

// What reads an option takes options that may be changed, though it does not change them.
bool Same(const OptionSpec& spec, const Options& a, const Options& b) {
  if (spec.number != nullptr) {
    return spec.number(const_cast<Options&>(a)) == spec.number(const_cast<Options&>(b));
  }
  if (spec.text != nullptr) {
    return spec.text(const_cast<Options&>(a)) == spec.text(const_cast<Options&>(b));
  }
  return spec.chosen(a) == spec.chosen(b);
}

// What counts connections or rooms for a limit has done so from the start, or not at all. A burst is no
// limit of its own.
bool BeginsOrEnds(const OptionSpec& spec, const Options& wanted, const Options& running) {
  if (spec.section != "limits" || absl::EndsWith(spec.name, "_burst")) return false;
  return (spec.number(const_cast<Options&>(wanted)) == 0) !=
         (spec.number(const_cast<Options&>(running)) == 0);
}

void Copy(const OptionSpec& spec, const Options& from, Options* to) {
  if (spec.number != nullptr) {
    spec.number(*to) = spec.number(const_cast<Options&>(from));
  } else if (spec.text != nullptr) {
    spec.text(*to) = spec.text(const_cast<Options&>(from));
  } else {
    spec.choose(*to, spec.chosen(from));
  }
}

bool SameRoom(const RoomOptions& a, const RoomOptions& b) {
  Options left;
  Options right;
  left.room = a;
  right.room = b;
  const auto specs = OptionTable();
  return std::all_of(specs.begin(), specs.end(), [&](const OptionSpec& spec) {
    return spec.section != kRoomSection || Same(spec, left, right);
  });
}

RoomType* FindType(std::vector<RoomType>& types, const std::string& name) {
  const auto found = std::find_if(types.begin(), types.end(),
                                  [&](const RoomType& type) { return type.name == name; });
  return found == types.end() ? nullptr : &*found;
}

// Types keep their places, by which rooms know them.
void TakeOverRoomTypes(const Options& wanted, Options* running, Changes* changes) {
  std::vector<RoomType> named = wanted.room_types;
  for (RoomType& type : running->room_types) {
    const RoomType* const now = FindType(named, type.name);
    const RoomOptions& options = now == nullptr ? wanted.room : now->options;
    if (SameRoom(type.options, options)) continue;
    type.options = options;
    changes->made.push_back(absl::StrCat(kRoomSection, ".", type.name));
  }
  for (const RoomType& type : named) {
    if (FindType(running->room_types, type.name) != nullptr) continue;
    running->room_types.push_back(type);
    changes->made.push_back(absl::StrCat(kRoomSection, ".", type.name));
  }
}

}  // namespace

bool MayChange(const OptionSpec& spec) {
  const std::string key = spec.Key();
  return std::any_of(std::begin(kMayChange), std::end(kMayChange), [&](absl::string_view each) {
    return each.back() == '.' ? absl::StartsWith(key, each) : key == each;
  });
}

absl::StatusOr<Changes> TakeOver(const Options& wanted, const Options& loaded, Options* running) {
  size_t types = running->room_types.size();
  for (const RoomType& type : wanted.room_types) {
    types += FindType(running->room_types, type.name) == nullptr ? 1 : 0;
  }
  if (types > kRoomTypesEverMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("this gateway has had ", types, " types of rooms, more than ", kRoomTypesEverMax,
                     ": restart it, so that it forgets those that are gone"));
  }
  Changes changes;
  for (const OptionSpec& spec : OptionTable()) {
    if (Same(spec, wanted, loaded)) continue;
    if (MayChange(spec) && !BeginsOrEnds(spec, wanted, *running)) {
      Copy(spec, wanted, running);
      changes.made.push_back(spec.Key());
    } else {
      changes.need_restart.push_back(spec.Key());
    }
  }
  TakeOverRoomTypes(wanted, running, &changes);
  return changes;
}

}  // namespace halley::config
