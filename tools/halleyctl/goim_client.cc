#include "halleyctl/goim_client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "wire/goim_frame.h"

namespace halley::ctl {
namespace {

constexpr int32_t kLoginSeq = 1;

std::string FrameOf(const GoimMessage& message) {
  std::string frame(wire::kGoimHeaderBytes, '\0');
  wire::WriteGoimHeader(frame.data(), message.ver, message.op, message.seq, message.body.size());
  return frame += message.body;
}

absl::Status Broken(const char* what) {
  return absl::DataLossError(absl::StrCat("the node broke goim's protocol: ", what));
}

// Takes whole frames from the front of `bytes`.
absl::Status TakeFrames(std::string_view* bytes, std::deque<GoimMessage>* messages) {
  for (;;) {
    wire::GoimFrame frame;
    size_t frame_bytes = 0;
    switch (wire::DecodeGoimFrame(*bytes, GoimClient::kFrameBodyBytesMax, &frame, &frame_bytes)) {
      case wire::DecodeStatus::kDone:
        messages->push_back({frame.op, frame.seq, frame.ver, std::string(frame.body)});
        bytes->remove_prefix(frame_bytes);
        break;
      case wire::DecodeStatus::kMore:
        return absl::OkStatus();
      case wire::DecodeStatus::kBad:
        return Broken("a frame's header is wrong");
      case wire::DecodeStatus::kTooBig:
        return Broken("a frame is above 64 MiB");
    }
  }
}

// One WebSocket message is one frame, and op 9 is a batch of them.
absl::Status TakeMessage(std::string_view bytes, std::deque<GoimMessage>* messages) {
  std::deque<GoimMessage> outer;
  absl::Status status = TakeFrames(&bytes, &outer);
  if (!status.ok()) return status;
  if (outer.size() != 1 || !bytes.empty()) return Broken("a message is not one frame");
  if (outer.front().op != wire::op::kRaw) {
    messages->push_back(std::move(outer.front()));
    return absl::OkStatus();
  }
  std::string_view inner = outer.front().body;
  status = TakeFrames(&inner, messages);
  if (!status.ok()) return status;
  return inner.empty() ? absl::OkStatus() : Broken("a batch ends within a frame");
}

}  // namespace

absl::StatusOr<std::unique_ptr<GoimClient>> GoimClient::DialTcp(const std::string& address,
                                                                absl::Duration timeout,
                                                                const Security& security) {
  absl::StatusOr<TcpStream> stream =
      TcpStream::Dial(address, DeadlineAfter(timeout), security);
  if (!stream.ok()) return stream.status();
  std::unique_ptr<GoimClient> client(new GoimClient());
  client->tcp_.emplace(*std::move(stream));
  return client;
}

absl::StatusOr<std::unique_ptr<GoimClient>> GoimClient::DialWebSocket(const std::string& url,
                                                                      absl::Duration timeout,
                                                                      const Security& security) {
  const absl::StatusOr<WsUrl> parsed = ParseWsUrl(url);
  if (!parsed.ok()) return parsed.status();
  absl::StatusOr<WebSocket> socket =
      WebSocket::Dial(*parsed, DeadlineAfter(timeout), parsed->secure ? security : Security());
  if (!socket.ok()) return socket.status();
  std::unique_ptr<GoimClient> client(new GoimClient());
  client->web_socket_.emplace(*std::move(socket));
  return client;
}

absl::Status GoimClient::Login(const std::string& token, absl::Duration timeout) {
  const Clock::time_point deadline = DeadlineAfter(timeout);
  absl::Status status = Send({wire::op::kAuth, kLoginSeq, 1, token}, timeout);
  while (status.ok() && messages_.empty()) status = Fill(deadline);
  if (absl::IsUnavailable(status)) {
    return absl::PermissionDeniedError(
        absl::StrCat("the login was refused (", status.message(), "): check the token"));
  }
  if (!status.ok()) return status;
  const GoimMessage answer = std::move(messages_.front());
  messages_.pop_front();
  if (answer.op != wire::op::kAuthReply || answer.seq != kLoginSeq) {
    return Broken("the login was not answered with op 8");
  }
  return absl::OkStatus();
}

absl::Status GoimClient::Send(const GoimMessage& message, absl::Duration timeout) {
  const std::string frame = FrameOf(message);
  const Clock::time_point deadline = DeadlineAfter(timeout);
  return tcp_ ? tcp_->Send(frame, deadline) : web_socket_->SendBinary(frame, deadline);
}

absl::Status GoimClient::SendRaw(std::string_view bytes, absl::Duration timeout) {
  const Clock::time_point deadline = DeadlineAfter(timeout);
  return tcp_ ? tcp_->Send(bytes, deadline) : web_socket_->SendRaw(bytes, deadline);
}

absl::Status GoimClient::Fill(Clock::time_point deadline) {
  if (web_socket_) {
    std::string message;
    absl::Status status = web_socket_->Receive(&message, deadline);
    return status.ok() ? TakeMessage(message, &messages_) : status;
  }
  if (absl::Status status = tcp_->Receive(&unread_, deadline); !status.ok()) return status;
  std::string_view bytes = unread_;
  absl::Status status = TakeFrames(&bytes, &messages_);
  unread_.erase(0, unread_.size() - bytes.size());
  return status;
}

absl::StatusOr<GoimMessage> GoimClient::Receive(absl::Duration timeout) {
  const Clock::time_point deadline = DeadlineAfter(timeout);
  while (messages_.empty()) {
    if (absl::Status status = Fill(deadline); !status.ok()) return status;
  }
  GoimMessage message = std::move(messages_.front());
  messages_.pop_front();
  return message;
}

}  // namespace halley::ctl
