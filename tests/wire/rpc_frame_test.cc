#include "wire/rpc_frame.h"

#include <gtest/gtest.h>

#include <string>

#include "wire/decoder_test.h"
#include "wire/vectors.h"

namespace halley::wire {
namespace {

using testing::CheckDecoder;
using testing::LoadVector;
using testing::ParseVector;
using testing::Step;

constexpr size_t kBytesMax = 300;

struct RpcDecoder {
  size_t bytes_max = kBytesMax;

  Step Next(Inbox* inbox, std::string* transcript) {
    const char* const before = inbox->begin;
    std::string_view payload;
    switch (NextRpcFrame(inbox, bytes_max, &payload)) {
      case DecodeStatus::kDone:
        transcript->append("[").append(payload).append("]");
        return Step::kAgain;
      case DecodeStatus::kMore:
        EXPECT_EQ(inbox->begin, before) << "kMore takes nothing";
        return Step::kMore;
      case DecodeStatus::kBad:
        transcript->append("bad");
        break;
      case DecodeStatus::kTooBig:
        transcript->append("too big");
        break;
    }
    EXPECT_EQ(inbox->begin, before);
    return Step::kOver;
  }
  size_t inbox_bytes_max() const { return kRpcHeaderBytes + bytes_max; }
};

TEST(RpcFrame, TakesFramesOneAfterTheOther) {
  EXPECT_EQ(CheckDecoder(RpcDecoder{}, LoadVector("rpc_frames")),
            std::string("[hello][") + '\0' + ']');
}

TEST(RpcFrame, RefusesAFrameOfNothing) {
  EXPECT_EQ(CheckDecoder(RpcDecoder{}, ParseVector("00000001 \"x\" 00000000")), "[x]bad");
}

TEST(RpcFrame, TakesTheLargestFrameAndRefusesOneByteMoreAtItsLength) {
  const std::string body(kBytesMax, 'b');
  EXPECT_EQ(CheckDecoder(RpcDecoder{}, ParseVector("0000012c") + body), "[" + body + "]");
  EXPECT_EQ(CheckDecoder(RpcDecoder{}, ParseVector("0000012d")), "too big");
  EXPECT_EQ(CheckDecoder(RpcDecoder{}, ParseVector("ffffffff")), "too big");
}

}  // namespace
}  // namespace halley::wire
