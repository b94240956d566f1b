// The user that the gateway is when it serves: started as root, it opens what only root may open, and
// then becomes gateway.user, for good.
//
// Threads    BecomeUser() on the main thread, before any shard and any ring there is: the C library has
//            every thread of the process follow, but what a ring remembers of who made it stays.
// Errors     One sentence of cause and cure. After a failure of BecomeUser() the process may be half of
//            each, and is to end.
// Limits     The user's groups are those of the system's database, at most kGroupsMax.
// Source     setgroups(2), setresuid(2), nptl(7), capabilities(7): an effective user id that goes from 0
//            to another takes every capability with it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace halley::gateway {

struct Account {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;  // all that it is in, `group` too
};

inline constexpr size_t kGroupsMax = 65536;  // NGROUPS_MAX of Linux

// Who that is, and whether this process, which runs as `now`, may become it.
absl::StatusOr<Account> FindAccount(const std::string& name, uid_t now);

// Nothing where `name` is empty, or where the process is that user already.
absl::Status BecomeUser(const std::string& name);

}  // namespace halley::gateway
