// The commands that go through the push port.
#pragma once

#include <istream>
#include <ostream>

#include "absl/status/statusor.h"
#include "halley/push_client.h"
#include "halleyctl/args.h"
#include "halleyctl/exit_code.h"

namespace halley::ctl {

// What a command did: kOk or kPartial. Otherwise why it could not: ExitCodeOf() names the code.
using Outcome = absl::StatusOr<ExitCode>;

Outcome Push(const Args& args, PushMessage message, PushClient* client, std::ostream& out);
Outcome Kick(const Args& args, PushClient* client, std::ostream& out);
Outcome Rooms(const Args& args, PushClient* client, std::ostream& out);
Outcome DrainOrUndrain(const Args& args, PushClient* client, std::ostream& out);
Outcome Trace(const Args& args, PushClient* client, std::ostream& out);
Outcome Reload(const Args& args, PushClient* client, std::ostream& out);
Outcome Online(const Args& args, PushClient* client, std::ostream& out);

// The message that the command line names. kInvalidArgument: it cannot be read.
absl::StatusOr<PushMessage> ReadMessage(const Args& args, std::istream& in);

}  // namespace halley::ctl
