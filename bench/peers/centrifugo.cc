// Centrifugo: its JSON protocol on a WebSocket, one or more lines of JSON per message; pushes
// through its HTTP API. What it sends has a fixed shape, so it is looked through for what is wanted
// instead of being parsed in full.
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "halley-load/dialect.h"
#include "peers/peers.h"
#include "peers/web.h"

namespace halley::peers {
namespace {

using wire::DecodeStatus;

enum Stage : uint8_t { kUpgrading, kConnecting, kSubscribing, kLive };

class Centrifugo final : public load::Protocol {
 public:
  explicit Centrifugo(std::string host) : host_(std::move(host)) {}

  void Greet(uint32_t, std::string* out) override {
    load::AppendUpgradeRequest(host_, load::Transport::kWebSocket, out);
  }

  DecodeStatus Hear(uint32_t, uint8_t* stage, std::string_view bytes, load::Ears* ears,
                    size_t* used) override {
    if (*stage == kUpgrading) {
      const DecodeStatus status = load::TakeUpgradeAnswer(bytes, used);
      if (status != DecodeStatus::kDone) return status;
      *stage = kConnecting;
      Say("{\"id\":1,\"connect\":{}}", ears);
      return status;
    }
    WebMessage message;
    const DecodeStatus status = TakeWebMessage(bytes, &message, used);
    if (status != DecodeStatus::kDone) return status;
    if (message.opcode == 8) ears->OnClosing(0);
    if (message.opcode != 1) return DecodeStatus::kDone;
    const absl::string_view text = View(message.payload);
    for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      if (!HearLine(line, stage, ears)) return DecodeStatus::kBad;
    }
    return DecodeStatus::kDone;
  }

  void AppendHeartbeat(std::string*) override {}
  void AppendRoomChange(const std::string&, std::string*) override {}

 private:
  static void Say(std::string_view line, load::Ears* ears) {
    std::string out;
    AppendWebMessage(1, line, &out);
    ears->Say(out);
  }

  static bool HearLine(absl::string_view line, uint8_t* stage, load::Ears* ears) {
    constexpr absl::string_view kData = "\"data\":\"";
    const size_t data = line.find(kData);
    if (line.substr(0, 8) == "{\"push\":" && data != absl::string_view::npos) {
      const absl::string_view rest = line.substr(data + kData.size());
      std::string body;
      if (!absl::Base64Unescape(rest.substr(0, rest.find('"')), &body)) return false;
      ears->OnPush(body);
      return true;
    }
    if (line == "{}") {  // ping
      Say("{}", ears);
    } else if (line.find("\"error\"") != absl::string_view::npos) {
      return false;
    } else if (*stage == kConnecting) {
      *stage = kSubscribing;
      Say(absl::StrCat("{\"id\":2,\"subscribe\":{\"channel\":\"", kChannel, "\"}}"), ears);
    } else if (*stage == kSubscribing) {
      *stage = kLive;
      ears->OnLoggedIn();
    } else {
      ears->OnForeign();
    }
    return true;
  }

  const std::string host_;
};

class Pushes final : public Dialogue {
 public:
  explicit Pushes(std::string host) : host_(std::move(host)) {}

  void AppendPush(std::string_view body, std::string* out) override {
    AppendPost("/api/publish", host_, "X-API-Key: fan\r\nContent-Type: application/json\r\n",
               absl::StrCat("{\"channel\":\"", kChannel, "\",\"data\":\"",
                            absl::Base64Escape(View(body)),
                            "\"}"),
               out);
  }

  DecodeStatus TakeAnswer(std::string_view bytes, Answer* answer, std::string*,
                          size_t* used) override {
    int code = 0;
    std::string_view body;
    const DecodeStatus status = TakeHttpAnswer(bytes, &code, &body, used);
    if (status != DecodeStatus::kDone) return status;
    const bool pushed = code == 200 && body.find("\"result\"") != std::string_view::npos;
    answer->kind = pushed ? Answer::kPushed : Answer::kFailed;
    return status;
  }

 private:
  const std::string host_;
};

}  // namespace

std::unique_ptr<load::Protocol> OpenCentrifugo(const std::string& host) {
  return std::make_unique<Centrifugo>(host);
}
std::unique_ptr<Dialogue> CentrifugoPushes(const std::string& host) {
  return std::make_unique<Pushes>(host);
}

}  // namespace halley::peers
