// nchan: plain WebSocket messages to subscribers, POST to push. Its answer counts subscribers.
#include <utility>

#include "halley-load/dialect.h"
#include "peers/peers.h"
#include "peers/web.h"

namespace halley::peers {
namespace {

using wire::DecodeStatus;

class Nchan final : public load::Protocol {
 public:
  explicit Nchan(std::string host) : host_(std::move(host)) {}

  void Greet(uint32_t, std::string* out) override {
    load::AppendUpgradeRequest(host_, load::Transport::kWebSocket, out);
  }

  DecodeStatus Hear(uint32_t, uint8_t* stage, std::string_view bytes, load::Ears* ears,
                    size_t* used) override {
    if (*stage == 0) {
      const DecodeStatus status = load::TakeUpgradeAnswer(bytes, used);
      if (status != DecodeStatus::kDone) return status;
      *stage = 1;
      ears->OnLoggedIn();
      return status;
    }
    WebMessage message;
    const DecodeStatus status = TakeWebMessage(bytes, &message, used);
    if (status != DecodeStatus::kDone) return status;
    switch (message.opcode) {
      case 1:
      case 2: ears->OnPush(message.payload); break;
      case 8: ears->OnClosing(0); break;
      case 9: {
        std::string pong;
        AppendWebMessage(10, message.payload, &pong);
        ears->Say(pong);
        break;
      }
      default: ears->OnForeign(); break;
    }
    return status;
  }

  void AppendHeartbeat(std::string*) override {}
  void AppendRoomChange(const std::string&, std::string*) override {}

 private:
  const std::string host_;
};

class Pushes final : public Dialogue {
 public:
  explicit Pushes(std::string host) : host_(std::move(host)) {}

  void AppendPush(std::string_view body, std::string* out) override {
    AppendPost("/pub", host_, "Accept: text/json\r\nContent-Type: application/octet-stream\r\n",
               body, out);
  }

  DecodeStatus TakeAnswer(std::string_view bytes, Answer* answer, std::string*,
                          size_t* used) override {
    int code = 0;
    std::string_view body;
    const DecodeStatus status = TakeHttpAnswer(bytes, &code, &body, used);
    if (status != DecodeStatus::kDone) return status;
    constexpr std::string_view kCount = "\"subscribers\":";
    const size_t at = body.find(kCount);
    uint64_t taken = 0;
    if (code / 100 != 2 || at == std::string_view::npos) {
      answer->kind = Answer::kFailed;
      return status;
    }
    for (size_t i = at + kCount.size(); i < body.size(); ++i) {
      if (body[i] == ' ') continue;
      if (body[i] < '0' || body[i] > '9') break;
      taken = taken * 10 + static_cast<uint64_t>(body[i] - '0');
    }
    *answer = {Answer::kPushed, taken};
    return status;
  }

  bool tells_taken() const override { return true; }

 private:
  const std::string host_;
};

}  // namespace

std::unique_ptr<load::Protocol> OpenNchan(const std::string& host) {
  return std::make_unique<Nchan>(host);
}
std::unique_ptr<Dialogue> NchanPushes(const std::string& host) {
  return std::make_unique<Pushes>(host);
}

}  // namespace halley::peers
