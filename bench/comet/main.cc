// halley-comet-load: goim's job as a load. Logs clients in over TCP, pushes to their keys over gRPC with
// so many calls in flight, and counts what arrives.
//
//   halley-comet-load --comet 127.0.0.1:3109 --tcp 127.0.0.1:3101 --clients 1000 --batch 1
//                     --in-flight 64 --channels 2 --seconds 5
//
// Prints one JSON object. Exit code 1: a call failed, or not every push arrived.
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "comet/receivers.h"
#include "goim/comet.grpc.pb.h"
#include "wire/goim_frame.h"
#include "wire/json_writer.h"

namespace halley::comet {
namespace {

using Clock = std::chrono::steady_clock;

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

class Pusher {
 public:
  explicit Pusher(const Arguments& arguments) : arguments_(arguments), frame_(Frame()) {
    for (size_t i = 0; i < arguments.channels; ++i) {
      // Or all channels to one address would be one connection.
      grpc::ChannelArguments own;
      own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      stubs_.push_back(goim::comet::Comet::NewStub(grpc::CreateCustomChannel(
          arguments.comet, grpc::InsecureChannelCredentials(), own)));
    }
    for (size_t i = 0; i < arguments.in_flight; ++i) slots_.push_back(std::make_unique<Slot>());
  }

  void Run() {
    began_ = Clock::now();
    ends_ = began_ + std::chrono::duration_cast<Clock::duration>(
                         std::chrono::duration<double>(arguments_.seconds));
    running_ = slots_.size();
    for (size_t i = 0; i < slots_.size(); ++i) Next(i);
    while (running_.load(std::memory_order_acquire) > 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    took_s_ = std::chrono::duration<double>(Clock::now() - began_).count();
  }

  size_t calls() const { return calls_; }
  double took_s() const { return took_s_; }
  std::string fault() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return fault_;
  }
  // In microseconds, ascending.
  std::vector<double> Latencies() const {
    std::vector<double> all;
    for (const auto& slot : slots_) all.insert(all.end(), slot->took_us.begin(), slot->took_us.end());
    std::sort(all.begin(), all.end());
    return all;
  }

 private:
  struct Slot {
    std::unique_ptr<grpc::ClientContext> context;
    goim::comet::PushMsgReq request;
    goim::comet::PushMsgReply reply;
    Clock::time_point began;
    std::vector<double> took_us;
  };

  void Next(size_t index) {
    Slot& slot = *slots_[index];
    slot.began = Clock::now();
    if (slot.began >= ends_) {
      running_.fetch_sub(1, std::memory_order_release);
      return;
    }
    slot.context = std::make_unique<grpc::ClientContext>();
    slot.request.clear_keys();
    const size_t first = next_key_.fetch_add(arguments_.batch, std::memory_order_relaxed);
    for (size_t i = 0; i < arguments_.batch; ++i) {
      slot.request.add_keys(absl::StrCat("key-", (first + i) % arguments_.clients));
    }
    slot.request.set_protoop(kOp);
    slot.request.mutable_proto()->set_op(wire::op::kRaw);
    slot.request.mutable_proto()->set_body(frame_);
    stubs_[index % stubs_.size()]->async()->PushMsg(
        slot.context.get(), &slot.request, &slot.reply,
        [this, index](const grpc::Status& status) { Done(index, status); });
  }

  void Done(size_t index, const grpc::Status& status) {
    Slot& slot = *slots_[index];
    slot.took_us.push_back(
        std::chrono::duration<double, std::micro>(Clock::now() - slot.began).count());
    if (!status.ok()) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (fault_.empty()) fault_ = status.error_message();
      running_.fetch_sub(1, std::memory_order_release);
      return;
    }
    calls_.fetch_add(1, std::memory_order_relaxed);
    Next(index);
  }

  const Arguments& arguments_;
  const std::string frame_;
  std::vector<std::unique_ptr<goim::comet::Comet::Stub>> stubs_;
  std::vector<std::unique_ptr<Slot>> slots_;
  Clock::time_point began_;
  Clock::time_point ends_;
  double took_s_ = 0;
  std::atomic<size_t> next_key_{0};
  std::atomic<size_t> calls_{0};
  std::atomic<size_t> running_{0};
  std::mutex mutex_;
  std::string fault_;
};

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
  Pusher pusher(arguments);
  pusher.Run();
  const size_t keys = pusher.calls() * arguments.batch;
  const size_t received = receivers.WaitFor(keys);
  const std::vector<double> latencies = pusher.Latencies();
  const auto at = [&latencies](double share) {
    return latencies.empty() ? 0.0
                             : latencies[static_cast<size_t>(share * static_cast<double>(latencies.size() - 1))];
  };
  wire::JsonWriter json;
  json.BeginObject().Key("calls").Number(pusher.calls()).Key("keys").Number(keys);
  json.Key("received").Number(received).Key("seconds").Real(pusher.took_s());
  json.Key("calls_per_s").Real(static_cast<double>(pusher.calls()) / pusher.took_s());
  json.Key("keys_per_s").Real(static_cast<double>(keys) / pusher.took_s());
  json.Key("p50_us").Real(at(0.5)).Key("p99_us").Real(at(0.99)).EndObject();
  std::puts(json.text().c_str());
  const std::string fault = pusher.fault();
  if (!fault.empty()) std::fprintf(stderr, "halley-comet-load: a call failed: %s\n", fault.c_str());
  if (received != keys) std::fputs("halley-comet-load: not every push arrived\n", stderr);
  return fault.empty() && received == keys ? 0 : 1;
}

}  // namespace
}  // namespace halley::comet

int main(int argc, char** argv) { return halley::comet::Main(argc, argv); }
