#include "gateway/own_user.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/assert.h"
#include "config/quote.h"

namespace halley::gateway {
namespace {

absl::Status Wrong(const std::string& name, absl::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat("gateway.user: ", config::Quote(name), " ", what));
}

// The database's answer needs room that is not known before.
constexpr size_t kEntryBytesMax = size_t{1} << 20;

}  // namespace

absl::StatusOr<Account> FindAccount(const std::string& name, uid_t now) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(1024);
  int error;
  while ((error = getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found)) == ERANGE &&
         buffer.size() < kEntryBytesMax) {
    buffer.resize(buffer.size() * 2);
  }
  if (found == nullptr) {
    // Some databases say ENOENT where others say nothing.
    return Wrong(name, error == 0 || error == ENOENT
                           ? "is no user of this host: create it (useradd --system), or name another"
                           : absl::StrCat("cannot be looked up (", std::strerror(error),
                                          "): see /etc/nsswitch.conf"));
  }
  if (now != 0 && now != entry.pw_uid) {
    return Wrong(name, absl::StrCat("is not who this process runs as, user id ", now,
                                    ", and only root can become somebody else: start it as root, "
                                    "or leave the option empty"));
  }
  Account account{.user = entry.pw_uid, .group = entry.pw_gid};
  int count = 32;
  account.groups.resize(count);
  while (getgrouplist(name.c_str(), account.group, account.groups.data(), &count) < 0) {
    const size_t room = account.groups.size() * 2;
    if (room > kGroupsMax) return Wrong(name, "is in more groups than Linux lets a process have");
    account.groups.resize(room);
    count = static_cast<int>(room);
  }
  account.groups.resize(count);
  return account;
}

absl::Status BecomeUser(const std::string& name) {
  if (name.empty()) return absl::OkStatus();
  const uid_t now = geteuid();
  const absl::StatusOr<Account> account = FindAccount(name, now);
  if (!account.ok()) return account.status();
  if (now != 0) return absl::OkStatus();
  // Groups first: without root's rights they could no longer be changed.
  if (setgroups(account->groups.size(), account->groups.data()) != 0 ||
      setresgid(account->group, account->group, account->group) != 0 ||
      setresuid(account->user, account->user, account->user) != 0) {
    return Wrong(name, absl::StrCat("cannot be become (", std::strerror(errno),
                                    "): a container needs the capabilities SETUID and SETGID for "
                                    "that; or start it as that user, without the option"));
  }
  // Nothing that follows may find the way back.
  HALLEY_ASSERT(account->user == 0 || setuid(0) != 0);
  return absl::OkStatus();
}

}  // namespace halley::gateway
