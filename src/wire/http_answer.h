// What the request for a WebSocket is answered with: goim's 101, byte for byte, and behind it what
// was agreed on; or a refusal that says in one sentence what is wrong and what to do.
//
// Ownership  Borrow for the call.
#pragma once

#include <string>

#include "wire/close_reason.h"
#include "wire/http_upgrade.h"

namespace halley::wire {

// Appends the 101 that accepts the request, as far as it was parsed.
void AppendUpgradeAccepted(const UpgradeRequest& request, std::string* out);

// What a client is told that has not been answered when its connection ends.
UpgradeRefusal RefusalOf(CloseReason reason);
UpgradeRefusal GopusherRefusalOf(CloseReason reason);

// Appends the whole response that refuses a request; the connection is to be closed behind it.
void AppendUpgradeRefused(UpgradeRefusal refusal, std::string* out);

}  // namespace halley::wire
