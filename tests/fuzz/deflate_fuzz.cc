// permessage-deflate: the text that is negotiated over, what is inflated, and what is deflated.
#include "fuzz/fuzz_feed.h"
#include "wire/permessage_deflate.h"

namespace halley {
namespace {

using wire::InflateStatus;

constexpr size_t kBytesMax = 4096;

// What a client that knows one extension sends, and what it is answered.
constexpr std::string_view kHello("\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
constexpr std::string_view kPlain =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

void Negotiate(std::string_view offers) {
  const wire::DeflateAgreement agreement = wire::AgreeOnDeflate(offers);
  HALLEY_ASSERT(agreement.agreed || !agreement.window_offered);
  if (!agreement.agreed) return;
  std::string answer;
  wire::AppendDeflateAnswer(agreement, &answer);
  // Nothing that the client wrote is in it; and it can be agreed to in turn.
  HALLEY_ASSERT(answer == kPlain || answer == std::string(kPlain) + "; server_max_window_bits=12");
  HALLEY_ASSERT(wire::AgreeOnDeflate(answer).agreed);
  HALLEY_ASSERT(wire::AgreeOnDeflate("x-other; a=1, " + std::string(offers)).agreed);
}

// The limit is exact, and what one message leaves behind is nothing to the next.
void Inflate(std::string_view payload) {
  std::string_view message;
  const InflateStatus status = wire::InflateMessage(payload, kBytesMax, &message);
  HALLEY_ASSERT(status != InflateStatus::kDone || message.size() <= kBytesMax);
  const std::string inflated(status == InflateStatus::kDone ? message : "");
  HALLEY_ASSERT(wire::InflateMessage(kHello, kBytesMax, &message) == InflateStatus::kDone);
  HALLEY_ASSERT(message == "Hello");
  HALLEY_ASSERT(wire::InflateMessage(payload, kBytesMax, &message) == status);
  if (status != InflateStatus::kDone) return;
  HALLEY_ASSERT(message == inflated);
  HALLEY_ASSERT(wire::InflateMessage(payload, inflated.size(), &message) == InflateStatus::kDone);
  HALLEY_ASSERT(message == inflated);
  if (inflated.empty()) return;
  HALLEY_ASSERT(wire::InflateMessage(payload, inflated.size() - 1, &message) ==
                InflateStatus::kTooBig);
}

void Deflate(std::string_view text) {
  std::string deflated;
  wire::DeflateMessage({text.substr(0, text.size() / 2), text.substr(text.size() / 2)}, &deflated);
  std::string_view message;
  HALLEY_ASSERT(wire::InflateMessage(deflated, text.size(), &message) == InflateStatus::kDone);
  HALLEY_ASSERT(message == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* const memory = new wire::testing::GuardedBytes(wire::testing::kFuzzBytesMax);
  const wire::Inbox placed = memory->Place(wire::testing::FuzzInput(data, size), /*at_end=*/true);
  Negotiate(placed.view());
  Inflate(placed.view());
  Deflate(placed.view());
  return 0;
}

}  // namespace halley
