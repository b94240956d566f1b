// halley-comet-load: goim's job as a load. Logs clients in over TCP, pushes to their keys over gRPC with
// so many calls in flight, and counts what arrives.
//
//   halley-comet-load --comet 127.0.0.1:3109 --tcp 127.0.0.1:3101 --clients 1000 --batch 1
//                     --in-flight 64 --channels 2 --seconds 5
//
// Prints one JSON object. Exit code 1: a call failed, or not every push arrived.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "comet/caller.h"
#include "comet/receivers.h"
#include "goim/comet.pb.h"
#include "wire/goim_frame.h"
#include "wire/json_writer.h"

namespace halley::comet {
namespace {

constexpr int32_t kOp = 1000;
constexpr size_t kBodyBytes = 64;

struct Arguments {
  std::string comet;
  std::string tcp;
  size_t clients = 1000;
  size_t batch = 1;
  size_t in_flight = 64;
  size_t channels = 2;
  double seconds = 5;
};

bool Parse(int argc, char** argv, Arguments* to) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const char* const value = argv[i + 1];
    if (name == "--comet") to->comet = value;
    else if (name == "--tcp") to->tcp = value;
    else if (name == "--clients") to->clients = std::strtoul(value, nullptr, 10);
    else if (name == "--batch") to->batch = std::strtoul(value, nullptr, 10);
    else if (name == "--in-flight") to->in_flight = std::strtoul(value, nullptr, 10);
    else if (name == "--channels") to->channels = std::strtoul(value, nullptr, 10);
    else if (name == "--seconds") to->seconds = std::strtod(value, nullptr);
    else return false;
  }
  return argc % 2 == 1 && !to->comet.empty() && !to->tcp.empty() && to->clients >= to->batch &&
         to->batch > 0 && to->in_flight > 0 && to->channels > 0;
}

std::string Frame() {
  std::string frame(wire::kGoimHeaderBytes, '\0');
  wire::WriteGoimHeader(frame.data(), 1, kOp, 0, kBodyBytes);
  return frame.append(kBodyBytes, 'x');
}

// The next keys' PushMsgReq each time.
std::function<void(std::string*)> Messages(const Arguments& arguments, const std::string& frame) {
  auto request = std::make_shared<goim::comet::PushMsgReq>();
  request->set_protoop(kOp);
  request->mutable_proto()->set_op(wire::op::kRaw);
  request->mutable_proto()->set_body(frame);
  auto next_key = std::make_shared<size_t>(0);
  return [=](std::string* message) {
    request->clear_keys();
    for (size_t i = 0; i < arguments.batch; ++i) {
      request->add_keys(absl::StrCat("key-", (*next_key)++ % arguments.clients));
    }
    request->SerializeToString(message);
  };
}

// Of no values: 0.
double At(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))];
}

int Main(int argc, char** argv) {
  Arguments arguments;
  if (!Parse(argc, argv, &arguments)) {
    std::fputs("usage: halley-comet-load --comet ADDR --tcp ADDR [--clients N] [--batch N] "
               "[--in-flight N] [--channels N] [--seconds S]\n", stderr);
    return 2;
  }
  Receivers receivers(Frame());
  if (const std::string fault = receivers.LogIn(arguments.tcp, arguments.clients); !fault.empty()) {
    std::fprintf(stderr, "halley-comet-load: %s\n", fault.c_str());
    return 1;
  }
  Caller caller({.address = arguments.comet,
                 .path = "/goim.comet.Comet/PushMsg",
                 .in_flight = arguments.in_flight,
                 .channels = arguments.channels,
                 .run_for = std::chrono::nanoseconds(static_cast<int64_t>(arguments.seconds * 1e9)),
                 .next = Messages(arguments, Frame())});
  const std::string fault = caller.Run();
  const size_t keys = caller.calls() * arguments.batch;
  const size_t received = receivers.WaitFor(keys);
  std::vector<double> took_us = caller.took_us();
  std::sort(took_us.begin(), took_us.end());
  wire::JsonWriter json;
  json.BeginObject().Key("calls").Number(caller.calls()).Key("keys").Number(keys);
  json.Key("received").Number(received).Key("seconds").Real(caller.seconds());
  json.Key("calls_per_s").Real(static_cast<double>(caller.calls()) / caller.seconds());
  json.Key("keys_per_s").Real(static_cast<double>(keys) / caller.seconds());
  json.Key("p50_us").Real(At(took_us, 0.5)).Key("p99_us").Real(At(took_us, 0.99)).EndObject();
  std::puts(json.text().c_str());
  if (!fault.empty()) std::fprintf(stderr, "halley-comet-load: %s\n", fault.c_str());
  if (received != keys) std::fputs("halley-comet-load: not every push arrived\n", stderr);
  return fault.empty() && received == keys ? 0 : 1;
}

}  // namespace
}  // namespace halley::comet

int main(int argc, char** argv) { return halley::comet::Main(argc, argv); }
