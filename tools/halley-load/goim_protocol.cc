#include <random>

#include "halley-load/dialect.h"
#include "halley-load/protocol.h"

namespace halley::load {
namespace {

using wire::DecodeStatus;

enum Stage : uint8_t { kUpgrading, kLoggingIn, kLive };

class GoimProtocol final : public Protocol {
 public:
  GoimProtocol(const Plan& plan, uint64_t seed)
      : plan_(plan), transport_(TransportOf(plan.options())), random_(seed) {}

  void Greet(uint32_t client, std::string* out) override {
    if (transport_ == Transport::kTcp) return AppendToken(client, out);
    AppendUpgradeRequest(plan_.options().clients_address, transport_, out);
  }

  DecodeStatus Hear(uint32_t client, uint8_t* stage, std::string_view bytes, Ears* ears,
                    size_t* used) override {
    if (*stage == kUpgrading) {
      if (transport_ != Transport::kTcp) return HearUpgrade(client, stage, bytes, ears, used);
      *stage = kLoggingIn;
    }
    Downlink downlink;
    const DecodeStatus status = NextDownlink(transport_, bytes, &downlink, used);
    if (status != DecodeStatus::kDone) return status;
    switch (downlink.kind) {
      case DownlinkKind::kFrames: {
        const bool whole = ForEachFrame(downlink.payload, [&](const wire::GoimFrame& frame) {
          OnFrame(frame, stage, ears);
        });
        return whole ? DecodeStatus::kDone : DecodeStatus::kBad;
      }
      case DownlinkKind::kPing:
        out_.clear();
        AppendPong(downlink.payload, Mask(), &out_);
        ears->Say(out_);
        return DecodeStatus::kDone;
      case DownlinkKind::kPong: return DecodeStatus::kDone;
      case DownlinkKind::kClose: ears->OnClosing(downlink.close_code); return DecodeStatus::kDone;
    }
    return DecodeStatus::kBad;
  }

  void AppendHeartbeat(std::string* out) override { AppendFrame(wire::op::kHeartbeat, "", out); }

  void AppendRoomChange(const std::string& room, std::string* out) override {
    AppendFrame(wire::op::kChangeRoom, room, out);
  }

 private:
  static Transport TransportOf(const LoadOptions& options) {
    return options.deflate ? Transport::kWebSocketDeflate : options.transport;
  }

  DecodeStatus HearUpgrade(uint32_t client, uint8_t* stage, std::string_view bytes, Ears* ears,
                           size_t* used) {
    const DecodeStatus status = TakeUpgradeAnswer(bytes, used);
    if (status != DecodeStatus::kDone) return status;
    *stage = kLoggingIn;
    out_.clear();
    AppendToken(client, &out_);
    ears->Say(out_);
    return status;
  }

  void OnFrame(const wire::GoimFrame& frame, uint8_t* stage, Ears* ears) {
    if (frame.op == plan_.options().op) [[likely]] return ears->OnPush(frame.body);
    if (frame.op == wire::op::kAuthReply && *stage == kLoggingIn) {
      *stage = kLive;
      return ears->OnLoggedIn();
    }
    if (frame.op == wire::op::kHeartbeatReply) return ears->OnHeartbeatReply();
    if (frame.op == wire::op::kChangeRoomReply) return ears->OnRoomChanged();
    ears->OnForeign();
  }

  void AppendToken(uint32_t client, std::string* out) {
    AppendFrame(wire::op::kAuth, plan_.TokenOf(client), out);
  }

  void AppendFrame(int32_t op, std::string_view body, std::string* out) {
    wire::GoimFrame frame;
    frame.op = op;
    frame.seq = 1;
    frame.ver = 1;
    frame.body = body;
    AppendUplink(transport_, frame, Mask(), out);
  }

  uint32_t Mask() { return static_cast<uint32_t>(random_()); }

  const Plan& plan_;
  const Transport transport_;
  std::mt19937_64 random_;
  std::string out_;  // scratch
};

}  // namespace

std::unique_ptr<Protocol> OpenGoimProtocol(const Plan& plan, uint64_t seed) {
  return std::make_unique<GoimProtocol>(plan, seed);
}

}  // namespace halley::load
