// RFC 6455 from the server's side: what a client's frame costs before its payload can be read.
#include <benchmark/benchmark.h>

#include <string>

#include "wire/websocket.h"

namespace halley::wire {
namespace {

// In place, as a session unmasks; the begin is as unaligned as it is behind a header.
void BM_Unmask(benchmark::State& state) {
  const size_t bytes = static_cast<size_t>(state.range(0));
  std::string buffer(bytes + 6, 'x');
  uint32_t mask = 0x12345678;
  for (auto _ : state) {
    mask = UnmaskWs(buffer.data() + 6, buffer.data() + 6, bytes, mask);
    benchmark::DoNotOptimize(buffer.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Unmask)->Arg(16)->Arg(80)->Arg(1024)->Arg(4112);

// Towards the front, as when the fragments of a message are joined.
void BM_UnmaskMoving(benchmark::State& state) {
  const size_t bytes = static_cast<size_t>(state.range(0));
  std::string buffer(bytes + 6, 'x');
  for (auto _ : state) {
    benchmark::DoNotOptimize(UnmaskWs(buffer.data(), buffer.data() + 6, bytes, 0x12345678));
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_UnmaskMoving)->Arg(1024)->Arg(4112);

void BM_DecodeHeader(benchmark::State& state) {
  constexpr char kShort[] = "\x82\x90\x01\x02\x03\x04";
  constexpr char kLong[] = "\x82\xfe\x01\x00\x01\x02\x03\x04";
  const std::string_view bytes = state.range(0) == 0 ? std::string_view(kShort, sizeof kShort - 1)
                                                     : std::string_view(kLong, sizeof kLong - 1);
  WsHeader header;
  for (auto _ : state) {
    benchmark::DoNotOptimize(DecodeWsHeader(bytes, &header));
    benchmark::DoNotOptimize(header);
  }
}
BENCHMARK(BM_DecodeHeader)->ArgName("long")->Arg(0)->Arg(1);

void BM_WriteHeader(benchmark::State& state) {
  char to[kWsServerHeaderBytesMax];
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        WriteWsHeader(WsOpcode::kBinary, static_cast<size_t>(state.range(0)), to));
    benchmark::DoNotOptimize(to);
  }
}
BENCHMARK(BM_WriteHeader)->Arg(96)->Arg(4096);

}  // namespace
}  // namespace halley::wire
