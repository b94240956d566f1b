#include "halleyctl/text.h"

#include <gtest/gtest.h>

#include <string>

namespace halley::ctl {
namespace {

TEST(Printable, LeavesTextAlone) {
  EXPECT_EQ(Printable("live://1000 \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
            "live://1000 \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}

TEST(Printable, EscapesWhatATerminalObeys) {
  EXPECT_EQ(Printable("\x1b[2J\x7f\r\n\t"), "\\x1b[2J\\x7f\\x0d\\n\\t");
  EXPECT_EQ(Printable(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(Printable("a\\b"), "a\\\\b");
  // U+009B, the one-character form of ESC [.
  EXPECT_EQ(Printable("\xc2\x9b"), "\\xc2\\x9b");
  EXPECT_EQ(Printable("\xc2\xa0"), "\xc2\xa0");
}

TEST(Printable, EscapesWhatIsNotUtf8) {
  EXPECT_EQ(Printable("a\xff\xc2"), "a\\xff\\xc2");
  EXPECT_EQ(Printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");
}

TEST(HumanBytes, PicksAUnit) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(1023), "1023 B");
  EXPECT_EQ(HumanBytes(1024), "1.0 KiB");
  EXPECT_EQ(HumanBytes(1536 * 1024), "1.5 MiB");
  EXPECT_EQ(HumanBytes(uint64_t{5} << 40), "5.0 TiB");
}

}  // namespace
}  // namespace halley::ctl
