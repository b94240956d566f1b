#include "gateway/own_user.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "gtest/gtest.h"

namespace halley::gateway {
namespace {

std::string Message(const std::string& name, uid_t now) {
  return std::string(FindAccount(name, now).status().message());
}

TEST(OwnUser, IsFoundWithItsGroups) {
  const auto account = FindAccount("nobody", 0);
  ASSERT_TRUE(account.ok()) << account.status();
  const passwd* entry = getpwnam("nobody");
  EXPECT_EQ(account->user, entry->pw_uid);
  EXPECT_EQ(account->group, entry->pw_gid);
  EXPECT_EQ(std::ranges::count(account->groups, entry->pw_gid), 1);
}

TEST(OwnUser, HasToBeThere) {
  EXPECT_EQ(Message("no-such-user", 0),
            "gateway.user: 'no-such-user' is no user of this host: create it (useradd --system), or name "
            "another");
  EXPECT_EQ(Message("0", 0).substr(0, 30), "gateway.user: '0' is no user o") << "a name, not a number";
}

TEST(OwnUser, OnlyRootBecomesSomebodyElse) {
  const uid_t nobody = getpwnam("nobody")->pw_uid;
  EXPECT_TRUE(FindAccount("nobody", nobody).ok());
  EXPECT_EQ(Message("nobody", nobody - 1).substr(0, 71),
            "gateway.user: 'nobody' is not who this process runs as, user id " +
                std::to_string(nobody - 1) + ", ");
  EXPECT_NE(Message("root", 1), "");
}

TEST(OwnUser, WithoutANameNothingChanges) {
  const uid_t before = geteuid();
  EXPECT_TRUE(BecomeUser("").ok());
  EXPECT_EQ(geteuid(), before);
}

}  // namespace
}  // namespace halley::gateway
