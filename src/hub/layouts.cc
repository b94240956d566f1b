#include "hub/layouts.h"

#include "wire/event_stream.h"
#include "wire/goim_v1.h"
#include "wire/gopush.h"
#include "wire/gopusher.h"
#include "wire/json_frame.h"
#include "wire/permessage_deflate.h"
#include "wire/websocket.h"

namespace halley::hub {

void Layouts::Make(wire::Encoding encoding, Layout* layout) {
  switch (encoding) {
    case wire::Encoding::kGoimTcp:
    case wire::Encoding::kGoimWebSocket: MakeFrame(encoding, layout); break;
    case wire::Encoding::kGoimWebSocketDeflate:
      MakeFrame(encoding, layout);
      if (deflate_bytes_ > 0) DeflateFrame(layout);
      break;
    case wire::Encoding::kJsonWebSocket: MakeJson(layout); break;
    case wire::Encoding::kJsonWebSocketDeflate:
      MakeJson(layout);
      if (deflate_bytes_ > 0) {
        Deflate(wire::WsOpcode::kText, {}, &memory_->deflated[1], layout);
      }
      break;
    case wire::Encoding::kEventStream: MakeEvent(layout); break;
    case wire::Encoding::kGopushTcp:
    case wire::Encoding::kGopushTcpText:
    case wire::Encoding::kGopushWebSocket:
    case wire::Encoding::kGopushWebSocketText: MakeGopush(encoding, layout); break;
    case wire::Encoding::kGopusher: MakeGopusher(layout); break;
    case wire::Encoding::kGoimV1Tcp:
    case wire::Encoding::kGoimV1WebSocket: MakeV1Frame(encoding, layout); break;
    case wire::Encoding::kGoimV1JsonArray:
    case wire::Encoding::kGoimV1Json:
    case wire::Encoding::kGoimV1LongPoll: MakeV1Json(encoding, layout); break;
  }
}

void Layouts::MakeFrame(wire::Encoding encoding, Layout* layout) {
  layout->SetBody(push_.body);
  layout->prefix_bytes_ = static_cast<uint16_t>(wire::WritePushPrefix(
      encoding, push_.op, push_.body.size(), push_.batch, layout->prefix_));
}

// With the end of an event behind it, so that it is made once for all that have it.
std::string_view Layouts::JsonEvent() {
  std::string& text = memory_->json;
  if (!json_made_) {
    json_made_ = true;
    text.clear();
    wire::AppendJsonPush(push_.op, push_.body, push_.batch, &text);
    text.append(wire::kEventEnd);
  }
  return text;
}

void Layouts::MakeJson(Layout* layout) {
  std::string_view text = JsonEvent();
  text.remove_suffix(wire::kEventEnd.size());
  layout->SetBody(text);
  layout->prefix_bytes_ = static_cast<uint16_t>(
      wire::WriteWsHeader(wire::WsOpcode::kText, text.size(), layout->prefix_));
}

void Layouts::MakeEvent(Layout* layout) {
  static_assert(wire::kEventPushBegin.size() <= sizeof layout->prefix_);
  layout->SetBody(JsonEvent());
  layout->prefix_bytes_ = static_cast<uint16_t>(
      wire::kEventPushBegin.copy(layout->prefix_, wire::kEventPushBegin.size()));
}

void Layouts::MakeGopush(wire::Encoding encoding, Layout* layout) {
  if (message_id_ == 0) {
    // One for each message that a batch may be.
    const size_t ids = push_.batch ? 1 + push_.body.size() / wire::kGoimHeaderBytes : 1;
    message_id_ = memory_->message_ids.Take(ids);
  }
  const auto index =
      static_cast<size_t>(encoding) - static_cast<size_t>(wire::Encoding::kGopushTcp);
  std::string& text = memory_->gopush[index];
  text.clear();
  wire::AppendGopushPush(encoding, push_.body, push_.batch, message_id_, &text);
  layout->SetBody(text);
  layout->prefix_bytes_ = 0;
}

// A message goes as it is; only a batch, of which each message has a header, is written anew.
void Layouts::MakeGopusher(Layout* layout) {
  if (push_.batch && wire::IsGoimBatch(push_.body)) {
    std::string& messages = memory_->gopusher;
    messages.clear();
    wire::AppendGopusherBatch(push_.body, &messages);
    layout->SetBody(messages);
    layout->prefix_bytes_ = 0;
    return;
  }
  layout->SetBody(push_.body);
  layout->prefix_bytes_ = static_cast<uint16_t>(wire::WriteWsHeader(
      wire::GopusherOpcode(push_.body), push_.body.size(), layout->prefix_));
}

// A batch has other headers than it came with, once for TCP and WebSocket.
void Layouts::MakeV1Frame(wire::Encoding encoding, Layout* layout) {
  const bool framed = push_.batch && wire::IsGoimBatch(push_.body);
  std::string& frames = memory_->v1_frames;
  if (framed && !v1_frames_made_) {
    v1_frames_made_ = true;
    frames.clear();
    wire::AppendGoimV1Frames(push_.body, &frames);
  }
  const std::string_view body = framed ? std::string_view(frames) : push_.body;
  layout->SetBody(body);
  layout->prefix_bytes_ = static_cast<uint16_t>(
      wire::WriteGoimV1Prefix(encoding, body.size(), framed, layout->prefix_));
}

void Layouts::MakeV1Json(wire::Encoding encoding, Layout* layout) {
  const auto index =
      static_cast<size_t>(encoding) - static_cast<size_t>(wire::Encoding::kGoimV1JsonArray);
  std::string& text = memory_->v1_json[index];
  text.clear();
  wire::AppendGoimV1JsonPush(encoding, push_.body, push_.batch, &text);
  layout->SetBody(text);
  layout->prefix_bytes_ = 0;
}

void Layouts::DeflateFrame(Layout* layout) {
  const size_t headers = wire::kGoimHeaderBytes * (push_.batch ? 1 : 2);
  Deflate(wire::WsOpcode::kBinary, layout->prefix().substr(layout->prefix_bytes_ - headers),
          &memory_->deflated[0], layout);
}

// The layout's body, with what stands before it in the same message.
void Layouts::Deflate(wire::WsOpcode opcode, std::string_view headers, std::string* deflated,
                      Layout* layout) {
  const size_t plain_bytes = headers.size() + layout->body_bytes_;
  if (plain_bytes < deflate_bytes_) return;
  deflated->clear();
  wire::DeflateMessage({headers, layout->body()}, deflated);
  // What does not shrink goes as it is.
  if (deflated->size() >= plain_bytes) return;
  layout->SetBody(*deflated);
  layout->prefix_bytes_ = static_cast<uint16_t>(
      wire::WriteWsDeflatedHeader(opcode, deflated->size(), layout->prefix_));
}

}  // namespace halley::hub
