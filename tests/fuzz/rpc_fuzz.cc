// The push port's framing.
#include "fuzz/fuzz_feed.h"
#include "wire/rpc_frame.h"

namespace halley::wire::testing {
namespace {

struct RpcDecoder {
  static constexpr size_t kBytesMax = 300;

  Step Next(Inbox* inbox, std::string* transcript) {
    const size_t before = inbox->size();
    std::string_view payload;
    const DecodeStatus status = NextRpcFrame(inbox, kBytesMax, &payload);
    if (status != DecodeStatus::kDone) {
      HALLEY_ASSERT(inbox->size() == before);
      if (status == DecodeStatus::kMore) return Step::kMore;
      transcript->append(status == DecodeStatus::kBad ? "bad" : "too big");
      return Step::kOver;
    }
    HALLEY_ASSERT(!payload.empty() && payload.size() <= kBytesMax);
    HALLEY_ASSERT(before - inbox->size() == kRpcHeaderBytes + payload.size());
    transcript->append(payload).append("|");
    return Step::kAgain;
  }
  size_t inbox_bytes_max() const { return kRpcHeaderBytes + kBytesMax; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzDecoder(RpcDecoder{}, FuzzInput(data, size));
  return 0;
}

}  // namespace halley::wire::testing
