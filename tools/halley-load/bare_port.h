// BarePort: the push port of halley-limit, which has no rooms and no shards: every push goes to
// everybody.
#pragma once

#include <memory>
#include <string>

#include "halley-load/push_port.h"

namespace halley::load {

absl::StatusOr<std::unique_ptr<PushPort>> OpenBarePort(const std::string& address);

}  // namespace halley::load
