// Calls: what is asked of bilibili discovery over HTTP, byte for byte as goim's own client asks: forms
// with their names in order, escaped as Go's url.QueryEscape() does.
//
// Ownership  Values.
// Source     bilibili/discovery naming/client.go, model/param.go; goim v2 cmd/comet/main.go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "discovery/discovery.h"
#include "wire/json_writer.h"

namespace halley::discovery {

struct Call {
  std::string url;
  std::string form;  // the body of a POST; empty: a GET
  uint32_t deadline_ms = 0;
};

// What became of a call.
struct Outcome {
  std::optional<Failure> failure;
  std::string body;  // without a failure
};

enum class Verb : uint8_t { kRegister, kRenew, kSet, kCancel };

// `node`: "host:port" of the registry.
Call CallFor(Verb verb, std::string_view node, const Instance& self, const Load& load);
// Asks for the instances of `appid`, once there is something newer than `latest`.
Call PollCall(std::string_view node, const Instance& self, std::string_view appid, int64_t latest);

// {"addrs":"...","conn_count":"5",...}: what goim's logic reads of a comet.
void WriteMetadata(const Instance& self, const Load& load, wire::JsonWriter* json);

}  // namespace halley::discovery
