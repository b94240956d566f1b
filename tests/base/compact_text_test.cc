#include "base/compact_text.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace halley::base {
namespace {

TEST(CompactText, KeepsAnyBytes) {
  for (const size_t bytes : {0u, 1u, 36u, 255u, 256u, 65535u}) {
    std::string text(bytes, 'x');
    if (bytes > 2) text[1] = '\0';
    const CompactText compact(text);
    EXPECT_EQ(compact.view(), text) << bytes;
  }
  EXPECT_EQ(CompactText().view(), "");
}

TEST(CompactText, MovesAndIsEmptyAfterwards) {
  CompactText a("text");
  CompactText b = std::move(a);
  EXPECT_EQ(b.view(), "text");
  EXPECT_EQ(a.view(), "");
  b = {};
  EXPECT_EQ(b.view(), "");
}

TEST(CompactTextDeathTest, HasALimit) {
  EXPECT_DEATH(CompactText(std::string(65536, 'x')), "");
}

static_assert(sizeof(CompactText) == 8);

}  // namespace
}  // namespace halley::base
