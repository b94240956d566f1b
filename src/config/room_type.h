// Room types: sections [room.NAME], whose options are those of [room] for rooms whose id begins with
// "NAME://".
//
// Threads    Any; no state.
#pragma once

#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "config/options.h"

namespace halley::config {

inline constexpr absl::string_view kRoomSection = "room";

// "live" of "room.live"; nullopt when the section is no room type's. The name is not judged.
std::optional<absl::string_view> RoomTypeOf(absl::string_view section);

// 1 to 32 letters, digits, "-" and "_".
bool IsRoomTypeName(absl::string_view name);

// Calls `set` with options whose `room` is that type's, and keeps what it made of them. A type that
// is named for the first time starts as `room` is. Fails when there would be too many types, or
// with what `set` returns.
absl::Status SetInRoomType(absl::string_view name, Options* options,
                           absl::FunctionRef<absl::Status(Options*)> set);

}  // namespace halley::config
