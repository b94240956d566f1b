// Reload: which options may change while the gateway runs, and changing them.
//
// Threads    Any; no state.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "config/options.h"
#include "config/table.h"

namespace halley::config {

// How many room types a gateway may have had, those included that its file no longer names.
inline constexpr size_t kRoomTypesEverMax = 256;

// Whether the option counts at once when it is read again; else it waits for a restart. So does a limit
// of [limits] that begins or ceases to be one, and a backend's list of addresses likewise.
bool MayChange(const OptionSpec& spec);

struct Changes {
  std::vector<std::string> made;           // keys: "client.idle_timeout_ms", "room.live"
  std::vector<std::string> need_restart;   // that are other than they were, and stay
};

// Takes over into `*running`, which were loaded as `loaded`, what `wanted` has otherwise. What has not
// changed stays as the gateway has worked it out (shard.shards = 0). A room type that is no longer named
// is as [room] is. Fails, and changes nothing, when there would be too many room types.
absl::StatusOr<Changes> TakeOver(const Options& wanted, const Options& loaded, Options* running);

}  // namespace halley::config
