#include "goim_logic/logic_transport.h"

#include <grpcpp/client_context.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "base/assert.h"
#include "goim/logic.grpc.pb.h"
#include "goim_logic/logic_channel.h"

namespace halley::goim_logic {
namespace {

using remote::AddressId;
using remote::Call;
using remote::CallKind;
using remote::ExchangeId;
using remote::Outcome;
using remote::Result;

constexpr int32_t kProtoVer = 1;
constexpr uint64_t kNsPerMs = 1'000'000;
constexpr int kWaitMsMax = 60'000;

// What is begun, and stays until gRPC has told of its end.
struct Exchange {
  ExchangeId id = 0;
  CallKind kind = CallKind::kConnect;
  grpc::ClientContext context;
  goim::logic::ConnectReq connect;
  goim::logic::ConnectReply connected;
  goim::logic::DisconnectReq disconnect;
  goim::logic::DisconnectReply disconnected;
  goim::logic::HeartbeatReq heartbeat;
  goim::logic::HeartbeatReply heard;
  goim::logic::ReceiveReq receive;
  goim::logic::ReceiveReply received;
  grpc::Status status;
};

struct Probing {
  AddressId address = 0;
  grpc::ClientContext context;
  goim::logic::PingReq request;
  goim::logic::PingReply reply;
  grpc::Status status;
};

void SetDeadline(grpc::ClientContext* context, uint64_t timeout_ms) {
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(timeout_ms));
}

// Of a call that was not answered with OK.
Outcome OutcomeOf(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::DEADLINE_EXCEEDED: return Outcome::kTimedOut;
    case grpc::StatusCode::UNAVAILABLE:
      // gRPC's own words, when there is no connection on which the call could have left.
      return absl::StartsWith(status.error_message(), "failed to connect to all addresses") ||
                     absl::StartsWith(status.error_message(), "DNS resolution failed")
                 ? Outcome::kNotSent
                 : Outcome::kFailed;
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::DATA_LOSS: return Outcome::kBadAnswer;
    default: return Outcome::kFailed;
  }
}

// Whether an error is gRPC's or the machine's, and not logic's answer.
bool IsOfTheRoad(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::UNIMPLEMENTED:
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DATA_LOSS: return true;
    default: return false;
  }
}

void ReadConnected(const goim::logic::ConnectReply& from, Result* result) {
  if (from.key().empty()) {
    result->outcome = Outcome::kBadAnswer;
    result->why = "logic names no key: it is to make one up where the client has none";
    return;
  }
  result->outcome = Outcome::kAnswered;
  backend::ConnectReply& to = result->connect;
  to.verdict = backend::ConnectVerdict::kAccepted;
  to.mid = from.mid();
  to.key = from.key();
  to.room = from.roomid();
  to.accepts.assign(from.accepts().begin(), from.accepts().end());
  to.idle_timeout_ms = static_cast<uint64_t>(std::max<int64_t>(from.heartbeat(), 0)) / kNsPerMs;
}

Result ResultOf(const Exchange& exchange) {
  Result result;
  const bool login = exchange.kind == CallKind::kConnect;
  if (exchange.status.ok()) {
    if (login) {
      ReadConnected(exchange.connected, &result);
    } else {
      result.outcome = Outcome::kAnswered;
    }
    return result;
  }
  if (login && !IsOfTheRoad(exchange.status)) {
    // What it says of it may repeat the token, and is told to nobody.
    result.outcome = Outcome::kAnswered;
    result.connect.verdict = backend::ConnectVerdict::kRefused;
    return result;
  }
  result.outcome = OutcomeOf(exchange.status);
  result.why = exchange.status.error_message();
  return result;
}

class LogicTransport final : public remote::Transport {
 public:
  explicit LogicTransport(std::string server) : server_(std::move(server)) {}

  ~LogicTransport() override {
    for (const auto& [key, exchange] : live_exchanges_) exchange->context.TryCancel();
    for (const auto& [key, probing] : live_probes_) probing->context.TryCancel();
    // gRPC's threads still use what is here.
    std::unique_lock<std::mutex> lock(mutex_);
    idle_.wait(lock, [this] { return begun_ == 0; });
    lock.unlock();
    if (bell_ >= 0) close(bell_);
  }

  remote::Traits traits() const override {
    remote::Traits traits;
    traits.repairs = true;
    traits.heartbeats = true;
    traits.messages = true;
    return traits;
  }

  void Add(AddressId address, std::string_view name) override {
    addresses_[address].name = std::string(name);
  }

  void Remove(AddressId address) override {
    addresses_.erase(address);
    // Whoever asks for the same number again will not be told of this one.
    probes_.erase(address);
  }

  void Start(ExchangeId id, AddressId address, absl::Span<const Call* const> calls,
             uint64_t timeout_ms) override {
    HALLEY_ASSERT(calls.size() == 1);  // traits().disconnects_max
    auto owned = std::make_unique<Exchange>();
    Exchange* const exchange = owned.get();
    live_exchanges_[exchange] = std::move(owned);
    exchange->id = id;
    exchange->kind = calls.front()->kind;
    SetDeadline(&exchange->context, timeout_ms);
    exchanges_[id] = exchange;
    Begin();
    Send(*calls.front(), exchange, StubOf(address));
  }

  void Cancel(ExchangeId id) override {
    const auto found = exchanges_.find(id);
    HALLEY_ASSERT(found != exchanges_.end());
    found->second->context.TryCancel();
    exchanges_.erase(found);
  }

  void Probe(AddressId address, uint64_t timeout_ms) override {
    auto owned = std::make_unique<Probing>();
    Probing* const probing = owned.get();
    live_probes_[probing] = std::move(owned);
    probing->address = address;
    SetDeadline(&probing->context, timeout_ms);
    // Until there is a connection, or the time is over.
    probing->context.set_wait_for_ready(true);
    probes_[address] = probing;
    Begin();
    StubOf(address)->async()->Ping(&probing->context, &probing->request, &probing->reply,
                                   [this, probing](const grpc::Status& status) {
                                     probing->status = status;
                                     End([&] { probed_.push_back(probing); });
                                   });
  }

  void Wait(int wake_fd, uint64_t wait_ms) override {
    OpenBell();
    // Without a bell (-1) what has ended is found when the wait is over.
    pollfd polled[] = {{wake_fd, POLLIN, 0}, {bell_, POLLIN, 0}};
    poll(polled, 2, static_cast<int>(std::min<uint64_t>(wait_ms, kWaitMsMax)));
  }

  void Report(remote::TransportSink* sink) override {
    std::vector<Exchange*> done;
    std::vector<Probing*> probed;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      done.swap(done_);
      probed.swap(probed_);
      uint64_t rung = 0;
      if (bell_ >= 0 && read(bell_, &rung, sizeof rung) < 0) rung = 0;  // it was not rung
    }
    for (Exchange* const ended : done) {
      const std::unique_ptr<Exchange> exchange = TakeFrom(&live_exchanges_, ended);
      // One that was given up is nobody's any more.
      if (exchanges_.erase(exchange->id) == 1) sink->OnDone(exchange->id, ResultOf(*exchange));
    }
    for (Probing* const ended : probed) {
      const std::unique_ptr<Probing> probing = TakeFrom(&live_probes_, ended);
      const auto found = probes_.find(probing->address);
      if (found == probes_.end() || found->second != ended) continue;
      probes_.erase(found);
      // A logic that does not know the call has answered, too.
      const bool usable = probing->status.ok() ||
                          probing->status.error_code() == grpc::StatusCode::UNIMPLEMENTED;
      sink->OnProbed(probing->address, usable, probing->status.error_message());
    }
  }

 private:
  struct Address {
    std::string name;
    std::unique_ptr<goim::logic::Logic::Stub> stub;  // null: nobody has asked yet
  };

  goim::logic::Logic::Stub* StubOf(AddressId id) {
    const auto found = addresses_.find(id);
    HALLEY_ASSERT(found != addresses_.end());
    Address& address = found->second;
    if (address.stub == nullptr) {
      address.stub = goim::logic::Logic::NewStub(NewLogicChannel(address.name, kAnswerBytesMax));
    }
    return address.stub.get();
  }

  template <typename What>
  static std::unique_ptr<What> TakeFrom(
      absl::flat_hash_map<What*, std::unique_ptr<What>>* live, What* what) {
    const auto found = live->find(what);
    HALLEY_ASSERT(found != live->end());
    std::unique_ptr<What> taken = std::move(found->second);
    live->erase(found);
    return taken;
  }

  void Send(const Call& call, Exchange* exchange, goim::logic::Logic::Stub* stub) {
    auto ended = [this, exchange](const grpc::Status& status) {
      exchange->status = status;
      End([&] { done_.push_back(exchange); });
    };
    grpc::ClientContext* const context = &exchange->context;
    switch (call.kind) {
      case CallKind::kConnect:
        exchange->connect.set_server(server_);
        exchange->connect.set_cookie(call.cookie);
        exchange->connect.set_token(call.token);
        stub->async()->Connect(context, &exchange->connect, &exchange->connected, std::move(ended));
        return;
      case CallKind::kDisconnect:
        exchange->disconnect.set_mid(call.mid);
        exchange->disconnect.set_key(call.key);
        exchange->disconnect.set_server(server_);
        stub->async()->Disconnect(context, &exchange->disconnect, &exchange->disconnected,
                                  std::move(ended));
        return;
      case CallKind::kOnline:
      case CallKind::kHeartbeat:
        exchange->heartbeat.set_mid(call.mid);
        exchange->heartbeat.set_key(call.key);
        exchange->heartbeat.set_server(server_);
        stub->async()->Heartbeat(context, &exchange->heartbeat, &exchange->heard, std::move(ended));
        return;
      case CallKind::kReceive:
        exchange->receive.set_mid(call.mid);
        exchange->receive.mutable_proto()->set_ver(kProtoVer);
        exchange->receive.mutable_proto()->set_op(call.op);
        exchange->receive.mutable_proto()->set_seq(call.seq);
        exchange->receive.mutable_proto()->set_body(call.body);
        stub->async()->Receive(context, &exchange->receive, &exchange->received, std::move(ended));
        return;
      case CallKind::kRefresh: break;  // traits().refreshes
    }
    HALLEY_ASSERT(false);
  }

  void Begin() {
    OpenBell();
    const std::lock_guard<std::mutex> lock(mutex_);
    ++begun_;
  }

  // On gRPC's thread. Under the lock to the end, so that the destructor waits for all of it.
  template <typename Keep>
  void End(Keep keep) {
    const std::lock_guard<std::mutex> lock(mutex_);
    keep();
    const uint64_t one = 1;
    // Full means that it has been rung.
    if (bell_ >= 0 && write(bell_, &one, sizeof one) < 0) return Ended();
    Ended();
  }

  void Ended() {
    if (--begun_ == 0) idle_.notify_all();
  }

  // Only when it is used: by then the shards' tables of descriptors have parted.
  void OpenBell() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (bell_ < 0) bell_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  }

  const std::string server_;
  // The engine's.
  absl::flat_hash_map<AddressId, Address> addresses_;
  absl::flat_hash_map<ExchangeId, Exchange*> exchanges_;  // those that somebody waits for
  absl::flat_hash_map<AddressId, Probing*> probes_;       // likewise
  // All that gRPC may still use. A context holds its channel, and a channel that ends on a thread of
  // gRPC's makes that thread wait for itself: so they end here, on the engine's.
  absl::flat_hash_map<Exchange*, std::unique_ptr<Exchange>> live_exchanges_;
  absl::flat_hash_map<Probing*, std::unique_ptr<Probing>> live_probes_;

  std::mutex mutex_;
  // Under mutex_.
  std::condition_variable idle_;
  size_t begun_ = 0;  // that gRPC has not told the end of
  int bell_ = -1;     // readable: something has ended; opened on the engine's thread, which may read it
  std::vector<Exchange*> done_;
  std::vector<Probing*> probed_;
};

}  // namespace

std::unique_ptr<remote::Transport> NewLogicTransport(std::string server) {
  return std::make_unique<LogicTransport>(std::move(server));
}

}  // namespace halley::goim_logic
