// halleyctl listen: a client that logs in, keeps alive and prints what arrives.
#pragma once

#include <ostream>
#include <string>

#include "halleyctl/args.h"
#include "halleyctl/push_commands.h"

namespace halley::ctl {

// The token of the command line, or goim's JSON made of --key, --mid, --room and --accepts.
std::string TokenOf(const Args& args);

// Messages go to `out`, one a line; that it has logged in to `notes`. Ends after --count messages,
// or with the connection.
Outcome Listen(const Args& args, std::ostream& out, std::ostream& notes);

}  // namespace halley::ctl
