// A transport that does nothing but remember, and a sink for answers; a test ends exchanges itself.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "remote/engine.h"

namespace halley::remote {

inline constexpr uint64_t kMs = 1'000'000;

class FakeTransport final : public Transport {
 public:
  struct Started {
    ExchangeId id;
    AddressId address;
    std::vector<Call> calls;
    uint64_t timeout_ms;
  };

  Traits traits() const override { return traits_; }
  void Add(AddressId address, std::string_view name) override { names[address] = name; }
  void Remove(AddressId address) override { names.erase(address); }
  void Start(ExchangeId exchange, AddressId address, absl::Span<const Call* const> calls,
             uint64_t timeout_ms) override {
    Started started{exchange, address, {}, timeout_ms};
    for (const Call* const call : calls) started.calls.push_back(*call);
    open.push_back(std::move(started));
  }
  void Cancel(ExchangeId exchange) override { cancelled.push_back(exchange); }
  void Probe(AddressId address, uint64_t) override { probes.push_back(address); }
  void Wait(int, uint64_t) override {}
  void Report(TransportSink*) override {}

  Traits traits_;
  std::map<AddressId, std::string> names;
  std::vector<Started> open;  // begun; a test takes out what it ends
  std::vector<ExchangeId> cancelled;
  std::vector<AddressId> probes;
};

class FakeSink final : public AnswerSink {
 public:
  void OnAnswer(uint32_t, Answer answer) override { answers.push_back(std::move(answer)); }
  std::vector<Answer> answers;
};

}  // namespace halley::remote
