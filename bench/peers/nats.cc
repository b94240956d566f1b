// NATS: lines of text, with a payload after MSG and PUB.
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "peers/peers.h"

namespace halley::peers {
namespace {

using wire::DecodeStatus;

constexpr size_t kLineBytesMax = 8192;

// Takes a line without its "\r\n".
DecodeStatus TakeLine(std::string_view bytes, std::string_view* line, size_t* used) {
  const size_t end = bytes.substr(0, kLineBytesMax).find("\r\n");
  if (end == std::string_view::npos) {
    return bytes.size() < kLineBytesMax ? DecodeStatus::kMore : DecodeStatus::kBad;
  }
  *line = bytes.substr(0, end);
  *used = end + 2;
  return DecodeStatus::kDone;
}

class Nats final : public load::Protocol {
 public:
  void Greet(uint32_t, std::string* out) override {
    // The PONG tells that the server has come past the subscription.
    absl::StrAppend(out, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB ", kChannel,
                    " 1\r\nPING\r\n");
  }

  DecodeStatus Hear(uint32_t, uint8_t* stage, std::string_view bytes, load::Ears* ears,
                    size_t* used) override {
    std::string_view line;
    const DecodeStatus status = TakeLine(bytes, &line, used);
    if (status != DecodeStatus::kDone) return status;
    if (line.substr(0, 4) == "MSG ") return HearMessage(line, bytes, ears, used);
    if (line == "PING") {
      ears->Say("PONG\r\n");
    } else if (line == "PONG" && *stage == 0) {
      *stage = 1;
      ears->OnLoggedIn();
    } else if (line.substr(0, 5) == "-ERR ") {
      return DecodeStatus::kBad;
    }
    return DecodeStatus::kDone;
  }

  void AppendHeartbeat(std::string*) override {}
  void AppendRoomChange(const std::string&, std::string*) override {}

 private:
  // MSG <subject> <sid> <size>, and the body in a line of its own.
  static DecodeStatus HearMessage(std::string_view line, std::string_view bytes, load::Ears* ears,
                                  size_t* used) {
    size_t size = 0;
    const size_t space = line.rfind(' ');
    if (!absl::SimpleAtoi(View(line.substr(space + 1)), &size) || size > (1 << 20)) {
      return DecodeStatus::kBad;
    }
    if (bytes.size() < *used + size + 2) return DecodeStatus::kMore;
    ears->OnPush(bytes.substr(*used, size));
    *used += size + 2;
    return DecodeStatus::kDone;
  }
};

class Pushes final : public Dialogue {
 public:
  // Verbose: each PUB is answered, so that pushes are counted like everybody's.
  void Greet(std::string* out) override {
    absl::StrAppend(out, "CONNECT {\"verbose\":true,\"pedantic\":false}\r\n");
  }
  void AppendPush(std::string_view body, std::string* out) override {
    absl::StrAppend(out, "PUB ", kChannel, " ", body.size(), "\r\n", View(body), "\r\n");
  }

  DecodeStatus TakeAnswer(std::string_view bytes, Answer* answer, std::string* out,
                          size_t* used) override {
    std::string_view line;
    const DecodeStatus status = TakeLine(bytes, &line, used);
    if (status != DecodeStatus::kDone) return status;
    if (line == "PING") out->append("PONG\r\n");
    if (line.substr(0, 5) == "-ERR ") answer->kind = Answer::kFailed;
    // The first is the answer to CONNECT.
    if (line == "+OK" && oks_++ > 0) answer->kind = Answer::kPushed;
    return DecodeStatus::kDone;
  }

 private:
  uint64_t oks_ = 0;
};

}  // namespace

std::unique_ptr<load::Protocol> OpenNats() { return std::make_unique<Nats>(); }
std::unique_ptr<Dialogue> NatsPushes() { return std::make_unique<Pushes>(); }

}  // namespace halley::peers
