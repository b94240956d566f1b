// Headers of the PROXY protocol, one behind the other.
#include "fuzz/fuzz_feed.h"
#include "io/proxy_header.h"

namespace halley::wire::testing {
namespace {

struct ProxyDecoder {
  static constexpr size_t kBytesMax = 300;  // of version 2

  Step Next(Inbox* inbox, std::string* transcript) {
    io::ProxyHeader header;
    const io::ProxyStatus status = io::DecodeProxyHeader(inbox->view(), &header, kBytesMax);
    if (status == io::ProxyStatus::kMore) return Step::kMore;
    if (status == io::ProxyStatus::kBad) {
      transcript->append("bad");
      return Step::kOver;
    }
    HALLEY_ASSERT(header.bytes > 0 && header.bytes <= inbox->size());
    HALLEY_ASSERT(header.bytes <= kBytesMax);
    HALLEY_ASSERT(header.source.find_first_not_of("0123456789abcdef:.[]") == std::string::npos);
    transcript->append(header.source).append("|");
    inbox->begin += header.bytes;
    return Step::kAgain;
  }
  size_t inbox_bytes_max() const { return kBytesMax; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzDecoder(ProxyDecoder{}, FuzzInput(data, size));
  return 0;
}

}  // namespace halley::wire::testing
