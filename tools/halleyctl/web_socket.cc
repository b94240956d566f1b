#include "halleyctl/web_socket.h"

#include <sys/random.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "wire/http_answer.h"

namespace halley::ctl {
namespace {

template <size_t kBytes>
std::string RandomBytes() {
  std::string bytes(kBytes, '\0');
  HALLEY_ASSERT(getrandom(bytes.data(), kBytes, 0) == kBytes);
  return bytes;
}

// The value of a header in an HTTP response's head; empty when it is not there.
std::string HeaderOf(const std::string& head, const char* name) {
  for (absl::string_view line : absl::StrSplit(head, "\r\n")) {
    const size_t colon = line.find(':');
    if (colon != absl::string_view::npos && absl::EqualsIgnoreCase(line.substr(0, colon), name)) {
      return std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)));
    }
  }
  return "";
}

// What Sec-WebSocket-Accept must be for this key: what our own server would answer.
std::string AcceptOf(const std::string& key) {
  std::string answer;
  wire::AppendUpgradeAccepted({.key = key}, &answer);
  return HeaderOf(answer, "Sec-WebSocket-Accept");
}

absl::Status Broken(const char* what) {
  return absl::DataLossError(absl::StrCat("the node broke the WebSocket protocol: ", what));
}

}  // namespace

absl::StatusOr<WsUrl> ParseWsUrl(const std::string& url) {
  absl::string_view rest = url;
  const bool secure = absl::ConsumePrefix(&rest, "wss://");
  if (!secure && !absl::ConsumePrefix(&rest, "ws://")) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", url, "' is no address: write ws://host:port/sub"));
  }
  const size_t slash = rest.find('/');
  const bool pathless = slash == absl::string_view::npos;
  WsUrl result{std::string(rest.substr(0, slash)),
               pathless ? "/sub" : std::string(rest.substr(slash)), secure};
  const size_t colon = result.address.rfind(':');
  if (colon == std::string::npos || absl::EndsWith(result.address, "]")) {
    result.address += secure ? ":443" : ":80";
  }
  return result;
}

absl::StatusOr<WebSocket> WebSocket::Dial(const WsUrl& url, Clock::time_point deadline,
                                          const Security& security) {
  absl::StatusOr<TcpStream> stream = TcpStream::Dial(url.address, deadline, security);
  if (!stream.ok()) return stream.status();
  WebSocket socket(*std::move(stream));
  if (absl::Status status = socket.Upgrade(url, deadline); !status.ok()) return status;
  return socket;
}

absl::Status WebSocket::Upgrade(const WsUrl& url, Clock::time_point deadline) {
  const std::string key = absl::Base64Escape(RandomBytes<16>());
  absl::Status status = stream_.Send(
      absl::StrCat("GET ", url.path, " HTTP/1.1\r\nHost: ", url.address,
                   "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ", key,
                   "\r\nSec-WebSocket-Version: 13\r\n\r\n"),
      deadline);
  size_t end = std::string::npos;
  while (status.ok() && (end = unread_.find("\r\n\r\n")) == std::string::npos) {
    if (unread_.size() > kHeaderBytesMax) return Broken("its answer has no end");
    status = stream_.Receive(&unread_, deadline);
  }
  if (!status.ok()) return status;
  const std::string head = unread_.substr(0, end);
  unread_.erase(0, end + 4);
  const std::string line = head.substr(0, head.find("\r\n"));
  if (!absl::StartsWith(line, "HTTP/1.1 101 ")) {
    return absl::PermissionDeniedError(absl::StrCat("the node answers '", line,
                                                    "' instead of opening a WebSocket: check ",
                                                    "address and path"));
  }
  if (HeaderOf(head, "Sec-WebSocket-Accept") != AcceptOf(key)) {
    return Broken("Sec-WebSocket-Accept is wrong");
  }
  return absl::OkStatus();
}

absl::Status WebSocket::SendBinary(std::string_view payload, Clock::time_point deadline) {
  return SendFrame(Opcode::kBinary, payload, deadline);
}

absl::Status WebSocket::SendFrame(Opcode opcode, std::string_view payload,
                                  Clock::time_point deadline) {
  char header[10];
  size_t header_bytes = 2;
  header[0] = static_cast<char>(0x80 | static_cast<uint8_t>(opcode));
  if (payload.size() < 126) {
    header[1] = static_cast<char>(0x80 | payload.size());
  } else if (payload.size() <= 0xffff) {
    header[1] = static_cast<char>(0x80 | 126);
    base::StoreBe16(header + 2, static_cast<uint16_t>(payload.size()));
    header_bytes = 4;
  } else {
    header[1] = static_cast<char>(0x80 | 127);
    base::StoreBe64(header + 2, payload.size());
    header_bytes = 10;
  }
  const std::string mask = RandomBytes<4>();
  std::string frame(header, header_bytes);
  frame += mask;
  frame += payload;
  char* masked = frame.data() + header_bytes + 4;
  for (size_t i = 0; i < payload.size(); ++i) {
    masked[i] = static_cast<char>(masked[i] ^ mask[i % 4]);
  }
  return stream_.Send(frame, deadline);
}

absl::Status WebSocket::Need(size_t bytes, Clock::time_point deadline) {
  while (unread_.size() < bytes) {
    if (absl::Status status = stream_.Receive(&unread_, deadline); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// Takes nothing from unread_ until the whole frame is there, so that a deadline in between loses
// nothing.
absl::StatusOr<WebSocket::Frame> WebSocket::ReceiveFrame(Clock::time_point deadline) {
  if (absl::Status status = Need(2, deadline); !status.ok()) return status;
  const auto first = static_cast<uint8_t>(unread_[0]);
  const auto second = static_cast<uint8_t>(unread_[1]);
  if ((first & 0x70) != 0) return Broken("a reserved bit is set");
  if ((second & 0x80) != 0) return Broken("a frame is masked");
  uint64_t bytes = second & 0x7f;
  size_t header_bytes = 2;
  if (bytes >= 126) {
    header_bytes += bytes == 126 ? 2 : 8;
    if (absl::Status status = Need(header_bytes, deadline); !status.ok()) return status;
    const char* length = unread_.data() + 2;
    bytes = bytes == 126 ? base::LoadBe16(length) : base::LoadBe64(length);
    if (bytes < 126 || (header_bytes == 10 && bytes <= 0xffff)) {
      return Broken("a length is not minimal");
    }
  }
  if (bytes > kMessageBytesMax) return Broken("a message is above 64 MiB");
  if (absl::Status status = Need(header_bytes + bytes, deadline); !status.ok()) return status;
  Frame frame{static_cast<Opcode>(first & 0x0f), (first & 0x80) != 0,
              unread_.substr(header_bytes, bytes)};
  unread_.erase(0, header_bytes + bytes);
  return frame;
}

absl::Status WebSocket::Receive(std::string* message, Clock::time_point deadline) {
  for (;;) {
    absl::StatusOr<Frame> frame = ReceiveFrame(deadline);
    if (!frame.ok()) return frame.status();
    const bool control = static_cast<uint8_t>(frame->opcode) >= 8;
    if (control && (!frame->fin || frame->payload.size() > 125)) {
      return Broken("a control frame is fragmented or too long");
    }
    switch (frame->opcode) {
      case Opcode::kPing: {
        absl::Status status = SendFrame(Opcode::kPong, frame->payload, deadline);
        if (!status.ok()) return status;
        continue;
      }
      case Opcode::kPong:
        continue;
      case Opcode::kClose:
        return OnClose(frame->payload, deadline);
      case Opcode::kContinuation:
      case Opcode::kText:
      case Opcode::kBinary:
        break;
      default:
        return Broken("an opcode is unknown");
    }
    if ((frame->opcode == Opcode::kContinuation) != in_message_) {
      return Broken("fragments are out of order");
    }
    partial_ += frame->payload;
    in_message_ = !frame->fin;
    if (partial_.size() > kMessageBytesMax) return Broken("a message is above 64 MiB");
    if (in_message_) continue;
    *message = std::exchange(partial_, std::string());
    return absl::OkStatus();
  }
}

absl::Status WebSocket::OnClose(std::string_view payload, Clock::time_point deadline) {
  if (payload.size() >= 2) close_code_ = base::LoadBe16(payload.data());
  // The node may be gone already; it is over either way.
  (void)SendFrame(Opcode::kClose, payload.substr(0, payload.size() >= 2 ? 2 : 0), deadline);
  return absl::UnavailableError(
      absl::StrCat("the node closed the connection with code ", close_code_));
}

}  // namespace halley::ctl
