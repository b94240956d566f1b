#include "config/room_type.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace halley::config {
namespace {

constexpr size_t kNameBytesMax = 32;

}  // namespace

std::optional<absl::string_view> RoomTypeOf(absl::string_view section) {
  if (!absl::ConsumePrefix(&section, kRoomSection) || !absl::ConsumePrefix(&section, ".")) {
    return std::nullopt;
  }
  return section;
}

bool IsRoomTypeName(absl::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
         });
}

absl::Status SetInRoomType(absl::string_view name, Options* options,
                           absl::FunctionRef<absl::Status(Options*)> set) {
  std::vector<RoomType>& types = options->room_types;
  auto type = std::find_if(types.begin(), types.end(),
                           [name](const RoomType& each) { return each.name == name; });
  if (type == types.end()) {
    if (types.size() == kRoomTypesMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("there are more than ", kRoomTypesMax, " room types: remove some"));
    }
    type = types.insert(types.end(), {std::string(name), options->room});
  }
  Options as_if;
  as_if.room = type->options;
  const absl::Status status = set(&as_if);
  type->options = as_if.room;
  return status;
}

}  // namespace halley::config
