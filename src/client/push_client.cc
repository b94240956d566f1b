#include "halley/push_client.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "client/call_table.h"
#include "client/codec.h"
#include "client/pump.h"
#include "client/socket.h"
#include "halley/push.pb.h"
#include "wire/rpc_frame.h"

namespace halley {
namespace {

namespace v1 = push::v1;

// A frame's length is an unsigned 32-bit number, but protobuf's own limit is 2 GiB.
constexpr size_t kRequestBytesMax = 0x7fff'ffff;

void SetMessage(const PushMessage& from, v1::Message* to) {
  to->set_op(from.op);
  to->set_body(from.body);
  to->set_batch(from.batch);
  const int64_t confirm_ms = absl::ToInt64Milliseconds(absl::Ceil(from.confirm, absl::Milliseconds(1)));
  to->set_confirm_ms(static_cast<uint32_t>(std::clamp<int64_t>(confirm_ms, 0, UINT32_MAX)));
}

// How long the node may take to answer because it was asked to.
absl::Duration ConfirmOf(const v1::Request& request) {
  switch (request.call_case()) {
    case v1::Request::kPushKeys:
      return absl::Milliseconds(request.push_keys().message().confirm_ms());
    case v1::Request::kPushMids:
      return absl::Milliseconds(request.push_mids().message().confirm_ms());
    case v1::Request::kPushRooms:
      return absl::Milliseconds(request.push_rooms().message().confirm_ms());
    case v1::Request::kPushAll:
      return absl::Milliseconds(request.push_all().message().confirm_ms());
    default:
      return absl::ZeroDuration();
  }
}

v1::Request PushKeysRequest(PushClient::Names keys, const PushMessage& message) {
  v1::Request request;
  request.mutable_push_keys()->mutable_keys()->Add(keys.begin(), keys.end());
  SetMessage(message, request.mutable_push_keys()->mutable_message());
  return request;
}

v1::Request PushMidsRequest(PushClient::Mids mids, const PushMessage& message) {
  v1::Request request;
  request.mutable_push_mids()->mutable_mids()->Add(mids.begin(), mids.end());
  SetMessage(message, request.mutable_push_mids()->mutable_message());
  return request;
}

v1::Request PushRoomsRequest(PushClient::Names rooms, const PushMessage& message) {
  v1::Request request;
  request.mutable_push_rooms()->mutable_rooms()->Add(rooms.begin(), rooms.end());
  SetMessage(message, request.mutable_push_rooms()->mutable_message());
  return request;
}

v1::Request PushAllRequest(const PushMessage& message, uint32_t pace) {
  v1::Request request;
  SetMessage(message, request.mutable_push_all()->mutable_message());
  request.mutable_push_all()->set_pace(pace);
  return request;
}

v1::Request KickKeysRequest(PushClient::Names keys) {
  v1::Request request;
  request.mutable_kick_keys()->mutable_keys()->Add(keys.begin(), keys.end());
  return request;
}

v1::Request KickMidsRequest(PushClient::Mids mids) {
  v1::Request request;
  request.mutable_kick_mids()->mutable_mids()->Add(mids.begin(), mids.end());
  return request;
}

v1::RoomOrder OrderOf(RoomOrder order) {
  switch (order) {
    case RoomOrder::kName: break;
    case RoomOrder::kMembers: return v1::ROOM_ORDER_MEMBERS;
    case RoomOrder::kNone: return v1::ROOM_ORDER_NONE;
  }
  return v1::ROOM_ORDER_NAME;
}

v1::Request RoomsRequest(const std::string& prefix, uint32_t limit, RoomOrder order) {
  v1::Request request;
  request.mutable_rooms()->set_order(OrderOf(order));
  request.mutable_rooms()->set_prefix(prefix);
  request.mutable_rooms()->set_limit(limit);
  return request;
}

v1::Request OnlineRequest(PushClient::Names keys) {
  v1::Request request;
  request.mutable_online()->mutable_keys()->Add(keys.begin(), keys.end());
  return request;
}

v1::Request StatusRequest() {
  v1::Request request;
  request.mutable_status();
  return request;
}

uint32_t MillisecondsOf(absl::Duration duration) {
  return static_cast<uint32_t>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(duration), 0, UINT32_MAX));
}

v1::Request DrainRequest(std::optional<absl::Duration> grace, std::optional<absl::Duration> window) {
  v1::Request request;
  request.mutable_drain();
  if (grace.has_value()) request.mutable_drain()->set_grace_ms(MillisecondsOf(*grace));
  if (window.has_value()) request.mutable_drain()->set_window_ms(MillisecondsOf(*window));
  return request;
}

v1::Request UndrainRequest() {
  v1::Request request;
  request.mutable_undrain();
  return request;
}

v1::Request ReloadRequest() {
  v1::Request request;
  request.mutable_reload();
  return request;
}

void SetTarget(const TraceTarget& from, v1::TraceTarget* to) {
  to->set_key(from.key);
  to->set_mid(from.mid);
  to->set_ip(from.ip);
}

v1::Request TraceBeginRequest(const TraceTarget& target, absl::Duration lasts) {
  v1::Request request;
  SetTarget(target, request.mutable_trace_begin()->mutable_target());
  request.mutable_trace_begin()->set_seconds(static_cast<uint32_t>(
      std::clamp<int64_t>(absl::ToInt64Seconds(absl::Ceil(lasts, absl::Seconds(1))), 0, UINT32_MAX)));
  return request;
}

v1::Request TraceEndRequest(const TraceTarget& target) {
  v1::Request request;
  SetTarget(target, request.mutable_trace_end()->mutable_target());
  return request;
}

v1::Request TracesRequest() {
  v1::Request request;
  request.mutable_traces();
  return request;
}

absl::Status CheckOptions(const PushClientOptions& options) {
  if (options.in_flight_max == 0) {
    return absl::InvalidArgumentError("in_flight_max is 0: allow at least one call");
  }
  if (options.backoff_min <= absl::ZeroDuration() || options.backoff_max < options.backoff_min) {
    return absl::InvalidArgumentError(
        "backoff_min is not above 0 and at most backoff_max: correct them");
  }
  return absl::OkStatus();
}

// Null: plain.
absl::StatusOr<std::unique_ptr<tls::Client>> TlsFor(const PushTlsOptions& options) {
  if (!options.enabled) return nullptr;
  tls::ClientOptions client;
  client.ca_file = options.ca_file;
  client.certificate = {options.certificate_file, options.key_file};
  return tls::Client::Create(client);
}

}  // namespace

class PushClient::Impl {
 public:
  Impl(PushClientOptions options, client::HostPort to, std::unique_ptr<tls::Client> tls)
      : options_(options),
        calls_(options.in_flight_max, options.queued_bytes_max),
        pump_(std::move(options), std::move(to), std::move(tls), &calls_) {}
  Impl(PushClientOptions options, client::Socket socket)
      : options_(options),
        calls_(options.in_flight_max, options.queued_bytes_max),
        pump_(std::move(options), std::move(socket), &calls_) {}
  ~Impl() { pump_.Stop(); }

  absl::Status Connect() { return pump_.Start(); }
  void Drain() {
    HALLEY_ASSERT(!pump_.OnThread());
    calls_.Drain();
  }

  template <typename Result>
  void Start(v1::Request request, Callback<Result> done) {
    Begin(std::move(request), [done = std::move(done)](absl::Status status,
                                                       const v1::Reply& reply) mutable {
      if (!status.ok()) return done(std::move(status));
      Result result;
      client::Decode(reply, &result);
      done(std::move(result));
    });
  }

  template <typename Result>
  absl::StatusOr<Result> Wait(v1::Request request) {
    HALLEY_ASSERT(!pump_.OnThread());  // the answer could never come
    std::mutex mutex;
    std::condition_variable answered;
    std::optional<absl::StatusOr<Result>> answer;
    Start<Result>(std::move(request), [&](absl::StatusOr<Result> result) {
      // Told under the lock: once it is released, the waiting thread destroys all of this.
      const std::lock_guard<std::mutex> lock(mutex);
      answer = std::move(result);
      answered.notify_one();
    });
    std::unique_lock<std::mutex> lock(mutex);
    answered.wait(lock, [&answer] { return answer.has_value(); });
    return *std::move(answer);
  }

 private:
  void Begin(v1::Request request, client::Done done) {
    const uint64_t id = next_id_.fetch_add(1, std::memory_order_relaxed);
    request.set_id(id);
    const size_t bytes = request.ByteSizeLong();
    const uint32_t limit = pump_.message_bytes_max();
    if (bytes > kRequestBytesMax || (limit != 0 && bytes > limit)) {
      done(absl::InvalidArgumentError(
               absl::StrCat("the request has ", bytes, " bytes, above the node's limit of ", limit,
                            ": split it or raise push.message_bytes")),
           v1::Reply::default_instance());
      return;
    }
    std::string frame(wire::kRpcHeaderBytes + bytes, '\0');
    base::StoreBe32(frame.data(), static_cast<uint32_t>(bytes));
    request.SerializeWithCachedSizesToArray(
        reinterpret_cast<uint8_t*>(frame.data() + wire::kRpcHeaderBytes));
    const auto deadline =
        client::Clock::now() +
        absl::ToChronoNanoseconds(
            std::min(options_.call_timeout + ConfirmOf(request), absl::Hours(24 * 365)));
    const bool may_wait = options_.wait_when_full && !pump_.OnThread();
    if (calls_.Start(id, std::move(frame), deadline, may_wait, std::move(done))) pump_.Wake();
  }

  const PushClientOptions options_;
  std::atomic<uint64_t> next_id_{client::Pump::kHelloId + 1};
  client::CallTable calls_;
  client::Pump pump_;
};

PushClient::PushClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PushClient::~PushClient() = default;

absl::StatusOr<std::unique_ptr<PushClient>> PushClient::Connect(PushClientOptions options) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  absl::StatusOr<client::HostPort> to = client::ParseHostPort(options.address);
  if (!to.ok()) return to.status();
  absl::StatusOr<std::unique_ptr<tls::Client>> tls = TlsFor(options.tls);
  if (!tls.ok()) return tls.status();
  auto impl = std::make_unique<Impl>(std::move(options), *std::move(to), *std::move(tls));
  if (absl::Status status = impl->Connect(); !status.ok()) return status;
  return std::unique_ptr<PushClient>(new PushClient(std::move(impl)));
}

absl::StatusOr<std::unique_ptr<PushClient>> PushClient::Over(int fd, PushClientOptions options) {
  client::Socket socket = client::Socket::Adopt(fd);
  options.reconnect = false;
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  auto impl = std::make_unique<Impl>(std::move(options), std::move(socket));
  if (absl::Status status = impl->Connect(); !status.ok()) return status;
  return std::unique_ptr<PushClient>(new PushClient(std::move(impl)));
}

absl::StatusOr<PushReport> PushClient::PushKeys(Names keys, const PushMessage& message) {
  return impl_->Wait<PushReport>(PushKeysRequest(keys, message));
}
absl::StatusOr<PushReport> PushClient::PushMids(Mids mids, const PushMessage& message) {
  return impl_->Wait<PushReport>(PushMidsRequest(mids, message));
}
absl::StatusOr<PushReport> PushClient::PushRooms(Names rooms, const PushMessage& message) {
  return impl_->Wait<PushReport>(PushRoomsRequest(rooms, message));
}
absl::StatusOr<PushReport> PushClient::PushAll(const PushMessage& message, uint32_t pace) {
  return impl_->Wait<PushReport>(PushAllRequest(message, pace));
}
absl::StatusOr<PushReport> PushClient::KickKeys(Names keys) {
  return impl_->Wait<PushReport>(KickKeysRequest(keys));
}
absl::StatusOr<PushReport> PushClient::KickMids(Mids mids) {
  return impl_->Wait<PushReport>(KickMidsRequest(mids));
}
absl::StatusOr<RoomList> PushClient::Rooms(const std::string& prefix, uint32_t limit,
                                           RoomOrder order) {
  return impl_->Wait<RoomList>(RoomsRequest(prefix, limit, order));
}
absl::StatusOr<std::vector<uint32_t>> PushClient::Online(Names keys) {
  return impl_->Wait<std::vector<uint32_t>>(OnlineRequest(keys));
}
absl::StatusOr<NodeFigures> PushClient::Status() {
  return impl_->Wait<NodeFigures>(StatusRequest());
}
absl::StatusOr<PushReport> PushClient::BeginDrain(std::optional<absl::Duration> grace,
                                                  std::optional<absl::Duration> window) {
  return impl_->Wait<PushReport>(DrainRequest(grace, window));
}
absl::StatusOr<PushReport> PushClient::EndDrain() {
  return impl_->Wait<PushReport>(UndrainRequest());
}
absl::StatusOr<ReloadReport> PushClient::Reload() {
  return impl_->Wait<ReloadReport>(ReloadRequest());
}
absl::StatusOr<TraceReport> PushClient::BeginTrace(const TraceTarget& target, absl::Duration lasts) {
  return impl_->Wait<TraceReport>(TraceBeginRequest(target, lasts));
}
absl::StatusOr<TraceReport> PushClient::EndTrace(const TraceTarget& target) {
  return impl_->Wait<TraceReport>(TraceEndRequest(target));
}
absl::StatusOr<TraceReport> PushClient::Traces() { return impl_->Wait<TraceReport>(TracesRequest()); }

void PushClient::PushKeys(Names keys, const PushMessage& message, Callback<PushReport> done) {
  impl_->Start<PushReport>(PushKeysRequest(keys, message), std::move(done));
}
void PushClient::PushMids(Mids mids, const PushMessage& message, Callback<PushReport> done) {
  impl_->Start<PushReport>(PushMidsRequest(mids, message), std::move(done));
}
void PushClient::PushRooms(Names rooms, const PushMessage& message, Callback<PushReport> done) {
  impl_->Start<PushReport>(PushRoomsRequest(rooms, message), std::move(done));
}
void PushClient::PushAll(const PushMessage& message, uint32_t pace, Callback<PushReport> done) {
  impl_->Start<PushReport>(PushAllRequest(message, pace), std::move(done));
}
void PushClient::KickKeys(Names keys, Callback<PushReport> done) {
  impl_->Start<PushReport>(KickKeysRequest(keys), std::move(done));
}
void PushClient::KickMids(Mids mids, Callback<PushReport> done) {
  impl_->Start<PushReport>(KickMidsRequest(mids), std::move(done));
}
void PushClient::Rooms(const std::string& prefix, uint32_t limit, Callback<RoomList> done,
                       RoomOrder order) {
  impl_->Start<RoomList>(RoomsRequest(prefix, limit, order), std::move(done));
}
void PushClient::Online(Names keys, Callback<std::vector<uint32_t>> done) {
  impl_->Start<std::vector<uint32_t>>(OnlineRequest(keys), std::move(done));
}
void PushClient::Status(Callback<NodeFigures> done) {
  impl_->Start<NodeFigures>(StatusRequest(), std::move(done));
}

void PushClient::Drain() { impl_->Drain(); }

}  // namespace halley
