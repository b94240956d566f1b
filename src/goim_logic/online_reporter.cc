#include "goim_logic/online_reporter.h"

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/byte_buffer.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "goim/logic.pb.h"
#include "goim_logic/logic_channel.h"
#include "wire/utf8.h"

namespace halley::goim_logic {
namespace {

constexpr char kRenewOnline[] = "/goim.logic.Logic/RenewOnline";
constexpr auto kReportMs = std::chrono::milliseconds(10'000);
// Of all comets' rooms, which come back: what goim's comets take.
constexpr int kAnswerBytesMax = 1 << 24;

}  // namespace

OnlineReporter::OnlineReporter(OnlineReporterSetup setup)
    : setup_(std::move(setup)), thread_([this] { Run(); }) {}

void OnlineReporter::Stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    if (under_way_ != nullptr) under_way_->TryCancel();
    stopped_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void OnlineReporter::Run() {
  bool told = true;
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopped_.wait_for(lock, told ? setup_.every : setup_.again, [this] { return stop_; })) {
    lock.unlock();
    told = Report();
    lock.lock();
  }
}

// True: it has been told, or there is nothing to tell.
bool OnlineReporter::Report() {
  const absl::StatusOr<RoomList> list = setup_.rooms();
  if (!list.ok()) {
    figures_.failed.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  goim::logic::OnlineReq request;
  request.set_server(setup_.server);
  for (const RoomMembers& each : list->rooms) {
    // One that is not UTF-8 would make all of the report unreadable.
    if (!wire::IsUtf8(each.room)) {
      figures_.rooms_left_out.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    (*request.mutable_roomcount())[each.room] = static_cast<int32_t>(
        std::min<uint64_t>(each.members, std::numeric_limits<int32_t>::max()));
  }
  if (request.roomcount().empty()) {
    figures_.no_rooms.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  const std::vector<std::string> addresses = setup_.addresses();
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (!Tell(addresses[turn_++ % addresses.size()], request)) continue;
    figures_.told.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  figures_.failed.fetch_add(1, std::memory_order_relaxed);
  return false;
}

bool OnlineReporter::Tell(const std::string& address, const goim::logic::OnlineReq& request) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kReportMs);
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stop_) return false;
    under_way_ = &context;
  }
  // As bytes: nobody reads the answer, and its map would be as large as all of goim.
  grpc::TemplatedGenericStub<goim::logic::OnlineReq, grpc::ByteBuffer> stub(
      NewLogicChannel(address, kAnswerBytesMax));
  grpc::CompletionQueue ended;
  const auto call = stub.PrepareUnaryCall(&context, kRenewOnline, request, &ended);
  grpc::ByteBuffer answer;
  grpc::Status status;
  call->StartCall();
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  ended.Next(&tag, &ok);
  const std::lock_guard<std::mutex> lock(mutex_);
  under_way_ = nullptr;
  return status.ok();
}

}  // namespace halley::goim_logic
