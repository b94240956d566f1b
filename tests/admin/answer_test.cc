#include "admin/answer.h"

#include <gtest/gtest.h>

#include <string>

#include "halley/admin.pb.h"

namespace halley::admin {
namespace {

TEST(Answer, WritesFieldsAsTheyStandAndZerosToo) {
  EXPECT_EQ(JsonAnswer(v1::RoomsReply()).body, R"({"rooms":[],"total":0})");
  v1::PushReply push;
  push.set_taken(2);
  push.add_sequence(uint64_t{1} << 60);
  EXPECT_EQ(JsonAnswer(push).body, R"({"taken":2,"refused":[],"sequence":["1152921504606846976"]})");
}

TEST(Answer, ErrorsHaveTheStatusThatFits) {
  EXPECT_EQ(ErrorAnswer(absl::InvalidArgumentError("a \"b\"")).body, R"({"error":"a \"b\""})");
  EXPECT_EQ(ErrorAnswer(absl::InvalidArgumentError("")).status, 400);
  EXPECT_EQ(ErrorAnswer(absl::UnavailableError("")).status, 503);
  EXPECT_EQ(ErrorAnswer(absl::DeadlineExceededError("")).status, 504);
  EXPECT_EQ(ErrorAnswer(absl::InternalError("")).status, 500);
}

TEST(Answer, ReadableTextIsUtf8AndLosesNoCharacter) {
  EXPECT_EQ(ReadableText("live://1"), "live://1");
  EXPECT_EQ(ReadableText("\xc3\xa4 \xf0\x9f\x98\x80"), "\xc3\xa4 \xf0\x9f\x98\x80");
  EXPECT_EQ(ReadableText("a\xff" "b"), "a\xef\xbf\xbd" "b");
  // A character that is cut off, in front of whole ones and at the end.
  EXPECT_EQ(ReadableText("\xc3" "x\xc3\xa4\xe2\x82"),
            "\xef\xbf\xbdx\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd");
  // An overlong form is none.
  EXPECT_EQ(ReadableText("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd");
}

}  // namespace
}  // namespace halley::admin
