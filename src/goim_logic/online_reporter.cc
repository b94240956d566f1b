#include "goim_logic/online_reporter.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "goim/logic.grpc.pb.h"
#include "goim_logic/logic_channel.h"
#include "wire/utf8.h"

namespace halley::goim_logic {
namespace {

constexpr auto kReportMs = std::chrono::milliseconds(1000);

}  // namespace

OnlineReporter::OnlineReporter(OnlineReporterSetup setup)
    : setup_(std::move(setup)), thread_([this] { Run(); }) {}

OnlineReporter::~OnlineReporter() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    stopped_.notify_one();
  }
  thread_.join();
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
  if (!list.ok()) return false;
  goim::logic::OnlineReq request;
  request.set_server(setup_.server);
  for (const RoomMembers& each : list->rooms) {
    // One that is not UTF-8 would make all of the report unreadable.
    if (!wire::IsUtf8(each.room)) continue;
    (*request.mutable_roomcount())[each.room] = static_cast<int32_t>(
        std::min<uint64_t>(each.members, std::numeric_limits<int32_t>::max()));
  }
  if (request.roomcount().empty()) return true;
  for (size_t i = 0; i < setup_.addresses.size(); ++i) {
    const std::string& address = setup_.addresses[turn_++ % setup_.addresses.size()];
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kReportMs);
    context.set_wait_for_ready(true);
    context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    goim::logic::OnlineReply reply;
    const auto stub = goim::logic::Logic::NewStub(NewLogicChannel(address));
    if (stub->RenewOnline(&context, request, &reply).ok()) return true;
  }
  return false;
}

}  // namespace halley::goim_logic
